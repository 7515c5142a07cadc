import { HandshakeError, printable, UsageError } from 'twoway'
import { CommandFailure, ExitCode } from '../command-failure.js'
import { withoutCredentials } from './without-credentials.js'

const untrusted =
  "its certificate is signed by no authority that is trusted here; give the authority's with --ca FILE, or go on regardless with --insecure"
const wantsCertificate = 'it asks for a certificate, or for another one; give yours with --cert FILE and --key FILE'
const badPassphrase = 'the key is encrypted; give its passphrase with --passphrase, or the right one'
const badPem = 'the files of --ca, --cert and --key must hold PEM that belongs together'
const noTls = 'it does not speak TLS there; try ws:// in place of wss://, or another port'

/** What the codes of the system and of OpenSSL mean, and what to try. */
const words: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: 'nothing listens there; start the server, or check host and port',
  ENOTFOUND: 'the name is unknown; check how it is spelt',
  EAI_AGAIN: 'the name could not be looked up; check the network',
  ETIMEDOUT: 'it timed out: there was no answer; check the address, and whether a firewall is in the way',
  EHOSTUNREACH: 'there is no way to that host; check the address and the network',
  ENETUNREACH: 'there is no way to that network; check the address and the network',
  ECONNRESET: 'the connection was reset; check that it is a WebSocket server, and whether it wants wss://',
  ENOENT: 'there is no such socket; check the path',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired; have it renewed, or go on regardless with --insecure',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock, or go on regardless with --insecure',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name; connect by that name, or go on regardless with --insecure',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'it refuses HTTP/1.1, which WebSocket needs; perhaps it speaks HTTP/2 only there: try another port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsCertificate,
  ERR_OSSL_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_EVP_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_PEM_NO_START_LINE: badPem,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: badPem,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
}

/** What to try where a server refuses the handshake with a status. */
const tries: { readonly [status: number]: string | undefined } = {
  400: 'check the URL and what --header adds',
  401: 'it wants to know who you are: add credentials, by --auth USER:PASSWORD or --header "Authorization: Bearer TOKEN"',
  403: 'you may not connect: it may want credentials by --header, or another --origin',
  404: 'check the path of the URL',
  405: 'check the path of the URL',
  407: 'the proxy wants credentials: give them as --proxy http://USER:PASSWORD@HOST:PORT',
  426: 'it wants another version or protocol: check the path of the URL',
  429: 'it has had too many requests: wait a while, or use --reconnect',
  502: 'a gateway did not reach the server behind it: check that one',
  503: 'it is overloaded or stopping: try later, or use --reconnect',
  504: 'a gateway had no answer of the server behind it: check that one',
}

/** Of what a server says of its refusal, as much as fits a screen. */
const longestDetails = 3000
const longestTarget = 500

/** Why there is no connection: one sentence for people that says what to try. */
export function explainFailure(error: unknown, url: string): CommandFailure {
  const cause = causeOf(error)
  if (cause instanceof HandshakeError) return explainHandshake(cause, url)
  // A DOMException for a URL or a subprotocol, a UsageError for an option: nothing was tried.
  if (cause instanceof UsageError || cause instanceof TypeError || cause.name === 'SyntaxError') {
    return new CommandFailure(cause.message)
  }
  const code = codeOf(cause)
  const meaning = words[code]
  const where = /^can't connect to (the proxy \S+:\d+):/.exec(cause.message)?.[1] ?? hostOf(url)
  return new CommandFailure(
    meaning === undefined ? cause.message : `can't connect to ${where}: ${meaning}`,
    ExitCode.notConnected,
  )
}

/** Whether trying again may help: not where the server says that the request itself is at fault. */
export function isWorthRetrying(error: unknown): boolean {
  const cause = causeOf(error)
  if (!(cause instanceof HandshakeError)) return explainFailure(error, 'ws://unknown').exitCode !== ExitCode.usage
  return cause.status >= 500 || [0, 408, 425, 429].includes(cause.status)
}

/** Milliseconds that a refusal asks to wait, RFC 9110 §10.2.3; 0 where it does not. */
export function retryAfterMs(error: unknown, now: number): number {
  const cause = causeOf(error)
  const value = cause instanceof HandshakeError ? cause.headers?.get('retry-after') : undefined
  if (value === undefined) return 0
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}

function explainHandshake({ status, message, headers, body }: HandshakeError, url: string): CommandFailure {
  const { host, pathname } = new URL(url)
  const isHtml = /html/i.test(headers?.get('content-type') ?? '') || /^\s*</.test(body)
  const details = isHtml ? '' : printable(body.trim(), { lines: true, maxLength: longestDetails })
  const fail = (sentence: string): CommandFailure => new CommandFailure(sentence, ExitCode.notConnected, details)
  if (status === 0 || status === 101) {
    return fail(`${host} gave an answer that is no WebSocket handshake: ${message}; check host and port`)
  }
  if (status >= 200 && status < 300) {
    return fail(
      `${host} answers ${pathname} as an ordinary web server (${status}), not as a WebSocket one: check the path of the URL`,
    )
  }
  const target = headers?.get('location')
  if (status >= 300 && status < 400 && target !== undefined) {
    return fail(`${host} sends elsewhere (${status}): connect to ${shownTarget(target, url)}`)
  }
  const reason = /\d{3} ([^(]+) \(/.exec(message)?.[1]
  const answer = reason === undefined ? String(status) : `${status} ${reason}`
  return fail(`${host} refused the handshake with ${answer}: ${tries[status] ?? 'check the URL, or ask who runs it'}`)
}

/** Where a redirect leads, as the server says it. */
function shownTarget(target: string, url: string): string {
  const whole = URL.canParse(target, url) ? new URL(target, url).href : target
  const shown = withoutCredentials(whole)
  return printable(shown === whole ? target : shown, { maxLength: longestTarget })
}

/** The error that says most: a WebSocketError carries it. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.name === 'WebSocketError' && error.cause instanceof Error ? error.cause : error
}

/** The library ends its sentence with the code, told better than Node does where OpenSSL failed. */
function codeOf({ message, cause }: Error): string {
  return /\(([A-Z][A-Z0-9_]+)\)$/.exec(message)?.[1] ?? String((cause as { readonly code?: unknown })?.code ?? '')
}

function hostOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${hostname}:${port === '' ? (protocol === 'wss:' || protocol === 'https:' ? 443 : 80) : port}`
}

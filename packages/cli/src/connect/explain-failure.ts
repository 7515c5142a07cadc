import { HandshakeError, printable, UsageError } from 'twoway'
import { CommandFailure, ExitCode } from '../command-failure.js'
import { withoutCredentials } from './without-credentials.js'

const untrusted =
  'its certificate is not signed by a trusted authority; give the CA certificate with --ca FILE, or skip the check with --insecure'
const needsCertificate =
  'the server requires a client certificate, or another one; give it with --cert FILE and --key FILE'
const badPassphrase = 'the key is encrypted; give the right passphrase with --passphrase'
const unreadableKey = 'the key cannot be read; if it is encrypted, give the right passphrase with --passphrase'
const badPem = 'the files of --ca, --cert and --key must contain PEM, and the key must match the certificate'
const noTls = 'the server does not speak TLS on this port; try ws:// instead of wss://, or another port'

/** The meaning of error codes of the system and of OpenSSL, and what to try. */
const words: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: 'no server listens there; start the server, or check the host and port',
  ENOTFOUND: 'the host name does not exist; check the spelling',
  EAI_AGAIN: 'the host name could not be looked up; check the network',
  ETIMEDOUT: 'the connection timed out; check the address, and whether a firewall blocks it',
  EHOSTUNREACH: 'the host is unreachable; check the address and the network',
  ENETUNREACH: 'the network is unreachable; check the address and the network',
  ECONNRESET: 'the connection was reset; check that this is a WebSocket server, and whether it needs wss://',
  ENOENT: 'the socket does not exist; check the path',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired; renew it, or skip the check with --insecure',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock, or skip the check with --insecure',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name; connect to that name, or skip the check with --insecure',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
    'the server refuses HTTP/1.1, which WebSocket needs; it may support only HTTP/2 on this port: try another port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: needsCertificate,
  ERR_OSSL_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_EVP_BAD_DECRYPT: badPassphrase,
  ERR_OSSL_UNSUPPORTED: unreadableKey,
  ERR_OSSL_PEM_NO_START_LINE: badPem,
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: badPem,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
}

/** Advice for each status with which a server refuses the handshake. */
const tries: { readonly [status: number]: string | undefined } = {
  400: 'check the URL and the --header options',
  401: 'it requires authentication: add credentials with --auth USER:PASSWORD or --header "Authorization: Bearer TOKEN"',
  403: 'access is forbidden: it may need credentials with --header, or another --origin',
  404: 'check the path of the URL',
  405: 'check the path of the URL',
  407: 'the proxy requires authentication: use --proxy http://USER:PASSWORD@HOST:PORT',
  426: 'it requires another version or protocol: check the path of the URL',
  429: 'there were too many requests: wait, or use --reconnect',
  502: 'a gateway could not reach its server: check that server',
  503: 'it is overloaded or stopping: try again later, or use --reconnect',
  504: 'a gateway got no answer from its server: check that server',
}

/** The most characters that are shown of the body of a refusal: about a screen. */
const longestDetails = 3000
const longestTarget = 500

/** Explains why a connection failed: one sentence that says what to try. */
export function explainFailure(error: unknown, url: string): CommandFailure {
  const cause = causeOf(error)
  if (cause instanceof HandshakeError) return explainHandshake(cause, url)
  // A DOMException for a URL or a subprotocol, or a UsageError for an option: no connection was tried.
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

/** Whether trying again may help: false if the server says that the request itself is wrong. */
export function isWorthRetrying(error: unknown): boolean {
  const cause = causeOf(error)
  if (!(cause instanceof HandshakeError)) return explainFailure(error, 'ws://unknown').exitCode !== ExitCode.usage
  return cause.status >= 500 || [0, 408, 425, 429].includes(cause.status)
}

/** Milliseconds that a refusal asks the client to wait, RFC 9110 §10.2.3; 0 without Retry-After. */
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
    return fail(`${host} sent an answer that is not a WebSocket handshake: ${message}; check the host and port`)
  }
  if (status >= 200 && status < 300) {
    return fail(
      `${host} answered ${pathname} as an ordinary web server (${status}), not as a WebSocket server: check the path of the URL`,
    )
  }
  const target = headers?.get('location')
  if (status >= 300 && status < 400 && target !== undefined) {
    return fail(`${host} redirects (${status}): connect to ${shownTarget(target, url)}`)
  }
  const reason = /\d{3} ([^(]+) \(/.exec(message)?.[1]
  const answer = reason === undefined ? String(status) : `${status} ${reason}`
  return fail(`${host} refused the handshake with ${answer}: ${tries[status] ?? 'check the URL, or ask the operator'}`)
}

/** The target of a redirect, as the server wrote it. */
function shownTarget(target: string, url: string): string {
  const whole = URL.canParse(target, url) ? new URL(target, url).href : target
  const shown = withoutCredentials(whole)
  return printable(shown === whole ? target : shown, { maxLength: longestTarget })
}

/** The most specific error: the cause of a WebSocketError, or else the error itself. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.name === 'WebSocketError' && error.cause instanceof Error ? error.cause : error
}

/** The library ends its message with the code, which is more specific than Node's if OpenSSL failed. */
function codeOf({ message, cause }: Error): string {
  return /\(([A-Z][A-Z0-9_]+)\)$/.exec(message)?.[1] ?? String((cause as { readonly code?: unknown })?.code ?? '')
}

function hostOf(url: string): string {
  const { protocol, hostname, port } = new URL(url)
  return `${hostname}:${port === '' ? (protocol === 'wss:' || protocol === 'https:' ? 443 : 80) : port}`
}

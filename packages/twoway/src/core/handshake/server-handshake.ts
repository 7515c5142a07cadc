import type { HttpResponse, RequestHead } from '../../ports/http-host.js'
import type { Transport } from '../../ports/transport.js'
import { HandshakeError, type RequestViolationCode } from '../errors.js'
import { type ExtensionOffer, parseExtensions } from '../extensions/extension-header.js'
import { encodeHead, refuseOwnedFields } from '../http/encode-head.js'
import { connectionFields } from '../http/encode-response.js'
import { areDistinctTokens } from '../http/field-syntax.js'
import { HeaderFields } from '../http/header-fields.js'
import { isHost, isTarget } from '../http/request-target.js'
import { acceptKey, isKey, writeAcceptKey } from './accept-key.js'
import { handshakeFields } from './handshake-fields.js'

/** The offer of a client in a valid handshake. */
export interface ClientOffer {
  readonly key: string
  /** Subprotocols in order of preference. */
  readonly protocols: readonly string[]
  readonly extensions: readonly ExtensionOffer[]
  readonly headers: HeaderFields
  /** Whether the client expects a 100 before the 101, RFC 9110 §7.8. */
  readonly expectsContinue: boolean
}

const none: readonly never[] = Object.freeze([])

type Rule = readonly [code: RequestViolationCode, isKept: (headers: HeaderFields, head: RequestHead) => boolean]

/**
 * The rules of §4.1 and §4.2.1 in the order in which they are checked: first the rules of HTTP; then `upgradeMissing`,
 * which tells a handshake from an ordinary request; then the rules of the handshake. The version comes before the key,
 * as other versions have other keys. Fields of one name read as one value joined by commas, which is valid only for
 * lists.
 */
const rules: readonly Rule[] = [
  ['httpVersionTooOld', (_, { version }) => version >= '1.1'],
  ['hostMissing', (headers) => isHost(headers.get('host') ?? '')],
  ['upgradeMissing', (headers) => headers.lists('upgrade', 'websocket')],
  ['methodNotGet', (_, { method }) => method === 'GET'],
  ['targetInvalid', (headers, { target }) => isTarget(target, headers.get('host')!)],
  ['bodyPresent', (headers) => (headers.get('content-length') ?? '0') === '0' && !headers.has('transfer-encoding')],
  ['connectionMissing', (headers) => headers.lists('connection', 'upgrade')],
  ['versionUnsupported', (headers) => headers.get('sec-websocket-version') === '13'],
  ['keyInvalid', (headers) => isKey(headers.get('sec-websocket-key') ?? '')],
]

/** Reads a client's opening handshake. Throws a HandshakeError for the first rule that it breaks. */
export function checkRequest(head: RequestHead): ClientOffer {
  const headers = new HeaderFields(head.fields)
  for (const [code, isKept] of rules) if (!isKept(headers, head)) throw new HandshakeError(code)
  return {
    key: headers.get('sec-websocket-key')!,
    protocols: offeredProtocols(headers),
    extensions: offeredExtensions(headers),
    headers,
    expectsContinue: headers.has('expect') && headers.lists('expect', '100-continue'),
  }
}

/** The answer to a handshake that a server accepts. */
export interface Acceptance {
  /** The client's Sec-WebSocket-Key. */
  readonly key: string
  /** One of the offered subprotocols, or '' for none. */
  readonly protocol: string
  /** The value of Sec-WebSocket-Extensions, if any. */
  readonly extensions: string | undefined
  /** The caller's fields, names and values in turn. */
  readonly fields: readonly string[]
  /** Sends a 100 first, in the same write. */
  readonly expectsContinue?: boolean
}

/** RFC 9110 §7.6.1: fields that concern the connection would contradict the switch of protocols. */
const acceptanceOwned: ReadonlySet<string> = new Set([...handshakeFields, ...connectionFields])

const continuing = encodeHead('HTTP/1.1 100 Continue', [])
const acceptanceLine = 'HTTP/1.1 101 Switching Protocols'
const acceptanceFields = ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Accept'] as const

/**
 * Encodes the answer that accepts a handshake, §4.2.2. Throws a UsageError 'headerInvalid' for fields that are not
 * allowed.
 */
export function acceptanceOf({ key, protocol, extensions, fields }: Acceptance): Uint8Array {
  refuseOwnedFields(fields, acceptanceOwned, 'the handshake')
  const own = [...acceptanceFields, acceptKey(key)]
  if (protocol !== '') own.push('Sec-WebSocket-Protocol', protocol)
  if (extensions !== undefined) own.push('Sec-WebSocket-Extensions', extensions)
  return encodeHead(acceptanceLine, [...own, ...fields])
}

/**
 * Encoded answers without subprotocol and own fields, by their Sec-WebSocket-Extensions, of which there are few. They
 * differ in the accept key alone, which is overwritten for each handshake; encoding a head anew takes longer.
 */
const acceptances = new Map<string | undefined, Uint8Array>()
const acceptKeyAt = encodeHead(acceptanceLine, [...acceptanceFields, '']).length - '\r\n\r\n'.length

/** Accepts a handshake. Throws as `acceptanceOf` does, before anything is written. */
export function accept(transport: Transport, acceptance: Acceptance): void {
  const { key, protocol, extensions, fields, expectsContinue } = acceptance
  if (protocol !== '' || fields.length > 0 || expectsContinue === true) {
    const answer = acceptanceOf(acceptance)
    if (expectsContinue === true) transport.write(continuing, answer)
    else transport.write(answer)
    return
  }
  const known = acceptances.get(extensions)
  const answer = known ?? acceptanceOf(acceptance)
  if (known !== undefined) writeAcceptKey(key, known, acceptKeyAt)
  transport.write(answer)
  // A transport that still reads from the answer must find it unchanged.
  if (transport.pendingBytes === 0) acceptances.set(extensions, answer)
  else acceptances.delete(extensions)
}

/** Fields that a status requires: RFC 9110 §15.5.6, §15.5.22, §4.4. */
const refusalFields: Readonly<Record<number, readonly string[]>> = {
  405: ['Allow', 'GET'],
  426: ['Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'],
}

/** The answer to a request that breaks a rule: a status and one sentence. */
export function refusalOf(error: HandshakeError): HttpResponse {
  return {
    status: error.status,
    fields: ['Content-Type', 'text/plain; charset=utf-8', ...(refusalFields[error.status] ?? [])],
    body: `${error.message}\n`,
  }
}

function offeredProtocols(headers: HeaderFields): readonly string[] {
  if (!headers.has('sec-websocket-protocol')) return none
  const protocols = headers.list('sec-websocket-protocol')
  if (protocols.length === 0 || !areDistinctTokens(protocols)) throw new HandshakeError('protocolOfferInvalid')
  return protocols
}

function offeredExtensions(headers: HeaderFields): readonly ExtensionOffer[] {
  const value = headers.get('sec-websocket-extensions')
  if (value === undefined) return none
  const extensions = parseExtensions(value)
  if (extensions === undefined) throw new HandshakeError('extensionOfferInvalid')
  return extensions
}

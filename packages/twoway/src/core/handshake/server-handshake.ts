import type { HttpResponse, RequestHead } from '../../ports/http-host.js'
import { HandshakeError, type RequestViolationCode } from '../errors.js'
import { type ExtensionOffer, parseExtensions } from '../extensions/extension-header.js'
import { areDistinctTokens } from '../http/field-syntax.js'
import { HeaderFields } from '../http/header-fields.js'
import { isHost, isTarget } from '../http/request-target.js'
import { isKey } from './accept-key.js'
import type { ClientOffer } from './client-offer.js'
import { RepeatedHead } from './repeated-head.js'

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
  const known = RepeatedHead.offerOf(head)
  if (known !== undefined) return known
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
    reason: error.code,
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

import type { HeadLimits, ResponseHead } from '../../ports/http-host.js'
import { HandshakeError, type ResponseViolationCode, UsageError } from '../errors.js'
import { type ExtensionOffer, formatExtensions, parseExtensions } from '../extensions/extension-header.js'
import { encodeHead, refuseOwnedFields } from '../http/encode-head.js'
import { areDistinctTokens, isSameText } from '../http/field-syntax.js'
import { responseForm } from '../http/head-form.js'
import { HeadParser } from '../http/head-parser.js'
import { HeaderFields } from '../http/header-fields.js'
import { isTarget } from '../http/request-target.js'
import { quoted } from '../printable.js'
import { acceptKey } from './accept-key.js'
import { handshakeFields } from './handshake-fields.js'

export interface ClientHandshakeOptions {
  /** The value of Host: the server's name, and its port where that is not the scheme's. */
  readonly host: string
  /** The resource name: path and query. */
  readonly target: string
  /** 16 fresh random octets in base64. */
  readonly key: string
  /** Subprotocols, the preferred first. */
  readonly protocols: readonly string[]
  readonly extensions: readonly ExtensionOffer[]
  /** The caller's own fields, names and values in turn. Host and Origin among them replace the ones above and below. */
  readonly fields: readonly string[]
  readonly origin?: string | undefined
  /** The value of User-Agent, unless `fields` has one; none where it is absent or ''. */
  readonly userAgent?: string | undefined
  readonly limits: HeadLimits
}

/** What a server agreed to. */
export interface ServerAnswer {
  /** The subprotocol it chose, '' for none. */
  readonly protocol: string
  /** Those in use, as the server answered; each was offered by name, its parameters are the extension's to judge. */
  readonly extensions: readonly ExtensionOffer[]
  readonly headers: HeaderFields
}

/**
 * A client's opening handshake, §4.1: `request` goes out as it is, what comes back is fed to `receive` until there is a
 * `result`. A HandshakeError names the rule that the server broke, with the status it gave; nothing may be fed after it.
 */
export class ClientHandshake {
  readonly request: Uint8Array
  readonly #options: ClientHandshakeOptions
  /** What is left of them for the heads to come. */
  #limits: HeadLimits
  #parser: HeadParser<ResponseHead>
  #octets = 0
  #response: ResponseHead | undefined
  #result: ServerAnswer | undefined

  /** A UsageError 'headerInvalid' or 'optionInvalid' where the request can't be written. */
  constructor(options: ClientHandshakeOptions) {
    this.request = encodeRequest(options)
    this.#options = options
    this.#limits = options.limits
    this.#parser = new HeadParser(responseForm, options.limits)
  }

  /** The server's final answer once it has come, be it accepted or refused. */
  get response(): ResponseHead | undefined {
    return this.#response
  }

  /** Octets read so far, all of them heads'. What stood behind them when `receive` threw is no part of a head. */
  get octets(): number {
    return this.#octets
  }

  get result(): ServerAnswer | undefined {
    return this.#result
  }

  /** Reads up to the end of the answer and returns the octets read; frames may stand behind. Keeps no reference. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && this.#response === undefined) {
      const read = this.#parser.receive(bytes, at, end)
      this.#octets += read
      at += read
      const { head } = this.#parser
      if (head === undefined) continue
      if (isInterim(head.status)) this.#awaitNext()
      else this.#settle(head)
    }
    return at - start
  }

  /** RFC 9110 §15.2: any number of interim answers may come first. All heads together keep within the limit. */
  #awaitNext(): void {
    this.#limits = { ...this.#limits, maxHeadBytes: this.#limits.maxHeadBytes - this.#parser.octets }
    this.#parser = new HeadParser(responseForm, this.#limits)
  }

  #settle(response: ResponseHead): void {
    this.#response = response
    this.#result = checkResponse(response, this.#options)
  }
}

function isInterim(status: number): boolean {
  return status >= 100 && status <= 199 && status !== 101
}

function encodeRequest({
  host,
  target,
  key,
  protocols,
  extensions,
  fields,
  origin,
  userAgent = '',
}: ClientHandshakeOptions): Uint8Array {
  if (!isTarget(target, host))
    throw new UsageError('optionInvalid', 'the path and query of the URL make no request-target')
  if (!areDistinctTokens(protocols)) throw new UsageError('optionInvalid', 'subprotocols must be distinct tokens')
  refuseOwnedFields(fields, handshakeFields, 'the handshake')
  const given = new HeaderFields(fields)
  if (given.all('host').length > 1) throw new UsageError('headerInvalid', 'a request carries one Host')

  const own: string[] = []
  if (!given.has('host')) own.push('Host', host)
  own.push('Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Key', key, 'Sec-WebSocket-Version', '13')
  if (origin !== undefined && !given.has('origin')) own.push('Origin', origin)
  if (userAgent !== '' && !given.has('user-agent')) own.push('User-Agent', userAgent)
  if (protocols.length > 0) own.push('Sec-WebSocket-Protocol', protocols.join(', '))
  if (extensions.length > 0) own.push('Sec-WebSocket-Extensions', formatExtensions(extensions))
  return encodeHead(`GET ${target} HTTP/1.1`, own.concat(fields))
}

type Rule = readonly [
  code: ResponseViolationCode,
  field: string,
  isKept: (headers: HeaderFields, offer: ClientHandshakeOptions) => boolean,
]

/**
 * What §4.1 asks of an answer with status 101, steps 2 to 6, and WHATWG besides. Fields of one name read as one value with a comma in it,
 * which only Connection and Sec-WebSocket-Extensions may have.
 */
const rules: readonly Rule[] = [
  ['upgradeNotWebSocket', 'Upgrade', (headers) => isSameText(headers.get('upgrade') ?? '', 'websocket')],
  ['connectionNotUpgrade', 'Connection', (headers) => headers.lists('connection', 'upgrade')],
  [
    'acceptMismatch',
    'Sec-WebSocket-Accept',
    (headers, { key }) => headers.get('sec-websocket-accept') === acceptKey(key),
  ],
  ['extensionNotOffered', 'Sec-WebSocket-Extensions', (headers, offer) => areOffered(extensionsOf(headers), offer)],
  ['protocolNotOffered', 'Sec-WebSocket-Protocol', (headers, offer) => isOffered(protocolOf(headers), offer)],
  [
    'protocolNotChosen',
    'Sec-WebSocket-Protocol',
    (headers, { protocols }) => protocols.length === 0 || protocolOf(headers) !== undefined,
  ],
]

/** The error for an answer with another status than 101; `explanation` is added to its sentence. */
export function notSwitched(
  { status, reason, fields }: ResponseHead,
  explanation = '',
  body: { readonly bytes?: Uint8Array; readonly text?: string } = {},
): HandshakeError {
  const line = `${status} ${quoted(reason)}`.trimEnd()
  const detail = explanation === '' ? line : `${line}; ${explanation}`
  return new HandshakeError('statusNot101', detail, status, {
    headers: new HeaderFields(fields),
    body: body.text,
    bodyBytes: body.bytes,
  })
}

function checkResponse(response: ResponseHead, offer: ClientHandshakeOptions): ServerAnswer {
  const { status, fields, version } = response
  if (status !== 101) throw notSwitched(response)
  const headers = new HeaderFields(fields)
  if (version === '1.0') throw new HandshakeError('responseVersionTooOld', `HTTP/${version}`, status, { headers })
  const broken = rules.find(({ 2: isKept }) => !isKept(headers, offer))
  if (broken !== undefined) {
    const { 0: code, 1: field } = broken
    const value = headers.get(field)
    throw new HandshakeError(code, value === undefined ? `no ${field}` : `${field}: ${quoted(value)}`, status, {
      headers,
    })
  }
  return { protocol: protocolOf(headers) ?? '', extensions: extensionsOf(headers) ?? [], headers }
}

function protocolOf(headers: HeaderFields): string | undefined {
  return headers.get('sec-websocket-protocol')
}

function isOffered(protocol: string | undefined, { protocols }: ClientHandshakeOptions): boolean {
  return protocol === undefined || protocols.includes(protocol)
}

/** What the server answered, or undefined where that is malformed or spread over two fields, §11.3.2. */
function extensionsOf(headers: HeaderFields): readonly ExtensionOffer[] | undefined {
  const { 0: value, 1: second } = headers.all('sec-websocket-extensions')
  if (value === undefined) return []
  return second === undefined ? parseExtensions(value) : undefined
}

function areOffered(answers: readonly ExtensionOffer[] | undefined, { extensions }: ClientHandshakeOptions): boolean {
  if (answers === undefined) return false
  const names = answers.map(({ name }) => name)
  return names.every((name, at) => names.indexOf(name) === at && extensions.some((offer) => offer.name === name))
}

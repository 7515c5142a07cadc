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
  /** The value of Host: the server's name, and its port unless it is the scheme's default. */
  readonly host: string
  /** The resource name: path and query. */
  readonly target: string
  /** 16 random bytes in base64, new for each handshake. */
  readonly key: string
  /** Subprotocols in order of preference. */
  readonly protocols: readonly string[]
  readonly extensions: readonly ExtensionOffer[]
  /** The caller's fields, names and values in turn. A Host or an Origin among them replaces `host` or `origin`. */
  readonly fields: readonly string[]
  readonly origin?: string | undefined
  /** The value of User-Agent, unless `fields` has one. Not sent if absent or ''. */
  readonly userAgent?: string | undefined
  readonly limits: HeadLimits
}

/** The terms that a server agreed to. */
export interface ServerAnswer {
  /** The chosen subprotocol, '' for none. */
  readonly protocol: string
  /**
   * The negotiated extensions as the server answered them. Each name was offered; the extension checks the parameters.
   */
  readonly extensions: readonly ExtensionOffer[]
  readonly headers: HeaderFields
}

/**
 * A client's opening handshake, §4.1. The caller sends `request` and passes the answer to `receive` until there is a
 * `result`. A HandshakeError names the rule that the server broke and its status; the handshake must not be used after
 * that.
 */
export class ClientHandshake {
  readonly request: Uint8Array
  readonly #options: ClientHandshakeOptions
  /** The limits that remain for further heads. */
  #limits: HeadLimits
  #parser: HeadParser<ResponseHead>
  #bytesRead = 0
  #response: ResponseHead | undefined
  #result: ServerAnswer | undefined

  /** Throws a UsageError 'headerInvalid' or 'optionInvalid' if the request can't be encoded. */
  constructor(options: ClientHandshakeOptions) {
    this.request = encodeRequest(options)
    this.#options = options
    this.#limits = options.limits
    this.#parser = new HeadParser(responseForm, options.limits)
  }

  /** The server's final answer once it has arrived, whether it accepts or refuses. */
  get response(): ResponseHead | undefined {
    return this.#response
  }

  /** Bytes of heads read so far. If `receive` threw, later bytes belong to no head. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  get result(): ServerAnswer | undefined {
    return this.#result
  }

  /** Reads up to the end of the answer and returns the number of bytes read. Frames may follow. Keeps no reference. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && this.#response === undefined) {
      const read = this.#parser.receive(bytes, at, end)
      this.#bytesRead += read
      at += read
      const { head } = this.#parser
      if (head === undefined) continue
      if (isInterim(head.status)) this.#awaitNext()
      else this.#settle(head)
    }
    return at - start
  }

  /** RFC 9110 §15.2: any number of interim answers may come first. The limit applies to all heads together. */
  #awaitNext(): void {
    this.#limits = { ...this.#limits, maxHeadBytes: this.#limits.maxHeadBytes - this.#parser.bytesRead }
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
  if (given.all('host').length > 1) throw new UsageError('headerInvalid', 'a request must have exactly one Host')

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
 * The rules for an answer with status 101: §4.1, steps 2 to 6, and WHATWG's. Fields of one name read as one value
 * joined by commas, which is valid only for Connection and Sec-WebSocket-Extensions.
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

/** The first line of a plain text: the sentence of a server that refuses. Pages and data say less in their first line. */
function firstLineOf(text: string, headers: HeaderFields): string {
  if (!/^text\/plain\b/i.test(headers.get('content-type') ?? '')) return ''
  return /\S[^\r\n]*/.exec(text)?.[0].trimEnd() ?? ''
}

/** The error for an answer whose status is not 101. `explanation` is added to its text, and the first line of a plain text. */
export function notSwitched(
  { status, reason, fields }: ResponseHead,
  explanation = '',
  body: { readonly bytes?: Uint8Array; readonly text?: string } = {},
): HandshakeError {
  const headers = new HeaderFields(fields)
  const sentence = firstLineOf(body.text ?? '', headers)
  const line = `${status} ${quoted(reason)}`.trimEnd()
  const answer = sentence === '' ? line : `${line}, "${quoted(sentence)}"`
  const detail = explanation === '' ? answer : `${answer}; ${explanation}`
  return new HandshakeError('statusNot101', detail, status, {
    headers,
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

/** The extensions of the answer, or undefined if they are malformed or in two fields, §11.3.2. */
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

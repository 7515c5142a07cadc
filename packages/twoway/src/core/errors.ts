import { describeCloseCode } from './closing/close-code.js'
import type { HeaderFields } from './http/header-fields.js'
import { printable } from './printable.js'

/** Characters of an error's text. */
const longestSentence = 2000

/** One rule of the standard that a peer can break. */
export interface Violation {
  /** RFC 6455 where it is left out. */
  readonly standard?: string
  readonly section: string
  readonly sentence: string
}

/** A rule of the data phase: breaking it fails the connection with this status code (§7.4.1). */
export interface FrameViolation extends Violation {
  readonly closeCode: number
}

/** A rule for the client's opening handshake: breaking it is answered with this HTTP status. */
export interface RequestViolation extends Violation {
  readonly status: number
}

const frameViolations = {
  reservedBits: {
    closeCode: 1002,
    section: '5.2',
    sentence: 'a reserved bit is set that no negotiated extension uses',
  },
  reservedOpcode: { closeCode: 1002, section: '5.2', sentence: 'the opcode is reserved' },
  lengthNotMinimal: { closeCode: 1002, section: '5.2', sentence: 'the payload length is not in its shortest form' },
  lengthOver63Bits: { closeCode: 1002, section: '5.2', sentence: 'the most significant bit of a 64-bit length is set' },
  frameNotMasked: { closeCode: 1002, section: '5.1', sentence: "a client's frame is not masked" },
  frameMasked: { closeCode: 1002, section: '5.1', sentence: "a server's frame is masked" },
  controlFragmented: { closeCode: 1002, section: '5.5', sentence: 'a control frame is fragmented' },
  controlTooLong: { closeCode: 1002, section: '5.5', sentence: 'a control frame carries more than 125 octets' },
  continuationWithoutMessage: {
    closeCode: 1002,
    section: '5.4',
    sentence: 'a continuation frame came with no message to continue',
  },
  messageWithinMessage: {
    closeCode: 1002,
    section: '5.4',
    sentence: 'a new message began before the fragmented one had ended',
  },
  closePayloadTooShort: {
    closeCode: 1002,
    section: '5.5.1',
    sentence: 'a Close frame carries one octet, where a status code takes two',
  },
  closeCodeInvalid: {
    closeCode: 1002,
    section: '7.4',
    sentence: 'a Close frame carries a status code that must not be sent',
  },
  closeReasonNotUtf8: { closeCode: 1007, section: '5.5.1', sentence: 'the reason of a Close frame is not UTF-8' },
  textNotUtf8: { closeCode: 1007, section: '8.1', sentence: 'a text message is not UTF-8' },
  compressionMalformed: {
    closeCode: 1007,
    standard: 'RFC 7692',
    section: '7.2.2',
    sentence: 'the compressed data of a message is malformed',
  },
  messageTooBig: { closeCode: 1009, section: '7.4.1', sentence: 'the message is longer than this endpoint takes' },
  tooManyMessages: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'more messages came in a short time than this endpoint takes',
  },
  tooManyBytes: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'more octets came in a short time than this endpoint takes',
  },
  messageTooSlow: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'the rest of a message does not come, or comes too slowly',
  },
} as const satisfies Record<string, FrameViolation>

const requestViolations = {
  requestMalformed: { status: 400, section: '4.2.1', sentence: 'the request is not well-formed HTTP/1.1' },
  requestHeadTooLong: {
    status: 431,
    section: '4.2.1',
    sentence: "the request's head is longer than this server takes",
  },
  methodNotGet: { status: 405, section: '4.1', sentence: 'the method of a handshake must be GET' },
  httpVersionTooOld: { status: 400, section: '4.1', sentence: 'a handshake takes HTTP/1.1 or later' },
  targetInvalid: {
    status: 400,
    section: '4.2.1',
    sentence: 'the request-target must be a path or an absolute URI, without a fragment',
  },
  hostMissing: {
    status: 400,
    section: '4.2.1',
    sentence: 'a handshake must carry exactly one Host, a name or an address',
  },
  bodyPresent: { status: 400, section: '4.2.1', sentence: 'a handshake must not carry a body' },
  upgradeMissing: {
    status: 426,
    section: '4.2.1',
    sentence: 'this address speaks WebSocket: the request must carry "Upgrade: websocket"',
  },
  connectionMissing: { status: 400, section: '4.2.1', sentence: 'the request must carry "Connection: Upgrade"' },
  keyInvalid: {
    status: 400,
    section: '4.2.1',
    sentence: 'the request must carry exactly one Sec-WebSocket-Key of 16 octets in base64',
  },
  versionUnsupported: { status: 426, section: '4.4', sentence: 'the request must carry "Sec-WebSocket-Version: 13"' },
  protocolOfferInvalid: { status: 400, section: '4.1', sentence: 'Sec-WebSocket-Protocol must list distinct tokens' },
  extensionOfferInvalid: { status: 400, section: '9.1', sentence: 'Sec-WebSocket-Extensions is not well formed' },
  hostForbidden: {
    status: 421,
    standard: 'RFC 9110',
    section: '15.5.20',
    sentence: 'this server is not reached by that name',
  },
  originForbidden: {
    status: 403,
    section: '10.2',
    sentence: 'this server takes no connections from pages of that origin',
  },
} as const satisfies Record<string, RequestViolation>

const responseViolations = {
  responseMalformed: { section: '4.1', sentence: "the server's answer is not well-formed HTTP/1.1" },
  responseHeadTooLong: { section: '4.1', sentence: "the head of the server's answer is longer than this client takes" },
  statusNot101: { section: '4.1', sentence: 'the server did not switch to WebSocket' },
  responseVersionTooOld: {
    standard: 'RFC 9110',
    section: '7.8',
    sentence: 'the server switched to WebSocket by a version of HTTP that knows no switching',
  },
  upgradeNotWebSocket: { section: '4.1', sentence: 'the answer does not carry "Upgrade: websocket"' },
  connectionNotUpgrade: { section: '4.1', sentence: 'the answer does not carry "Connection: Upgrade"' },
  acceptMismatch: { section: '4.1', sentence: "Sec-WebSocket-Accept does not answer this client's key" },
  extensionNotOffered: {
    section: '4.1',
    sentence: 'the server uses an extension that was not offered, or not as offered',
  },
  protocolNotOffered: { section: '4.1', sentence: 'the server chose a subprotocol that was not offered' },
  protocolNotChosen: {
    standard: 'WHATWG WebSockets',
    section: '2.2',
    sentence: 'the server chose none of the subprotocols that were offered',
  },
} as const satisfies Record<string, Violation>

/** Every rule that an endpoint checks, one row a rule. */
export const violations = { ...frameViolations, ...requestViolations, ...responseViolations } as const

export type FrameViolationCode = keyof typeof frameViolations
export type RequestViolationCode = keyof typeof requestViolations
export type ResponseViolationCode = keyof typeof responseViolations

/** The peer broke a rule of the data phase; the connection fails with `closeCode`, which the message explains. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: FrameViolationCode
  readonly closeCode: number
  /** What was wrong, with its section: what the peer is told. */
  readonly reason: string

  constructor(code: FrameViolationCode, detail = '') {
    const { closeCode } = violations[code]
    const reason = sentenceOf(violations[code], detail)
    super(inSentence(`${reason}; ${closedWith(closeCode)}`))
    this.code = code
    this.closeCode = closeCode
    this.reason = reason
  }

  /** For JSON, which leaves out the message of an error. */
  toJSON(): object {
    const { name, code, closeCode, message } = this
    return { name, code, closeCode, message }
  }
}

/** What of a server's answer a client's HandshakeError keeps, beside the status. */
export interface AnswerParts {
  readonly headers?: HeaderFields | undefined
  readonly body?: string | undefined
  readonly bodyBytes?: Uint8Array | undefined
}

/**
 * The peer broke a rule of the opening handshake, or refused it.
 * `status` is the HTTP status: on a server the one that answers, on a client the one that came, or 0 where none did.
 */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  readonly code: RequestViolationCode | ResponseViolationCode
  readonly status: number
  /** On a client, the header fields of the server's answer; undefined where none came that could be read. */
  readonly headers: HeaderFields | undefined
  /**
   * On a client, the body of an answer with another status than 101, as text: its content coding (gzip, deflate, br or
   * zstd, as far as the runtime has them) is undone, and it is decoded by the charset of its Content-Type, UTF-8 by default.
   * At most `maxRefusalBodyBytes` of it, and what came within `refusalBodyTimeoutMs`. '' where there is none, and where
   * its coding can't be undone.
   */
  readonly body: string
  readonly #bodyBytes: Uint8Array

  constructor(
    code: RequestViolationCode | ResponseViolationCode,
    detail = '',
    status = 0,
    { headers, body = '', bodyBytes = new Uint8Array(0) }: AnswerParts = {},
  ) {
    const row: Violation & { readonly status?: number } = violations[code]
    super(inSentence(sentenceOf(row, detail)))
    this.code = code
    this.status = row.status ?? status
    this.headers = headers
    this.body = body
    this.#bodyBytes = bodyBytes
  }

  /** On a client, the bytes of that body as they came, within the same limits; not decoded. Empty where there are none. */
  get bodyBytes(): Uint8Array {
    return this.#bodyBytes
  }

  /** For JSON, which leaves out the message of an error. Without header fields, which may be secret. */
  toJSON(): object {
    const { name, code, status, message, body } = this
    return { name, code, status, message, ...(body !== '' && { body }) }
  }
}

/** A close code in a sentence, with its meaning. */
export function closedWith(closeCode: number): string {
  return `closed with ${closeCode}, ${describeCloseCode(closeCode)}`
}

/**
 * An error's text, which goes to logs and terminals. What it repeats of a peer is `quoted` where it is put in; this is
 * for the texts of systems and of callers, which may repeat a peer without our knowing.
 */
function inSentence(text: string): string {
  return printable(text, { as: 'sentence', maxLength: longestSentence })
}

function sentenceOf(row: Violation, detail: string): string {
  return `${row.sentence}${detail === '' ? '' : `: ${detail}`} (${row.standard ?? 'RFC 6455'} §${row.section})`
}

/** What our own caller can get wrong. */
export type UsageErrorCode =
  | 'closeCodeInvalid'
  | 'closeReasonTooLong'
  | 'controlPayloadTooLong'
  | 'messageTypeInvalid'
  | 'messageNotUtf8'
  | 'messageTaken'
  | 'messageSourceInvalid'
  | 'optionInvalid'
  | 'pathTaken'
  | 'protocolNotOffered'
  | 'upgradeAnswerInvalid'
  | 'headerInvalid'
  | 'pingImpossible'

/** Our caller asked for what can't be done. Thrown at once; no state has changed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code: UsageErrorCode

  constructor(code: UsageErrorCode, message: string) {
    super(inSentence(message))
    this.code = code
  }

  /** For JSON, which leaves out the message of an error. */
  toJSON(): object {
    const { name, code, message } = this
    return { name, code, message }
  }
}

/** What became of a connection that failed for no fault of the protocol's. */
export type TransportErrorCode =
  /** It could not be made, or was lost. */
  | 'connectionFailed'
  /** Too much waited for this peer: `maxBufferedBytes`. */
  | 'bufferFull'
  /** Too much waited for all peers together: `maxTotalBufferedBytes`. */
  | 'totalBufferFull'
  /** Too much was held of input of all peers that is not complete: `maxTotalReceiveBytes`. */
  | 'totalReceiveFull'
  /** Nothing came of the peer for `idleTimeoutMs`. */
  | 'peerSilent'

/** The network, or the peer's end of it, failed under the connection; `cause` is the system's error where there is one. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode

  constructor(
    message: string,
    { cause, code = 'connectionFailed' }: { readonly cause?: unknown; readonly code?: TransportErrorCode } = {},
  ) {
    super(inSentence(message), cause === undefined ? undefined : { cause })
    this.code = code
  }

  /** For JSON, which leaves out the message of an error. */
  toJSON(): object {
    const { name, code, message } = this
    return { name, code, message }
  }
}

/** What a connection was lost by: as it is, or as the cause of a TransportError. */
export function asTransportError(error: Error): TransportError {
  return error instanceof TransportError
    ? error
    : new TransportError(`the connection was lost: ${error.message}`, { cause: error })
}

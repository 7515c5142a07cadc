import type { Loss } from '../ports/transport.js'
import { describeCloseCode } from './closing/close-code.js'
import type { HeaderFields } from './http/header-fields.js'
import { inSentence } from './printable.js'

export { UsageError } from './usage-error.js'

/** One rule of a standard that a peer can break. */
export interface Violation {
  /** RFC 6455 by default. */
  readonly standard?: string
  readonly section: string
  readonly sentence: string
}

/** A rule of the data phase. Breaking it fails the connection with this status code (§7.4.1). */
export interface FrameViolation extends Violation {
  readonly closeCode: number
}

/** A rule for the client's opening handshake. The server answers a broken rule with this HTTP status. */
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
  controlTooLong: { closeCode: 1002, section: '5.5', sentence: 'a control frame carries more than 125 bytes' },
  continuationWithoutMessage: {
    closeCode: 1002,
    section: '5.4',
    sentence: 'a continuation frame arrived outside of a message',
  },
  messageWithinMessage: {
    closeCode: 1002,
    section: '5.4',
    sentence: 'a new message began before the fragmented message ended',
  },
  closePayloadTooShort: {
    closeCode: 1002,
    section: '5.5.1',
    sentence: 'a Close frame carries one byte, but a status code has two',
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
  messageTooBig: { closeCode: 1009, section: '7.4.1', sentence: 'the message is longer than this endpoint accepts' },
  tooManyMessages: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'messages arrived faster than this endpoint accepts',
  },
  tooManyBytes: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'bytes arrived faster than this endpoint accepts',
  },
  messageTooSlow: {
    closeCode: 1008,
    section: '7.4.1',
    sentence: 'the rest of a message does not arrive, or arrives too slowly',
  },
} as const satisfies Record<string, FrameViolation>

const requestViolations = {
  requestMalformed: { status: 400, section: '4.2.1', sentence: 'the request is not well-formed HTTP/1.1' },
  requestHeadTooLong: {
    status: 431,
    section: '4.2.1',
    sentence: "the request's head is longer than this server accepts",
  },
  methodNotGet: { status: 405, section: '4.1', sentence: 'the method of a handshake must be GET' },
  httpVersionTooOld: { status: 400, section: '4.1', sentence: 'a handshake requires HTTP/1.1 or later' },
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
    sentence: 'this is a WebSocket endpoint: the request must carry "Upgrade: websocket"',
  },
  connectionMissing: { status: 400, section: '4.2.1', sentence: 'the request must carry "Connection: Upgrade"' },
  keyInvalid: {
    status: 400,
    section: '4.2.1',
    sentence: 'the request must carry exactly one Sec-WebSocket-Key of 16 bytes in base64',
  },
  versionUnsupported: { status: 426, section: '4.4', sentence: 'the request must carry "Sec-WebSocket-Version: 13"' },
  protocolOfferInvalid: { status: 400, section: '4.1', sentence: 'Sec-WebSocket-Protocol must list distinct tokens' },
  extensionOfferInvalid: { status: 400, section: '9.1', sentence: 'Sec-WebSocket-Extensions is not well formed' },
  forwardedMalformed: {
    status: 400,
    standard: 'RFC 7239',
    section: '4',
    sentence: 'the Forwarded or X-Forwarded fields are not well formed, or too many',
  },
  forwardedConflict: {
    status: 400,
    standard: 'RFC 7239',
    section: '8.1',
    sentence: 'Forwarded and X-Forwarded fields contradict each other',
  },
  hostForbidden: {
    status: 421,
    standard: 'RFC 9110',
    section: '15.5.20',
    sentence: 'this server does not answer to that host name',
  },
  originForbidden: {
    status: 403,
    section: '10.2',
    sentence: 'this server does not accept connections from pages of that origin',
  },
} as const satisfies Record<string, RequestViolation>

const responseViolations = {
  responseMalformed: { section: '4.1', sentence: "the server's answer is not well-formed HTTP/1.1" },
  responseHeadTooLong: {
    section: '4.1',
    sentence: "the head of the server's answer is longer than this client accepts",
  },
  statusNot101: { section: '4.1', sentence: 'the server did not switch to WebSocket' },
  responseVersionTooOld: {
    standard: 'RFC 9110',
    section: '7.8',
    sentence: 'the server switched to WebSocket in a version of HTTP that has no upgrades',
  },
  upgradeNotWebSocket: { section: '4.1', sentence: 'the answer does not carry "Upgrade: websocket"' },
  connectionNotUpgrade: { section: '4.1', sentence: 'the answer does not carry "Connection: Upgrade"' },
  acceptMismatch: { section: '4.1', sentence: "Sec-WebSocket-Accept does not match this client's key" },
  extensionNotOffered: {
    section: '4.1',
    sentence: 'the server uses an extension that was not offered, or not with these parameters',
  },
  protocolNotOffered: { section: '4.1', sentence: 'the server chose a subprotocol that was not offered' },
  protocolNotChosen: {
    standard: 'WHATWG WebSockets',
    section: '2.2',
    sentence: 'the server chose none of the subprotocols that were offered',
  },
} as const satisfies Record<string, Violation>

/** All rules that an endpoint checks, one row each. */
export const violations = { ...frameViolations, ...requestViolations, ...responseViolations } as const

export type FrameViolationCode = keyof typeof frameViolations
export type RequestViolationCode = keyof typeof requestViolations
export type ResponseViolationCode = keyof typeof responseViolations

/** The peer broke a rule of the data phase. The connection fails with `closeCode`; `message` explains it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: FrameViolationCode
  readonly closeCode: number
  /** The broken rule, with its section. The peer gets it as the close reason. */
  readonly reason: string

  constructor(code: FrameViolationCode, detail = '') {
    const { closeCode } = violations[code]
    const reason = sentenceOf(violations[code], detail)
    super(inSentence(`${reason}; ${closedWith(closeCode)}`))
    this.code = code
    this.closeCode = closeCode
    this.reason = reason
  }

  /** For `JSON.stringify`, which would leave out an error's message. */
  toJSON(): object {
    const { name, code, closeCode, message } = this
    return { name, code, closeCode, message }
  }
}

/** Parts of a server's answer that a client's HandshakeError keeps besides the status. */
export interface AnswerParts {
  readonly headers?: HeaderFields | undefined
  readonly body?: string | undefined
  readonly bodyBytes?: Uint8Array | undefined
}

/**
 * The peer broke a rule of the opening handshake, or refused it. The text has the first line of a refusal in plain text.
 * `status` is the HTTP status: on a server the one that it answers with; on a client the one it received, or 0 if it
 * received none.
 */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  readonly code: RequestViolationCode | ResponseViolationCode
  readonly status: number
  /** On a client, the header fields of the server's answer; undefined if no readable head arrived. */
  readonly headers: HeaderFields | undefined
  /**
   * On a client, the body of an answer whose status is not 101, as text. Holds at most `maxRefusalBodyBytes`, received
   * within `refusalBodyTimeoutMs`. Empty if there is no body or its coding can't be decoded.
   * @remarks The content codings that the runtime supports (of gzip, deflate, br and zstd) are decoded; the charset is that
   * of Content-Type, UTF-8 by default.
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

  /** On a client, the undecoded bytes of that body, within the same limits. Empty if there is no body. */
  get bodyBytes(): Uint8Array {
    return this.#bodyBytes
  }

  /** For `JSON.stringify`, which would leave out an error's message. Omits header fields, which may be secret. */
  toJSON(): object {
    const { name, code, status, message, body } = this
    return { name, code, status, message, ...(body !== '' && { body }) }
  }
}

/** A close code with its meaning, as part of a sentence. */
export function closedWith(closeCode: number): string {
  return `closed with ${closeCode}, ${describeCloseCode(closeCode)}`
}

function sentenceOf(row: Violation, detail: string): string {
  return `${row.sentence}${detail === '' ? '' : `: ${detail}`} (${row.standard ?? 'RFC 6455'} §${row.section})`
}

/** Causes of a failure that is not a protocol error. */
export type TransportErrorCode =
  /** The connection could not be opened, or was lost. */
  | 'connectionFailed'
  /** More than `maxBufferedBytes` waited for this peer. */
  | 'bufferFull'
  /** More than `maxTotalBufferedBytes` waited for all peers together. */
  | 'totalBufferFull'
  /** The incomplete input of all peers exceeded `maxTotalReceiveBytes`. */
  | 'totalReceiveFull'
  /** The peer sent nothing for `idleTimeoutMs`. */
  | 'peerSilent'
  /** With `proxyProtocol`, a peer connected that is none of `trustedProxies`. */
  | 'proxyNotTrusted'
  /** With `proxyProtocol`, a connection of a trusted proxy has no valid PROXY header, or not in time. */
  | 'proxyHeaderInvalid'
  /** A peer on this machine or in a private network sent fields of a proxy, and is none of `trustedProxies`. */
  | 'forwardingIgnored'

/** The network or the peer's system failed. `cause` is the system's error, if there is one. */
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

  /** For `JSON.stringify`, which would leave out an error's message. */
  toJSON(): object {
    const { name, code, message } = this
    return { name, code, message }
  }
}

/** The error of a lost connection. */
export function errorOf(loss: Loss): Error {
  return typeof loss === 'function' ? loss() : loss
}

/** The same, wrapped unless it is a TransportError already. */
export function asTransportError(loss: Loss): TransportError {
  const error = errorOf(loss)
  return error instanceof TransportError
    ? error
    : new TransportError(`the connection was lost: ${error.message}`, { cause: error })
}

import type { DecodePiece, Encoded, EncodePiece, InflatedSink } from '../../ports/deflate-codec.js'
import type { ExtensionOffer } from './extension-header.js'

/**
 * What a negotiated extension does to the messages of one connection, RFC 6455 §9.
 * It works on whole messages: it sees a message's payload without its frames.
 */
export interface Extension {
  readonly name: string
  /** The reserved bits that mark a message it has changed, on the message's first frame: 4 is RSV1, 2 RSV2, 1 RSV3. */
  readonly messageBits: number
  /** Bytes of memory taken for a marked message that is not complete. */
  readonly heldBytes: number
  /**
   * Whether a message of so many bytes is to be changed. It grows with the length.
   * @param compress what the sender wants of this message, if anything
   */
  wants(length: number, compress: boolean | undefined): boolean
  /** Whether a message can be changed piece by piece; else it is to be given whole. */
  readonly encodesPieces: boolean
  /**
   * The next piece of a message, changed, valid until an extension is used again; `last` with its end, where the range
   * may be empty. Undefined where it would be longer than `most`: the message then goes out as it is, which only its
   * first piece can decide.
   *
   * Returns 'later' where this takes long: then `done` is called once with that, later than this call returns; the
   * bytes must be left unchanged until then, and nothing else may be encoded.
   */
  readonly encode: EncodePiece
  /** For messages that go to many connections; undefined where what becomes of one depends on those before it. */
  readonly shared?: SharedEncoder | undefined
  /**
   * Undoes the change, piece by piece as a marked message arrives; `last` at its end, where the range may be empty.
   * What comes out goes to `emit`, which throws where the message grows too long; that passes through. A malformed
   * message is a ProtocolError. After either nothing more may be decoded.
   *
   * Returns 'later' where this takes long: then `done` is called once, later than this call returns, with what would
   * have been thrown; nothing else may be decoded before. The bytes are not kept.
   */
  readonly decode: DecodePiece
  /** What comes out is read before a message is complete: no more of it is to be held back than speed asks for. */
  decodeForReader?(): void
  /** No message is awaited any more: gives back what was held to decode, and tells of nothing that was to come later. */
  stopDecoding(): void
  /** The connection is gone: gives back all that the extension holds, and tells of nothing that was to come later. */
  close(): void
}

/** Changes whole messages as the extensions of many connections would: the same object for those that agreed alike. */
export interface SharedEncoder {
  /** As `Extension.encode` does with a message's only piece. Another message may be encoded meanwhile. */
  encode(bytes: Uint8Array, start: number, end: number, done: Encoded): Uint8Array | undefined | 'later'
}

export type { Encoded, InflatedSink as DecodedSink }

/** How an extension is agreed upon in the opening handshake. One extension serves a connection, the first agreed. */
export interface ExtensionNegotiator {
  readonly name: string
  /** What a client offers, the preferred first. */
  readonly offers: readonly ExtensionOffer[]
  /** A server's decision on one offer of this name: what it answers, or undefined to decline. */
  accept(offer: ExtensionOffer): AcceptedExtension | undefined
  /** A client's reading of the server's answer; undefined where it does not fit what was offered. */
  confirm(answer: ExtensionOffer): Extension | undefined
}

export interface AcceptedExtension {
  /** As Sec-WebSocket-Extensions says it. Of the same agreement the same string, as each connection keeps it. */
  readonly answer: string
  readonly extension: Extension
}

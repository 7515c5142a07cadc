import type { DecodePiece, Encoded, EncodePiece, EncodeResult } from '../../ports/deflate-codec.js'
import type { ExtensionOffer } from './extension-header.js'

/** A negotiated extension of one connection, RFC 6455 §9. It works on the payload of messages, not on frames. */
export interface Extension {
  readonly name: string
  /** Reserved bits that mark an encoded message on its first frame: 4 is RSV1, 2 RSV2, 1 RSV3. */
  readonly messageBits: number
  /** Bytes of memory that an incomplete encoded message takes. */
  readonly heldBytes: number
  /**
   * Whether to encode a message of this length. Monotonic in the length.
   * @param compress the sender's choice for this message, if any
   */
  wants(length: number, compress: boolean | undefined): boolean
  /** Whether a message can be encoded piece by piece; else `encode` takes whole messages only. */
  readonly encodesPieces: boolean
  /**
   * Encodes the next piece of a message; `last` with its end, where the range may be empty. The output is valid until
   * an extension is used again. Undefined if it would be longer than `most`: the message then goes out unencoded, which
   * only its first piece can decide.
   *
   * Returns 'later' for asynchronous encoding: `done` is called once, after this call has returned. Until then, the
   * bytes must not change and nothing else may be encoded.
   */
  readonly encode: EncodePiece
  /** Encodes messages for many connections. Undefined if the result depends on a connection's earlier messages. */
  readonly shared?: SharedEncoder | undefined
  /**
   * Decodes the next piece of an encoded message; `last` with its end, where the range may be empty. The output goes to
   * `emit`, which throws if the message gets too long. Throws what `emit` throws, and a ProtocolError for malformed
   * data; nothing may be decoded after that.
   *
   * Returns 'later' for asynchronous decoding: `done` is called once, after this call has returned, with the error if
   * there was one. Until then, nothing else may be decoded. The bytes are not kept.
   */
  readonly decode: DecodePiece
  /** Messages are streamed: output should be delayed no more than efficiency requires. */
  decodeForReader?(): void
  /** No further message is expected: releases the decoder, and drops pending results. */
  stopDecoding(): void
  /** The connection is gone: releases everything, and drops pending results. */
  close(): void
}

/** Encodes whole messages for all connections with the same agreement, which share one such object. */
export interface SharedEncoder {
  /** Like `Extension.encode` for a whole message. Other messages may be encoded meanwhile. */
  encode(bytes: Uint8Array, start: number, end: number, done: Encoded): EncodeResult
}

/** Negotiates an extension in the opening handshake. A connection uses one extension, the first agreed. */
export interface ExtensionNegotiator {
  readonly name: string
  /** A client's offers in order of preference. */
  readonly offers: readonly ExtensionOffer[]
  /** A server's decision on an offer with this name; undefined to decline it. */
  accept(offer: ExtensionOffer): AcceptedExtension | undefined
  /** Reads the server's answer on a client; undefined if it does not fit the offers. */
  confirm(answer: ExtensionOffer): Extension | undefined
}

export interface AcceptedExtension {
  /** The value for Sec-WebSocket-Extensions. Equal agreements share one string, as each connection keeps it. */
  readonly answer: string
  readonly extension: Extension
}

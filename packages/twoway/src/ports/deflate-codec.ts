/**
 * Compresses and inflates DEFLATE data (RFC 1951) in the form of RFC 7692: the data of a message is a series of blocks
 * that ends with an empty one, without its last four bytes (00 00 ff ff), the tail.
 */
export interface DeflateCodec {
  /** Whether a context can keep its history between messages: context takeover, RFC 7692 §7.1.1. */
  readonly keepsHistory: boolean
  /** Whether a compressor returns output for each piece; else it collects the whole message. */
  readonly compressesPieces: boolean
  /** The smallest window in bits that a compressor supports; 15 if its window is fixed. */
  readonly smallestWindowBits: number
  /** Compressors with these parameters. Equal parameters give the same source. */
  compressors(parameters: CompressorParameters): ContextSource<Compressor>
  /** Inflaters for a window of up to `windowBits`. Equal parameters give the same source. */
  inflaters(parameters: ContextParameters): ContextSource<Inflater>
}

export interface ContextParameters {
  /**
   * Base-2 logarithm of the window's size in bytes: `smallestWindowBits` to 15 for compressors, 8 to 15 for inflaters.
   */
  readonly windowBits: number
  /** Whether a context is kept between messages; else it is released after each. */
  readonly takeover: boolean
}

export interface CompressorParameters extends ContextParameters {
  /** From 0, no compression, to 9, the best. */
  readonly level: number
  /** From 1, the least, to 9. */
  readonly memLevel: number
}

export interface ContextSource<Context> {
  /**
   * Returns a context without history, which the caller owns until it is released. It takes memory from its first use
   * on.
   */
  take(): Context
}

interface DeflateContext {
  /**
   * Gives the context back. It must not be used again. Cancels background work without a callback. All memory is
   * released, once and for all.
   */
  release(): void
}

export interface Compressor extends DeflateContext {
  /**
   * Compresses the next piece of a message; `last` with its end, where the output omits the tail. If the output would
   * be longer than `most`, or the codec fails, the result is undefined and the history is lost.
   *
   * The output is valid until the codec is used again. Returns 'later' for a long piece: `done` is called once with the
   * result, after this call has returned. The bytes must not change until then.
   */
  readonly deflate: EncodePiece
}

export interface Inflater extends DeflateContext {
  /**
   * Bytes of memory that an incomplete message takes: input that waits to be inflated, and the context unless it is
   * kept between messages.
   */
  readonly heldBytes: number
  /**
   * Inflates the next piece of a message; `last` with its end, where the tail is restored. With takeover, a message
   * that ends within a block may only be detected with the next message, if it ends within the block's code lengths or
   * the codec can't tell.
   * Throws a ProtocolError 'compressionMalformed', and what `emit` throws; the context can only be released after that.
   *
   * Returns 'later' for asynchronous work: `done` is called once, after this call has returned, with the error if there
   * was one. The input is not needed after the call.
   */
  readonly inflate: DecodePiece
}

/**
 * Encodes a piece of a message, `bytes[start, end)`; `last` with the end of the message. The output is undefined if it
 * would be longer than `most`. The result 'later' means that `done` gets the output.
 */
export type EncodePiece = (
  bytes: Uint8Array,
  start: number,
  end: number,
  last: boolean,
  most: number,
  done: Encoded,
) => EncodeResult

export type EncodeResult = Uint8Array | undefined | 'later'

export type Encoded = (output: Uint8Array | undefined) => void

/**
 * Decodes a piece of a message; `last` with the end of the message. The output goes to `emit`. The result 'later' means
 * that `done` is called at the end.
 */
export type DecodePiece = (
  bytes: Uint8Array,
  start: number,
  end: number,
  last: boolean,
  emit: DecodedSink,
  done: Decoded,
) => DecodeResult

export type DecodeResult = 'done' | 'later'

export type Decoded = (error?: unknown) => void

/**
 * Takes decoded bytes, at most 64 KiB per call, valid only during the call; `last` with the end of a message, where the
 * range may be empty. Throws to stop the decoding.
 */
export type DecodedSink = (bytes: Uint8Array, start: number, end: number, last: boolean) => void

/**
 * Compresses and inflates with DEFLATE (RFC 1951) as RFC 7692 uses it: a message's data is a run of blocks that ends
 * with an empty one, of which the last four bytes (00 00 ff ff) are left out.
 */
export interface DeflateCodec {
  /** Whether a context can keep its history from one message to the next: context takeover, RFC 7692 §7.1.1. */
  readonly keepsHistory: boolean
  /** Whether a compressor gives of each piece what becomes of it; else it holds a message to its end. */
  readonly compressesPieces: boolean
  /** The smallest window that a compressor can be held to, in bits; 15 where it has one size. */
  readonly smallestWindowBits: number
  /** The compressors of one set of parameters. The same parameters give the same source. */
  compressors(parameters: CompressorParameters): ContextSource<Compressor>
  /** The inflaters for a window of up to so many bits. The same parameters give the same source. */
  inflaters(parameters: ContextParameters): ContextSource<Inflater>
}

export interface ContextParameters {
  /** Base-2 logarithm of the window's bytes: `smallestWindowBits` to 15 to compress, 8 to 15 to inflate. */
  readonly windowBits: number
  /** Whether its taker keeps a context over several messages; else a context is released after each. */
  readonly takeover: boolean
}

export interface CompressorParameters extends ContextParameters {
  /** 0, none, to 9, the most. */
  readonly level: number
  /** 1, the least, to 9. */
  readonly memLevel: number
}

export interface ContextSource<Context> {
  /** A context without history, the taker's alone until it is released. It takes memory from its first use on. */
  take(): Context
}

interface DeflateContext {
  /**
   * Gives the context back; it must not be used again. What goes on in the background is cancelled and not told of.
   * Once and for all: whoever took the context holds no memory of it any more.
   */
  release(): void
}

export interface Compressor extends DeflateContext {
  /**
   * Compresses the next piece of a message, all of it; `last` with its end, where the tail is left out of the output.
   * Where the output would be longer than `most`, or the codec fails, the result is undefined and the history is gone.
   *
   * Returns the output, valid until the codec is used again, or undefined; or 'later' where the piece is long: then
   * `done` is called once with it, later than this call returns, and the bytes must be left unchanged until then.
   */
  readonly deflate: EncodePiece
}

export interface Inflater extends DeflateContext {
  /**
   * Bytes of memory taken for a message that is not complete: input that waits to be inflated, and the context, unless
   * that is kept over several messages.
   */
  readonly heldBytes: number
  /**
   * Inflates the next piece of a message; `last` with its end, where the tail is put back.
   * With takeover a message that breaks off within a block may be found out with the next one only, where it breaks off
   * in the description of a block's codes or the codec has no way to ask.
   * Throws a ProtocolError 'compressionMalformed', and what `emit` throws; the context then is of no use but to be
   * released.
   *
   * Returns 'later' where this takes long: then `done` is called once, later than this call returns, with what would
   * have been thrown. The input is not needed after the call.
   */
  readonly inflate: DecodePiece
}

/**
 * Changes a piece of a message, `bytes[start, end)`, `last` with the end of the message. The output is undefined where it
 * would be longer than `most`. Where it takes long the result is 'later', and the output goes to `done`.
 */
export type EncodePiece = (
  bytes: Uint8Array,
  start: number,
  end: number,
  last: boolean,
  most: number,
  done: Encoded,
) => Uint8Array | undefined | 'later'

export type Encoded = (output: Uint8Array | undefined) => void

/**
 * Undoes the change of a piece, `last` with the end of the message. The output goes to `emit`. Where it takes long the
 * result is 'later', and `done` is told of its end.
 */
export type DecodePiece = (
  bytes: Uint8Array,
  start: number,
  end: number,
  last: boolean,
  emit: InflatedSink,
  done: (error?: unknown) => void,
) => 'done' | 'later'

/**
 * Takes inflated bytes, at most 64 KiB a call, valid during the call only. `last` with the end of a message, where the
 * range may be empty. What it throws ends the work.
 */
export type InflatedSink = (bytes: Uint8Array, start: number, end: number, last: boolean) => void

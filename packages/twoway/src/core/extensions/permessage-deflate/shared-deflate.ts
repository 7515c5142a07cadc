import type { Compressor, ContextSource, Encoded, EncodeResult } from '../../../ports/deflate-codec.js'
import type { SharedEncoder } from '../extension.js'

/** Compresses messages for all connections that agreed on the same parameters, without context takeover. */
export class SharedDeflate implements SharedEncoder {
  readonly #source: ContextSource<Compressor>

  constructor(source: ContextSource<Compressor>) {
    this.#source = source
  }

  encode(bytes: Uint8Array, start: number, end: number, done: Encoded): EncodeResult {
    const compressor = this.#source.take()
    const output = compressor.deflate(bytes, start, end, true, end - start - 1, (later) => {
      compressor.release()
      done(later)
    })
    if (output !== 'later') compressor.release()
    return output
  }
}

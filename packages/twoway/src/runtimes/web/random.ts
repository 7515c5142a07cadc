import type { Random } from '../../ports/random.js'
import { getRandomValues } from './platform.js'

/** The most bytes that getRandomValues gives in a call. */
const longestFill = 65_536

class WebRandom implements Random {
  /** Masking keys fetched in advance: a call of the source costs more than the bytes it gives. */
  readonly #keys = new Int32Array(1024)
  #next = this.#keys.length

  maskingKey(): number {
    if (this.#next === this.#keys.length) {
      getRandomValues(this.#keys)
      this.#next = 0
    }
    return this.#keys[this.#next++]!
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += longestFill) getRandomValues(bytes.subarray(at, at + longestFill))
    return bytes
  }
}

/** Web Crypto's source. A masking key is a signed integer, which engines hold without a heap object. */
export const webRandom: Random = new WebRandom()

import { randomFillSync } from 'node:crypto'
import type { Random } from '../../ports/random.js'

/** Longer ones are rare, and fetched directly. */
const mostPooled = 64

/** Numbers are fetched in advance: a call of the source costs more than the bytes it gives. */
class NodeRandom implements Random {
  readonly #keys = new Int32Array(1024)
  #next = this.#keys.length
  readonly #pool = new Uint8Array(4096)
  #used = this.#pool.length

  maskingKey(): number {
    if (this.#next === this.#keys.length) {
      randomFillSync(this.#keys)
      this.#next = 0
    }
    return this.#keys[this.#next++]!
  }

  bytes(length: number): Uint8Array {
    if (length > mostPooled) return randomFillSync(new Uint8Array(length))
    if (this.#used + length > this.#pool.length) {
      randomFillSync(this.#pool)
      this.#used = 0
    }
    const start = this.#used
    this.#used += length
    return new Uint8Array(this.#pool.subarray(start, this.#used))
  }
}

/** OpenSSL's source. A masking key is a signed integer, which V8 holds without a heap object. */
export const nodeRandom: Random = new NodeRandom()

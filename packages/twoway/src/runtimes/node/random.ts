import { randomFillSync } from 'node:crypto'
import type { Random } from '../../ports/random.js'

class NodeRandom implements Random {
  /** Masking keys fetched in advance: a call of the source costs more than the bytes it gives. */
  readonly #keys = new Int32Array(1024)
  #next = this.#keys.length

  maskingKey(): number {
    if (this.#next === this.#keys.length) {
      randomFillSync(this.#keys)
      this.#next = 0
    }
    return this.#keys[this.#next++]!
  }

  bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length))
  }
}

/** OpenSSL's source. A masking key is a signed integer, which V8 holds without a heap object. */
export const nodeRandom: Random = new NodeRandom()

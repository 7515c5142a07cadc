/** Publishes without an answer, and the characters and bytes of their contents. */
const most = { count: 10_000, length: 64 << 20 }

/** The publishes that wait for an answer: while the server is away, they must not fill the memory. */
export class Backlog {
  #count = 0
  #length = 0

  /** Takes one more. Throws if too many wait already, and for contents that have no length: the sum would be no number from then on. */
  enter(length: number): void {
    if (!(length >= 0)) throw new TypeError('the content of a message must be text or bytes')
    if (this.#count >= most.count || this.#length + length > most.length) {
      throw new Error(`${this.#count} publishes wait for an answer already`)
    }
    this.#count += 1
    this.#length += length
  }

  /** One has its answer. */
  leave(length: number): void {
    this.#count -= 1
    this.#length -= length
  }
}

/** Publishes without an answer, and the characters and bytes of their contents. */
const most = { count: 10_000, length: 64 << 20 }

/** The publishes that wait for an answer: while the server is away, they must not fill the memory. */
export class Backlog {
  #count = 0
  #length = 0

  /** Takes one more. Throws if too many wait already. */
  enter(length: number): void {
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

/**
 * The bytes that wait for the peers of one server that lag behind, together. A connection counts while more waits for
 * it than its high-water mark, and what it counts is brought up to date when it sends and when it is drained.
 */
export class BufferBudget {
  readonly limit: number
  #used = 0

  /** @param limit bytes, at most */
  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isExceeded(): boolean {
    return this.#used > this.limit
  }

  /** A connection counts `now` bytes where it counted `before`. */
  change(before: number, now: number): void {
    this.#used += now - before
  }
}

/**
 * Bytes that wait for all slow peers of a server together. A connection counts while more than its high-water mark
 * waits; its count is updated when it sends and when it drains.
 */
export class BufferBudget {
  readonly limit: number
  #used = 0

  /** @param limit in bytes */
  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  get isExceeded(): boolean {
    return this.#used > this.limit
  }

  /** Replaces a connection's count. */
  change(before: number, now: number): void {
    this.#used += now - before
  }
}

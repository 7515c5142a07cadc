/** A ring of messages, as a budget sees it. */
export interface Budgeted {
  readonly bytes: number
  /** Drops all messages, and keeps the head. */
  drop(): void
}

/**
 * The bytes that the messages of many topics may take together: each topic has limits of its own, but their number may be
 * large. Beyond the limit, the topic whose last message is oldest loses its messages first.
 */
export class HistoryBudget {
  readonly #limit: number
  /** The rings with messages, in the order of their last message. */
  readonly #rings = new Set<Budgeted>()
  #used = 0
  /** The last one of these rings. */
  #newest: Budgeted | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get used(): number {
    return this.#used
  }

  /** A ring has got a message, and has changed by this number of bytes. */
  added(ring: Budgeted, change: number): void {
    if (this.#newest !== ring) {
      this.#rings.delete(ring)
      this.#rings.add(ring)
      this.#newest = ring
    }
    this.#used += change
    while (this.#used > this.#limit && this.#rings.size > 1) {
      const oldest: Budgeted = this.#rings.values().next().value!
      this.removed(oldest)
      oldest.drop()
    }
  }

  /** A ring has lost bytes. */
  shrunk(change: number): void {
    this.#used -= change
  }

  /** A ring is gone, or will be empty. */
  removed(ring: Budgeted): void {
    if (this.#rings.delete(ring)) this.#used -= ring.bytes
    if (this.#newest === ring) this.#newest = undefined
  }
}

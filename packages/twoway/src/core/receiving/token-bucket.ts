/** A token bucket that holds one second's worth of tokens. */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #filledAt: number

  /**
   * Starts full.
   * @param now milliseconds, as in all later calls
   */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#filledAt = now
  }

  /** Takes `amount` tokens if there are enough, else none. */
  take(amount: number, now: number): boolean {
    if (this.#tokens < this.#perSecond) this.#tokens = Math.min(this.#perSecond, this.#tokens + this.#flow(now))
    this.#filledAt = now
    // Sums of fractions may fall short of an integer by a rounding error.
    if (this.#tokens + 1e-6 < amount) return false
    this.#tokens -= amount
    return true
  }

  /**
   * Adds the tokens since the last call without the limit of one second's worth, after a time in which none could be
   * taken.
   */
  keepAll(now: number): void {
    this.#tokens += this.#flow(now)
    this.#filledAt = now
  }

  #flow(now: number): number {
    return ((now - this.#filledAt) * this.#perSecond) / 1000
  }
}

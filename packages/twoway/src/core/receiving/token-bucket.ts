/**
 * A rate with a burst of one second's worth: as much may be taken as has flowed in and not been taken, and no more than
 * a second's flow is kept.
 */
export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #filledAt: number

  /** Full at first. @param now milliseconds, as in the calls that follow */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#filledAt = now
  }

  /** Takes so much, if it is there; else nothing. */
  take(amount: number, now: number): boolean {
    if (this.#tokens < this.#perSecond) this.#tokens = Math.min(this.#perSecond, this.#tokens + this.#flow(now))
    this.#filledAt = now
    // Sums of fractions fall short of a whole by a hair.
    if (this.#tokens + 1e-6 < amount) return false
    this.#tokens -= amount
    return true
  }

  /** Lets all flow in that has come since the last call, beyond a second's worth too: for a time in which nothing could be taken. */
  keepAll(now: number): void {
    this.#tokens += this.#flow(now)
    this.#filledAt = now
  }

  #flow(now: number): number {
    return ((now - this.#filledAt) * this.#perSecond) / 1000
  }
}

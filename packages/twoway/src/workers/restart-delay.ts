const firstMs = 100
const longestMs = 30_000
/** Milliseconds of listening after which a death does not count as a failed start. */
const healthyAfterMs = 30_000

/** The delay before a worker that died is started again. It doubles each time, until a worker has lived for a while. */
export class RestartDelay {
  #failures = 0

  /**
   * @param listenedMs the time for which the dead worker had listened; 0 if it never did
   * @param chance a random number from 0 to 1, so that workers that died together come back at different times
   */
  next(listenedMs: number, chance: number): number {
    if (listenedMs >= healthyAfterMs) this.#failures = 0
    const fullMs = Math.min(longestMs, firstMs * 2 ** this.#failures)
    this.#failures += 1
    return Math.round(fullMs * (0.5 + chance / 2))
  }
}

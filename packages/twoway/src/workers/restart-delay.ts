const firstMs = 100
const longestMs = 30_000
/** Who has listened for so long did not fail at its start. */
const healthyAfterMs = 30_000

/** How long a worker that died waits before it is started again: twice as long each time, until one has lived a while. */
export class RestartDelay {
  #failures = 0

  /**
   * @param listenedMs how long the one that died had listened; 0 where it never did
   * @param chance from 0 to 1: workers that died of one cause come back at different times
   */
  next(listenedMs: number, chance: number): number {
    if (listenedMs >= healthyAfterMs) this.#failures = 0
    const fullMs = Math.min(longestMs, firstMs * 2 ** this.#failures)
    this.#failures += 1
    return Math.round(fullMs * (0.5 + chance / 2))
  }
}

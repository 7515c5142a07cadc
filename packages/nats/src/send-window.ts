/** The fewest bursts on their way at a time: a server on the same network is busy with as many. */
const fewest = 16
/** The window grows while an answer takes less than as many times the shortest time, and shrinks when it takes more. */
const growsBelow = 1.5
const shrinksAbove = 3
const step = 1 / 4

/**
 * The bursts of all topics of a node that are on their way at a time. More of them would only wait in the server, while messages
 * that wait here share entries. The time of the answers tells how busy the server is: one that is far away and not busy gets
 * more bursts.
 */
export class SendWindow {
  readonly #waiting: (() => void)[] = []
  #most = fewest
  #underWay = 0
  #isAdmitting = false
  #shortestMs = Number.POSITIVE_INFINITY

  /** Waits for a place, in the order of the calls. The bursts of a turn of the event loop leave together, in one write. */
  enter(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#admitLater()
    })
  }

  /** A burst has its answers. */
  leave(): void {
    this.#underWay -= 1
    if (this.#waiting.length > 0) this.#admitLater()
  }

  /** Takes the time of an answer. */
  answered(ms: number): void {
    this.#shortestMs = Math.min(ms, this.#shortestMs)
    if (ms > shrinksAbove * this.#shortestMs) this.#most = Math.max(fewest, this.#most - step)
    else if (ms < growsBelow * this.#shortestMs && this.#waiting.length > 0) this.#most += step
  }

  /** The next answers may come from another server. */
  forgetTimes(): void {
    this.#shortestMs = Number.POSITIVE_INFINITY
  }

  #admitLater(): void {
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    setImmediate(() => {
      this.#isAdmitting = false
      const room = Math.max(0, Math.floor(this.#most) - this.#underWay)
      for (const resolve of this.#waiting.splice(0, room)) {
        this.#underWay += 1
        resolve()
      }
    })
  }
}

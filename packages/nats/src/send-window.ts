/** The fewest bursts on their way at a time: a server on the same network is busy with as many. */
const fewest = 16
/** The window grows while an answer takes less than as many times the shortest time, and shrinks when it takes more. */
const growsBelow = 1.5
const shrinksAbove = 3
const step = 1 / 4
/** The most milliseconds by which a wait ends after its time. */
const checkMs = 25

interface Waiting {
  /** The end of its time, as a time of `performance.now()`. */
  readonly until: number
  resolve(hasPlace: boolean): void
}

/**
 * The bursts of all topics of a node that are on their way at a time. More of them would only wait in the server, while messages
 * that wait here share entries. The time of the answers tells how busy the server is: one that is far away and not busy gets
 * more bursts.
 */
export class SendWindow {
  #waiting: Waiting[] = []
  #most = fewest
  #underWay = 0
  #isAdmitting = false
  #shortestMs = Number.POSITIVE_INFINITY
  #checking: NodeJS.Timeout | undefined

  /**
   * Waits for a place, in the order of the calls. The bursts of a turn of the event loop leave together, in one write. Resolves to
   * false, without a place, if there is none until a time of `performance.now()`: the bursts that have the places may have more time.
   */
  enter(until: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ until, resolve })
      this.#admitLater()
      this.#checkLater()
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
      for (const { resolve } of this.#waiting.splice(0, room)) {
        this.#underWay += 1
        resolve(true)
      }
    })
  }

  #checkLater(): void {
    if (this.#checking !== undefined) return
    this.#checking = setTimeout(() => {
      this.#checking = undefined
      const now = performance.now()
      const late = this.#waiting.filter(({ until }) => until <= now)
      if (late.length > 0) this.#waiting = this.#waiting.filter(({ until }) => until > now)
      for (const { resolve } of late) resolve(false)
      if (this.#waiting.length > 0) this.#checkLater()
    }, checkMs)
    // The requests that have the places keep the process alive.
    this.#checking.unref()
  }
}

/** Lets a few jobs run at a time, the others wait their turn, so that not each of many connections holds a context. */
export class JobQueue {
  readonly #most: number
  #running = 0
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#most = most
  }

  /** Starts a job, now or in its turn. What it returns ends the job, run or not; call it once. */
  enter(start: () => void): () => void {
    if (this.#running < this.#most) {
      this.#running += 1
      start()
    } else {
      this.#waiting.add(start)
    }
    return () => {
      if (this.#waiting.delete(start)) return
      this.#running -= 1
      const [next] = this.#waiting
      if (next === undefined) return
      this.#waiting.delete(next)
      this.#running += 1
      next()
    }
  }
}

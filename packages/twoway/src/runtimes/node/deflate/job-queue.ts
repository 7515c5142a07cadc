/** Runs a few jobs at a time while the others wait, so that many connections do not each hold a context. */
export class JobQueue {
  readonly #most: number
  #running = 0
  readonly #waiting = new Set<() => void>()

  constructor(most: number) {
    this.#most = most
  }

  /** Starts a job now or in its turn. The returned function ends the job, whether it ran or not; call it once. */
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

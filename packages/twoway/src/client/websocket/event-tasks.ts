import type { Clock } from '../../ports/clock.js'

/**
 * Runs the events of a socket in order, each in a separate task. Promise reactions to one event run before the next, so that
 * code that awaits an event can listen for the one after it.
 *
 * A call of the transport is a task already, so its first event runs at once and costs no task. Further events of the same
 * call wait for at most one turn of the event loop.
 */
export class EventTasks<Event> {
  readonly #clock: Clock
  readonly #run: (event: Event) => void
  #waiting: Event[] = []
  #at = 0
  #hasRun = false

  constructor(clock: Clock, run: (event: Event) => void) {
    this.#clock = clock
    this.#run = run
  }

  add(event: Event): void {
    if (this.#hasRun || this.#waiting.length > 0) {
      this.#waiting.push(event)
      this.#clock.task(this.#runNext)
    } else {
      this.#runNow(event)
    }
  }

  readonly #runNext = (): void => {
    const event = this.#waiting[this.#at++]!
    if (this.#at < this.#waiting.length) {
      // Events that are added meanwhile queue behind the waiting ones, so that the end of this call needs no signal.
      this.#run(event)
      return
    }
    this.#waiting = []
    this.#at = 0
    this.#runNow(event)
  }

  #runNow(event: Event): void {
    if (!this.#hasRun) {
      this.#hasRun = true
      this.#clock.defer(this.#callOver)
    }
    this.#run(event)
  }

  readonly #callOver = (): void => {
    this.#hasRun = false
  }
}

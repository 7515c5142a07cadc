import type { Clock } from '../../ports/clock.js'

/**
 * Runs a socket's events in order, each in a task of its own: the promises that follow from one have run before the
 * next, so code that awaits an event is in time for the one behind it.
 *
 * What the transport calls is a task already, so the first event of a call runs at once and costs no task. What comes
 * behind it in the same call waits, at most for one turn of the event loop.
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
      // What is added meanwhile comes behind the others that wait, so that the end of this call need not be told.
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

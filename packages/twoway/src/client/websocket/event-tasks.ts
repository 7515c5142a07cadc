import type { Clock } from '../../ports/clock.js'

/** The owner of event tasks. An interface rather than functions, which would cost each socket closures. */
export interface EventTasksOwner<Event> {
  runEvent(event: Event): void
  /** Events begin to run in a row: what is sent waits, to go out in one write. */
  cork(): void
  uncork(): void
}

/**
 * Runs the events of a socket in order, each as in a task of its own. Promise reactions to one event run before the next, so
 * that code that awaits an event can listen for the one after it.
 *
 * A call of the transport is a task already, so its first event runs at once. The further events of the same call run right
 * after it, with a microtask checkpoint before each. On a platform without such checkpoints, each of them is a task.
 */
export class EventTasks<Event> {
  readonly #clock: Clock
  readonly #owner: EventTasksOwner<Event>
  #waiting: Event[] = []
  #at = 0
  /** Whether an event of this call has run. Until the call is over, the others wait. */
  #hasRun = false

  constructor(clock: Clock, owner: EventTasksOwner<Event>) {
    this.#clock = clock
    this.#owner = owner
  }

  add(event: Event): void {
    if (this.#hasRun) {
      this.#waiting.push(event)
    } else if (this.#waiting.length > 0) {
      this.#waiting.push(event)
      this.#clock.task(this.#runNext)
    } else {
      this.#runNow(event)
    }
  }

  #runNow(event: Event): void {
    this.#hasRun = true
    this.#clock.defer(this.#callOver)
    this.#owner.runEvent(event)
  }

  readonly #callOver = (): void => {
    if (this.#waiting.length === 0) this.#hasRun = false
    else this.#runWaiting()
  }

  #runWaiting(): void {
    const clock = this.#clock
    const owner = this.#owner
    const waiting = this.#waiting
    owner.cork()
    try {
      // Events that are added meanwhile queue behind the waiting ones.
      while (this.#at < waiting.length && clock.microtaskCheckpoint?.() === true) owner.runEvent(waiting[this.#at++]!)
    } finally {
      // An error that a listener threw ends this callback, as it would end a task of its own. The other events stay.
      this.#hasRun = false
      owner.uncork()
      if (this.#at === waiting.length) this.#clear()
      else for (let rest = this.#at; rest < waiting.length; rest++) clock.task(this.#runNext)
    }
  }

  readonly #runNext = (): void => {
    const event = this.#waiting[this.#at++]!
    if (this.#at < this.#waiting.length) {
      this.#owner.runEvent(event)
    } else {
      this.#clear()
      this.#runNow(event)
    }
  }

  #clear(): void {
    if (this.#at === 0) return
    this.#waiting = []
    this.#at = 0
  }
}

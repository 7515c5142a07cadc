import type { Clock } from '../../ports/clock.js'

/** A row that has taken this long goes on in a task of its own, so that timers and other sockets have their turn. */
const longestRowMs = 10
/** Events between two readings of the clock. */
const eventsPerLook = 32
/**
 * So does a row that has sent this many bytes: sockets that answer with long messages take turns. A burst to one peer costs more
 * than the same writes to several in turn, in the kernel's part (`npm run bench`, row `client-sends-64k`).
 */
const longestRowBytes = 64 << 10

/** The owner of event tasks. An interface rather than functions, which would cost each socket closures. */
export interface EventTasksOwner<Event> {
  /** Bytes that were sent since the start. */
  readonly sentBytes: number
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
  /** Whether the waiting events, and those that are added, run in a row once the current call or task is over. */
  #runsLater = false
  /** `sentBytes` at the start of the current call or task. */
  #sentBefore = 0

  constructor(clock: Clock, owner: EventTasksOwner<Event>) {
    this.#clock = clock
    this.#owner = owner
  }

  add(event: Event): void {
    if (this.#runsLater) {
      this.#waiting.push(event)
    } else if (this.#waiting.length > 0) {
      this.#waiting.push(event)
      this.#clock.task(this.#runNext)
    } else {
      this.#runNow(event)
    }
  }

  #runNow(event: Event): void {
    this.#runsLater = true
    this.#sentBefore = this.#owner.sentBytes
    this.#clock.defer(this.#callOver)
    this.#owner.runEvent(event)
  }

  readonly #callOver = (): void => {
    if (this.#waiting.length === 0) this.#runsLater = false
    else if (this.#hasSentMuch()) this.#clock.task(this.#runInNewTask)
    else this.#runInRow()
  }

  #hasSentMuch(): boolean {
    return this.#owner.sentBytes - this.#sentBefore >= longestRowBytes
  }

  readonly #runInNewTask = (): void => {
    this.#sentBefore = this.#owner.sentBytes
    this.#runInRow()
  }

  #runInRow(): void {
    const clock = this.#clock
    const owner = this.#owner
    const waiting = this.#waiting
    const endsAt = clock.now() + longestRowMs
    let left = eventsPerLook
    let isPossible = true
    owner.cork()
    try {
      // Events that are added meanwhile queue behind the waiting ones.
      while (this.#at < waiting.length) {
        isPossible = clock.microtaskCheckpoint?.() === true
        if (!isPossible) break
        owner.runEvent(waiting[this.#at++]!)
        if (this.#hasSentMuch()) break
        left -= 1
        if (left > 0) continue
        if (clock.now() >= endsAt) break
        left = eventsPerLook
      }
    } finally {
      try {
        owner.uncork()
      } finally {
        this.#planRest(isPossible)
      }
    }
  }

  /** An error that a listener threw has ended the row, as it would end a task of its own, or a limit has. The other events stay. */
  #planRest(inRow: boolean): void {
    const { length } = this.#waiting
    this.#runsLater = inRow && this.#at < length
    if (this.#at === length) this.#clear()
    else if (inRow) this.#clock.task(this.#runInNewTask)
    else for (let rest = this.#at; rest < length; rest++) this.#clock.task(this.#runNext)
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

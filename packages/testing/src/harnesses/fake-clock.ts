import type { Clock, Timer } from '../../../twoway/dist/ports/clock.js'

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  #now = 0
  #timers: { readonly due: number; readonly callback: () => void; readonly keepsAlive: boolean }[] = []
  readonly #deferred: (() => void)[] = []
  readonly #tasks: (() => void)[] = []

  /** The number of timers that keep a process alive. */
  get pendingTimers(): number {
    return this.#timers.filter(({ keepsAlive }) => keepsAlive).length
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void, keepsAlive = true): Timer {
    const entry = { due: this.#now + delayMs, callback, keepsAlive }
    this.#timers.push(entry)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((timer) => timer !== entry)
      },
    }
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback)
  }

  task(callback: () => void): void {
    this.#tasks.push(callback)
  }

  /** Runs the waiting tasks, or the first of them, each in its own turn. */
  runTasks(most = Number.POSITIVE_INFINITY): void {
    this.endTurn()
    for (let count = 0; count < most; count++) {
      const callback = this.#tasks.shift()
      if (callback === undefined) break
      callback()
      this.endTurn()
    }
  }

  /** Ends the turn: runs the deferred callbacks. */
  endTurn(): void {
    for (let callback = this.#deferred.shift(); callback !== undefined; callback = this.#deferred.shift()) callback()
  }

  /** Advances the time, and runs the timers that become due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (;;) {
      this.runTasks()
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#now = next.due
      next.callback()
    }
    this.#now = end
  }
}

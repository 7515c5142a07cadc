/** Time as an input. */
export interface Clock extends Timers {
  /** Milliseconds since 1970, which processes can compare. */
  wallTime(): number
}

export interface Timers {
  /** Calls back once, after `delayMs` milliseconds. A process does not go on for it if `keepsAlive` is false. */
  after(delayMs: number, callback: () => void, keepsAlive?: boolean): Timer
  /** Calls back at the end of the current turn, before any other event. */
  defer(callback: () => void): void
}

export interface Timer {
  cancel(): void
}

/** A longer delay makes setTimeout call at once. */
const longestDelayMs = 2 ** 31 - 1

// A test of a program may replace these functions.
const { clearTimeout, queueMicrotask, setTimeout } = globalThis
const { now: wallTime } = Date

export const systemClock: Clock = {
  after(delayMs, callback, keepsAlive = true) {
    const timer = setTimeout(callback, Math.min(delayMs, longestDelayMs))
    if (!keepsAlive) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },

  defer: queueMicrotask,
  wallTime,
}

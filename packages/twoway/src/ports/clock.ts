/** Time as an input. */
export interface Clock {
  /** Milliseconds since an arbitrary start. Never decreases. */
  now(): number
  /**
   * Calls back once, after `delayMs` milliseconds.
   * @param keepsAlive whether a pending callback keeps the process alive
   */
  after(delayMs: number, callback: () => void, keepsAlive?: boolean): Timer
  /** Calls back at the end of the current turn, before any other event. */
  defer(callback: () => void): void
  /** Calls back in a task of its own, after the current task and its microtasks. */
  task(callback: () => void): void
}

export interface Timer {
  cancel(): void
}

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
  /**
   * Runs the deferred callbacks and the microtasks that wait, as between two tasks. To be called only within a callback of
   * `defer` or `task`, as microtasks may not run while code of the user does. Throws what a deferred callback throws.
   * Returns false if it can't, as within another call. Absent where the platform has none.
   */
  microtaskCheckpoint?(): boolean
}

export interface Timer {
  cancel(): void
}

/** Time, as an input. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
  /**
   * Calls back once, `delayMs` milliseconds from now.
   * @param keepsAlive whether the process is to go on for it, where nothing else has it go on
   */
  after(delayMs: number, callback: () => void, keepsAlive?: boolean): Timer
  /** Calls back at the end of the current turn, before any other event. */
  defer(callback: () => void): void
  /** Calls back in a task of its own: once what runs now is done, and the promises that follow from it. */
  task(callback: () => void): void
}

export interface Timer {
  cancel(): void
}

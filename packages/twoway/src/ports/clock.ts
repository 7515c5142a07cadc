/** Time, as an input. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number
  /** Calls back once, `delayMs` milliseconds from now. */
  after(delayMs: number, callback: () => void): Timer
  /** Calls back at the end of the current turn, before any other event. */
  defer(callback: () => void): void
  /** Calls back in a task of its own: once what runs now is done, and the promises that follow from it. */
  task(callback: () => void): void
}

export interface Timer {
  cancel(): void
}

/** A bound on the memory that several holders take together. */
export interface MemoryBudget {
  /** Maximum sum in bytes. */
  readonly limit: number
  /** The sum now, in bytes. */
  readonly used: number
  /** Opens an empty share for a holder. */
  open(holder: MemoryHolder): MemoryShare
}

/** The memory of one holder. */
export interface MemoryShare {
  /** Reports the holder's bytes. If the budget is exceeded, the largest holders are evicted, perhaps this one. */
  set(bytes: number): void
  /** Closes the share. No calls to the holder follow. Has no effect the second time. */
  close(): void
}

/** Holds memory, and can release it. */
export interface MemoryHolder {
  /** The budget is exceeded and this holder is one of the largest: it must release all its memory at once. */
  evict(): void
  /**
   * Called periodically while the share is open. Fails the holder if its peer has not sent enough for `timeoutMs`. A
   * holder with its own deadline omits it.
   */
  checkProgress?(now: number, timeoutMs: number): void
}

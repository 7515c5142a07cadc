/** Memory that all holders of one budget may take together. */
export interface MemoryBudget {
  /** Bytes, at most. */
  readonly limit: number
  /** A share for a holder that holds nothing yet. */
  open(holder: MemoryHolder): MemoryShare
}

/** What one holder holds of a budget. */
export interface MemoryShare {
  /** The holder holds so many bytes now. Where that exceeds the budget, the largest holders are told, perhaps this one. */
  set(bytes: number): void
  /** The holder holds nothing, and is not told of anything any more. Does nothing the second time. */
  close(): void
}

/** Who holds memory, and can let go of it. */
export interface MemoryHolder {
  /** All holders together hold too much, and this is one of the largest: it lets go of all that it holds, at once. */
  evict(): void
  /**
   * Called from time to time while the share is open: fails where the peer has not sent enough for `timeoutMs`.
   * A holder with a deadline of its own has no use for it.
   */
  checkProgress?(now: number, timeoutMs: number): void
}

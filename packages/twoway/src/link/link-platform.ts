/** A little less than the longest time that a timer takes, in milliseconds. */
export const longestTimerMs = 2e9

/** The platform, as far as a link needs it. Tests have one of their own. */
export interface LinkPlatform {
  now(): number
  /** From 0 to 1, 1 excluded. */
  random(): number
  after(delayMs: number, callback: () => void): () => void
  /**
   * Calls back when the machine or the page may have woken (online, visible, shown again), and when the page goes away.
   * Returns a function that ends both.
   */
  onPage(woke: () => void, leaves: () => void): () => void
}

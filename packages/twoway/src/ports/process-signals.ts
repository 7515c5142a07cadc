/** Signals to this process, and its end. */
export interface ProcessSignals {
  /** The number of a signal; undefined for a name that is none, or that no process can handle. */
  numberOf(signal: string): number | undefined
  /** Calls back for each of these signals, in place of the system's action. Returns a function that ends this. */
  listen(signals: readonly string[], callback: (signal: string) => void): () => void
  /** Ends this process at once. With code 0, a code that the program has set counts. */
  exit(code: number): void
}

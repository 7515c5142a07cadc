/** Publishes events to observers of the program, independent of its handlers. */
export interface Diagnostics {
  /** The channel with a name; always the same one. */
  channel(name: string): DiagnosticsChannel
}

export interface DiagnosticsChannel {
  /** Whether the channel has subscribers; if not, no message should be created. */
  readonly hasSubscribers: boolean
  /** Passes a message to all subscribers before it returns. Their errors are not thrown here. */
  publish(message: object): void
  /** Publishes a message, and runs a function in the stores that are bound to the channel. Some runtimes lack it. */
  runStores?<Result>(message: object, run: () => Result): Result
}

/** Where whoever watches a program listens to what happens in it, beside its own handlers. */
export interface Diagnostics {
  /** The channel of a name; the same one whenever it is asked for. */
  channel(name: string): DiagnosticsChannel
}

export interface DiagnosticsChannel {
  /** Whether anybody listens: where nobody does, no message is to be made. */
  readonly hasSubscribers: boolean
  /** Hands a message to all that listen, before it returns. What they throw does not come back here. */
  publish(message: object): void
}

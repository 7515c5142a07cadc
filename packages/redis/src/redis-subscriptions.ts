/** The subscriptions of a link, on a connection of their own. */
export interface RedisSubscriptions {
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  unsubscribe(channel: string): Promise<void>
  watch(glob: string, listener: (channel: string, message: string) => void): Promise<void>
  unwatch(glob: string): Promise<void>
  /** Ends the connection for subscriptions. The client is the caller's. */
  close(): void
}

/** The events of a link. */
export interface RedisLinkEvents {
  /** An error of the connection for subscriptions, which is opened again after a loss. */
  error(error: Error): void
  /** The connection for subscriptions is lost. It is opened again. */
  lost(): void
  /** The connection for subscriptions was lost and is there again, with its subscriptions. */
  returned(): void
}

/** A message of `publish`, on its way between processes. */
export interface PublishedMessage {
  readonly topic: string
  readonly message: string | Uint8Array
  readonly compress?: boolean | undefined
  readonly volatile?: boolean | undefined
}

/** The topics that the servers of several processes share. */
export interface SharedTopics {
  /**
   * Registers a server of this process. `deliver` is called with each message for its subscribers, in one order per topic in
   * all processes, the messages of this process among them.
   * @param isOwn whether it is the message with this number that this server published
   */
  register(deliver: (message: PublishedMessage, own: number | undefined) => void): ServerRegistration
}

/** A server whose topics are shared. */
export interface ServerRegistration {
  /** A topic or pattern has its first subscriber, or has lost its last one. */
  changed(pattern: string, hasSubscribers: boolean): void
  /**
   * Publishes to the subscribers of all processes, those of this one included. The number comes back with the message, and
   * grows; the message itself may be lost. Returns undefined if it is lost already: too much waits to be sent.
   */
  publish(message: PublishedMessage): number | undefined
}

/** The parent process of this worker. */
export interface WorkerParent {
  /** Whether each process can listen on a shared port itself; else the parent distributes connections. */
  readonly hasReusePort: boolean
  /**
   * Sends a snapshot of a message. Calls `handed` once this process holds none of its memory. Returns false, and sends
   * nothing, if the parent is gone.
   */
  send(message: object, handed?: () => void): boolean
  /**
   * Subscribes to the parent's messages. Until `stay` is called, the subscription does not keep this process alive, so
   * a module without servers ends.
   */
  listen(events: WorkerParentEvents): void
  /** Keeps this process alive until `leave`. */
  stay(): void
  /** Disconnects from the parent. This process ends once nothing else keeps it alive. */
  leave(): void
  /** Ends this process now. */
  exit(): void
}

export interface WorkerParentEvents {
  message(message: unknown): void
  /** This process dies of an uncaught error. */
  failed(error: unknown): void
  /** The process was asked to end. */
  terminate(): void
}

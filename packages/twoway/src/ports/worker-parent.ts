/** The process that this one works for. */
export interface WorkerParent {
  /** Whether the system lets each process listen on a shared port by itself; else the parent shares connections out. */
  readonly hasReusePort: boolean
  /** Sends it a message; nothing happens where it is gone. */
  send(message: object): void
  /**
   * Begins to listen to it. Until the first call of `stay`, doing so does not keep this process alive, so that a module
   * that has nothing to do ends.
   */
  listen(events: WorkerParentEvents): void
  /** Keeps this process alive from now on, until `leave`. */
  stay(): void
  /** Parts with the parent: this process ends once nothing else keeps it. */
  leave(): void
  /** Ends this process now. */
  exit(): void
}

export interface WorkerParentEvents {
  message(message: unknown): void
  /** This process dies of an error that nobody caught. */
  failed(error: unknown): void
  /** Somebody asks this process to end. */
  terminate(): void
}

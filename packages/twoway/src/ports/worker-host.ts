/** Runs the user's module in processes and exchanges messages with them. */
export interface WorkerHost {
  /** Starts a process. Never throws: a failed start is reported as an end with an error. */
  start(events: WorkerEvents): WorkerProcess
  /**
   * Checks that nothing listens on a port, and chooses one if it is 0. The port is free when the promise resolves.
   * Rejects with the system's error if the address is not available.
   */
  findPort(address: { readonly port: number; readonly host: string }): Promise<number>
}

export interface WorkerEvents {
  /** A message from the process. The receiver owns its bytes. */
  message(message: unknown): void
  /** The process is gone, and all its messages were delivered. Called once, never before `start` has returned. */
  ended(end: WorkerEnd): void
}

export interface WorkerEnd {
  /** The exit code, or null. */
  readonly code: number | null
  /** The signal that ended the process, or null. */
  readonly signal: string | null
  /** The reason of a failed start. */
  readonly error?: Error | undefined
}

export interface WorkerProcess {
  /** Undefined if the start failed. */
  readonly pid: number | undefined
  /** Sends a snapshot of a message. Calls `handed` once this process holds none of its memory. */
  send(message: object, handed?: () => void): void
  /** Asks the process to end; with `force`, kills it. */
  end(force: boolean): void
}

/** What runs a module of the user's in processes, and talks with them. */
export interface WorkerHost {
  /** Starts one. Never throws: what could not be started has ended, with an error. */
  start(events: WorkerEvents): WorkerProcess
  /**
   * Finds out that nobody listens there, and chooses a port in place of 0, which is free again when this resolves.
   * Rejects with the system's error where the address can't be had.
   */
  findPort(place: { readonly port: number; readonly host: string }): Promise<number>
}

export interface WorkerEvents {
  /** What the process sent; bytes in it are the receiver's own. */
  message(message: unknown): void
  /** The process is gone, and all that it sent has come. Told once, never before `start` has returned. */
  ended(end: WorkerEnd): void
}

export interface WorkerEnd {
  /** With which code it ended, or null. */
  readonly code: number | null
  /** By which signal it ended, or null. */
  readonly signal: string | null
  /** Why it could not be started, where it could not. */
  readonly error?: Error | undefined
}

export interface WorkerProcess {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined
  /** Sends it a message, as it is now; `handed` is called once this process holds nothing of it any more. */
  send(message: object, handed?: () => void): void
  /** Asks it to end, or with `force` ends it, whatever it does. */
  end(force: boolean): void
}

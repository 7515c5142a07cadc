import type { OptionsOf } from '../../core/options/option.js'
import type { CloseOptions, DrainOptions } from '../server-types.js'
import type { shutdownOptions } from './shutdown-options.js'

/** The options of `gracefulShutdown`. */
export interface ShutdownOptions extends OptionsOf<typeof shutdownOptions> {
  /**
   * Called when no connection is left, before the process ends: to close a database, for example. It may return a promise,
   * which has until the end of `withinMs`. An error is printed, and the exit code is 1.
   */
  then?(result: ShutdownResult): unknown
}

/** The outcome of a shutdown, before the process ends. */
export interface ShutdownResult {
  /** The signal that began it; undefined if `start` did. */
  readonly signal: string | undefined
  /** Whether all requests and workers have ended in time. */
  readonly inTime: boolean
}

/** A server of `serve` or `attach`, or the workers of `serveWorkers`. */
export interface Drainable {
  readonly isReady: boolean
  notReady(): void
  drain(options: DrainOptions): Promise<void>
  close(options?: CloseOptions): Promise<void>
}

/** A shutdown that waits for its signal. */
export interface Shutdown {
  /** Begins the shutdown as a signal does. */
  start(): void
  /** Leaves the signals to the system again. Has no effect once the shutdown has begun. */
  cancel(): void
}

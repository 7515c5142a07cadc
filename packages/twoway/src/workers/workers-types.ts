import type { historyOptions } from '../core/limits.js'
import type { OptionsOf } from '../core/options/option.js'
import type { PlatformAsyncDisposable } from '../ports/platform-types.js'
import type { ServerMetrics } from '../server/server-metrics.js'
import type { CloseOptions, OutgoingPiece, PublishOptions, SendOptions } from '../server/server-types.js'
import type { workersOptions } from './workers-options.js'

/** The options of `serveWorkers`. */
export interface WorkersOptions extends OptionsOf<typeof workersOptions>, OptionsOf<typeof historyOptions> {
  /** A worker died, and is started again. Without this handler, the exit is printed. */
  workerExit?(exit: WorkerExit): unknown
  /**
   * Another error: a worker does not take broadcasts and misses them, a worker had to be killed, or `workerExit` threw.
   * Without this handler, the error is printed.
   */
  error?(error: Error): unknown
}

/** The end of a worker that died. */
export interface WorkerExit {
  /** The number of the worker, from 1 on. Its successor has the same. */
  readonly id: number
  readonly pid: number | undefined
  /** The exit code, or null. */
  readonly code: number | null
  /** The signal that ended the process, or null. */
  readonly signal: string | null
  /** The last error that it reported: thrown by its module, or the reason why a server could not listen. */
  readonly error: Error | undefined
  /** Code, signal and error in one sentence. */
  readonly reason: string
  /** Milliseconds until it is started again: more if it died soon or often. Undefined while draining. */
  readonly restartInMs: number | undefined
}

/**
 * - 'starting': not all of its servers listen yet;
 * - 'listening';
 * - 'draining': it accepts no more connections;
 * - 'stopping': it closes its servers and ends;
 * - 'ended'.
 */
export type WorkerState = 'starting' | 'listening' | 'draining' | 'stopping' | 'ended'

export interface WorkerMetrics {
  readonly id: number
  readonly pid: number | undefined
  readonly state: WorkerState
  /** The counts of its servers; undefined if it did not answer within two seconds. */
  readonly metrics: ServerMetrics | undefined
}

/**
 * The counts of all servers of all workers, added up.
 * @remarks The totals include workers that are gone, as of their last report, so that they only grow.
 */
export interface WorkersMetrics extends ServerMetrics {
  readonly workers: readonly WorkerMetrics[]
  /** Workers that died unexpectedly. */
  readonly workerExits: number
  /**
   * Broadcasts and messages of topics that a worker missed, because more than `maxBufferedBytes` were waiting for it, or that
   * a worker could not publish, because more than 16 MiB were waiting for the parent.
   */
  readonly missedBroadcasts: number
}

export type WorkersPublishOptions = Omit<PublishOptions, 'except'>

/** Servers in several processes, on one port. `await using workers = await serveWorkers(...)` closes them. */
export interface Workers extends PlatformAsyncDisposable {
  /** The URL of the first server of each worker. */
  readonly url: string
  /** The URLs of all servers of a worker, in the order in which the module started them. */
  readonly urls: readonly string[]
  /** The port of the first server; 0 if it has none. */
  readonly port: number
  /** The URL of the server for probes and metrics, such as http://127.0.0.1:9464; '' without the option `admin`. */
  readonly adminUrl: string
  /** Whether new clients are welcome: false after `notReady`, `drain` or `close`. A readiness probe reports it. */
  readonly isReady: boolean
  /**
   * Sets `isReady` to false for good, here and in the servers of all workers, including workers that start later. Nothing
   * else changes: see `notReady` of a server.
   */
  notReady(): void
  /**
   * Sends a message to all connections of all workers, once to each process. Returns the number of processes. A worker that
   * does not take broadcasts delays no other: see `maxBufferedBytes`.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  broadcast(message: OutgoingPiece, options?: SendOptions): number
  /**
   * Sends a message to all connections of all workers that subscribe to the topic, as `publish` of a server does. Returns the
   * number of processes that were sent the message. Throws a UsageError for a topic that is none or has wildcards, and for
   * anything but a string, an ArrayBuffer or a view of one.
   */
  publish(topic: string, message: OutgoingPiece, options?: WorkersPublishOptions): number
  /** The counts of all workers, and of each. A stuck worker delays the answer by at most two seconds. */
  metrics(): Promise<WorkersMetrics>
  /**
   * Drains the servers of all workers, as `drain` of a server does with `stopListening`, and resolves when all are done. A
   * worker that takes `killAfterMs` longer is killed. Workers that die after this call are not started again. `close` ends
   * them.
   */
  drain(options: { readonly withinMs: number }): Promise<void>
  /**
   * Replaces the workers one after the other, for a new version of the module: first a new worker listens, then an old one
   * leaves the port, drains within the given time and ends. A worker that takes `killAfterMs` longer is killed. Twoway
   * refuses no client meanwhile: see `stopListening` of a server's `drain`. Rejects if a new worker fails to listen; the
   * workers that are not replaced by then go on.
   * @remarks docs/how-to/shutdown.md says which connections the system resets.
   */
  restart(options: { readonly withinMs: number }): Promise<void>
  /**
   * Closes all servers, as their `close` does, and ends the workers. Resolves when no process is left. With `withinMs`,
   * workers that are left after that many milliseconds are killed.
   */
  close(options?: CloseOptions): Promise<void>
}

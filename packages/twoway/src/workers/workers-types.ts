import type { OptionsOf } from '../core/options/option.js'
import type { PlatformAsyncDisposable } from '../ports/platform-types.js'
import type { ServerMetrics } from '../server/server-metrics.js'
import type { OutgoingPiece, SendOptions } from '../server/server-types.js'
import type { workersOptions } from './workers-options.js'

/** The options of `serveWorkers`. */
export interface WorkersOptions extends OptionsOf<typeof workersOptions> {
  /** A worker died, and is started again. Without this handler the loss is printed. */
  workerExit?(exit: WorkerExit): unknown
  /**
   * Another fault: a worker does not take broadcasts and misses them, or had to be killed; or `workerExit` threw. Without
   * this handler it is printed.
   */
  error?(error: Error): unknown
}

/** The loss of a worker. */
export interface WorkerExit {
  /** Which of the workers, from 1 on; its successor has the same. */
  readonly id: number
  readonly pid: number | undefined
  /** With which code it ended, or null. */
  readonly code: number | null
  /** By which signal it ended, or null. */
  readonly signal: string | null
  /** What went wrong in it last, as far as it could tell: what its module threw, or why a server could not listen. */
  readonly error: Error | undefined
  /** The same in a sentence. */
  readonly reason: string
  /** Milliseconds until it is started again, the more the sooner and the more often it died; undefined while draining. */
  readonly restartInMs: number | undefined
}

/**
 * - 'starting': its servers do not all listen yet;
 * - 'listening';
 * - 'draining': it takes no more connections;
 * - 'stopping': it closes its servers, and ends;
 * - 'ended'.
 */
export type WorkerState = 'starting' | 'listening' | 'draining' | 'stopping' | 'ended'

export interface WorkerMetrics {
  readonly id: number
  readonly pid: number | undefined
  readonly state: WorkerState
  /** What its servers have counted; undefined where it did not say so within two seconds. */
  readonly metrics: ServerMetrics | undefined
}

/**
 * What all servers of all workers have counted, added up. The totals hold those of workers that are gone, as of the last
 * time that they told, so that they only grow.
 */
export interface WorkersMetrics extends ServerMetrics {
  readonly workers: readonly WorkerMetrics[]
  /** Workers that died and were not told to. */
  readonly workerExits: number
  /** Broadcasts that a worker missed, as too much waited for it. */
  readonly missedBroadcasts: number
}

/** Servers in several processes, on one port. `await using workers = await serveWorkers(...)` closes them. */
export interface Workers extends PlatformAsyncDisposable {
  /** Where the first server of each listens. */
  readonly url: string
  /** Where all of them listen, in the order in which the module started them. */
  readonly urls: readonly string[]
  /** That of the first server; 0 where there is none. */
  readonly port: number
  /** Whether new connections are taken: false once `drain` or `close` was called. */
  readonly isReady: boolean
  /**
   * Sends a message to all connections of all workers. It goes to each process once, and returns to how many; one that
   * takes none holds up nobody, see `maxBufferedBytes`.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  broadcast(message: OutgoingPiece, options?: SendOptions): number
  /** What was counted by all, and by each. A worker that is stuck delays it by two seconds at most. */
  metrics(): Promise<WorkersMetrics>
  /**
   * As a server's `drain`, in all workers; resolves when all are done. Who has not within `killAfterMs` more is killed.
   * A worker that dies from then on is not started again. `close` ends them.
   */
  drain(options: { readonly withinMs: number }): Promise<void>
  /**
   * Replaces the workers by new ones, say for a new version of the module, one after the other: a new one listens first,
   * then an old one drains within that time and ends. Rejects where a new one does not come to listen; what is not
   * replaced by then goes on.
   */
  restart(options: { readonly withinMs: number }): Promise<void>
  /** Closes all servers, as their `close` does, and ends the workers; resolves when no process is left. */
  close(): Promise<void>
}

import type { MemoryTuningCounts } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'

/** Numbers of occurrences, by a name: a status, a close code, or the name of an option or an error. */
export type CountsByName = Readonly<Record<string, number>>

/**
 * Counts of a server: five of this moment, and totals since its start, which only grow. Each call of `metrics()` makes a
 * new plain object; all but `transport` is numbers, so that the counts of several servers can be added up.
 */
export interface ServerMetrics {
  /** Open connections, now. */
  readonly connections: number
  /** Handshakes that wait for `upgrade` to decide, now. */
  readonly handshakesWaiting: number
  /** Bytes that are queued and not yet written to the network, for all connections together, now. */
  readonly bufferedBytes: number
  /** Bytes of memory held for incomplete input, for all peers together, now: see `maxTotalReceiveBytes`. */
  readonly receiveBytes: number
  /** The limit of those: the option, or an eighth of the process's memory. */
  readonly receiveBytesLimit: number

  /** Connections that were opened. */
  readonly opened: number
  /** Connections that are gone. */
  readonly closed: number
  /**
   * Answered handshakes by status: 101 for accepted ones. Input that could not be read as a request counts too, as 400, 408
   * or 431.
   */
  readonly handshakes: CountsByName
  /** Handshakes whose peer left before they were answered. */
  readonly handshakesLeft: number
  /** Messages that were delivered. */
  readonly receivedMessages: number
  /** Bytes received after the handshakes, as they came from the network. */
  readonly receivedBytes: number
  /** Messages that `send` took. */
  readonly sentMessages: number
  /** Bytes of all frames for peers, including those that still wait or were lost with their connection. */
  readonly sentBytes: number
  /** Messages that `send` answered 'dropped'. */
  readonly droppedMessages: number
  /** Occasions on which more than `highWaterMarkBytes` were queued for a peer. */
  readonly backpressures: number
  /** Pings that the heartbeat sent. */
  readonly pings: number
  /** Pings that were answered. */
  readonly roundTrips: number
  /** The sum of their round-trip times in milliseconds. */
  readonly roundTripMs: number
  /** Connections that are gone, by the close code that the handler `close` got. */
  readonly closes: CountsByName
  /** Connections and requests that a limit ended or refused, by the name of the option. */
  readonly limits: CountsByName
  /** Calls of the handler `error`, by the code of the error; 'handlerFailed' for errors of the program's own handlers. */
  readonly errors: CountsByName
  /**
   * State and counts of memory tuning in the thread of this server, see the option `tuneMemory`. All servers of a thread
   * have the same. For workers the numbers are added up: `on` is the number of workers that tune.
   */
  readonly memoryTuning: MemoryTuningCounts
  /**
   * How the bytes of this server's connections travel, and why not by the fastest way where they don't. Of several servers
   * or workers, `path` is 'mixed' where they differ, and `reasons` are those of all of them.
   */
  readonly transport: TransportReport
}

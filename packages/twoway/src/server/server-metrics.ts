import type { MemoryTuningCounts } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'

/** How often something happened, by what it was: a status, a close code, an option's or an error's name. */
export type CountsByName = Readonly<Record<string, number>>

/**
 * What a server counts: five numbers of this moment, and totals since its start, which only grow. A plain object, made
 * anew by each call of `metrics()`: all but `transport` is numbers, and those of several servers can be added up.
 */
export interface ServerMetrics {
  /** Connections that stand now. */
  readonly connections: number
  /** Handshakes that wait for `upgrade` to decide, now. */
  readonly handshakesWaiting: number
  /** Octets framed and not yet handed to the network, for all connections together, now. */
  readonly bufferedBytes: number
  /** Bytes of memory held of input that is not complete, for all peers together, now: see `maxTotalReceiveBytes`. */
  readonly receiveBytes: number
  /** The limit of those, as it was set or followed from the process' memory. */
  readonly receiveBytesLimit: number

  /** Connections that were opened. */
  readonly opened: number
  /** Connections that are gone. */
  readonly closed: number
  /**
   * Handshakes that were answered, by status: 101 for those accepted; what could not be read as a request is among them,
   * as 400, 408 or 431.
   */
  readonly handshakes: CountsByName
  /** Handshakes whose peer left before they were answered. */
  readonly handshakesLeft: number
  /** Messages that were delivered. */
  readonly receivedMessages: number
  /** Octets that came behind the handshakes, as they came from the network. */
  readonly receivedBytes: number
  /** Messages that `send` took. */
  readonly sentMessages: number
  /** Octets of the frames for peers, those that wait still or were lost with their connection among them. */
  readonly sentBytes: number
  /** Messages that `send` answered 'dropped'. */
  readonly droppedMessages: number
  /** How often more than `highWaterMarkBytes` came to wait for a peer. */
  readonly backpressures: number
  /** Pings that the heartbeat sent. */
  readonly pings: number
  /** Pings that were answered. */
  readonly roundTrips: number
  /** Milliseconds that those took together. */
  readonly roundTripMs: number
  /** Connections that are gone, by the code that `close` was told. */
  readonly closes: CountsByName
  /** What a limit ended or refused, by the option's name. */
  readonly limits: CountsByName
  /** What `error` was told of, by the error's code; 'handlerFailed' for what the program's own handlers threw. */
  readonly errors: CountsByName
  /**
   * What was done for the memory of long messages, see the option `tuneMemory`: in the thread of this server, so all
   * servers of a thread say the same. Of workers it is added up: `on` is how many of them tune.
   */
  readonly memoryTuning: MemoryTuningCounts
  /**
   * How the bytes of this server's connections travel, and why not by the fastest way where they don't. Of several servers
   * or workers, `path` is 'mixed' where they differ, and `reasons` are those of all of them.
   */
  readonly transport: TransportReport
}

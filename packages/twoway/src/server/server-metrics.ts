import type { Histogram } from '../core/observing/histogram.js'
import type { HubMetrics } from '../core/observing/hub-metrics.js'
import type { MemoryTuningCounts } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'

/** Numbers of occurrences, by a name: a status, a close code, or the name of an option or an error. */
export type CountsByName = Readonly<Record<string, number>>

/** The distributions that a server keeps since its start. */
export interface ServerHistograms {
  /** Milliseconds until peers answered the Pings of the heartbeat. */
  readonly roundTripMs: Histogram
  /** Payload bytes of the messages that were delivered whole, after decompression. Those of `messageStream` do not count. */
  readonly receivedMessageBytes: Histogram
  /** Payload bytes of the messages that `send` and `broadcast` took, before compression. Those of `sendStream` do not count. */
  readonly sentMessageBytes: Histogram
  /**
   * Milliseconds that each handler took, with the promise that it returned, by the handler's name. Without the option
   * `measureHandlers` there are none.
   */
  readonly handlerMs: Readonly<Record<string, Histogram>>
}

/**
 * Counts of a server: limits and counts of this moment, and totals since its start, which only grow. Each call of
 * `metrics()` makes a new plain object; all but `transport` is numbers, so that the counts of several servers can be
 * added up.
 */
export interface ServerMetrics {
  /** Open connections, now. */
  readonly connections: number
  /** The limit of those: `maxConnections`. */
  readonly connectionsLimit: number
  /** Handshakes that wait for `upgrade` to decide, now. */
  readonly handshakesWaiting: number
  /** Bytes that are queued and not yet written to the network, for all connections together, now. */
  readonly bufferedBytes: number
  /** The limit of those that wait for peers that lag behind: `maxTotalBufferedBytes`. */
  readonly bufferedBytesLimit: number
  /** Bytes of memory held for incomplete input, for all peers together, now: see `maxTotalReceiveBytes`. */
  readonly receiveBytes: number
  /** The limit of those: `maxTotalReceiveBytes`. */
  readonly receiveBytesLimit: number
  /**
   * Bytes of memory that this process may use, of which limits are a share by default: the machine's, or its container's
   * where that is less; of a worker of `serveWorkers` its part of that. 0 where the runtime does not know.
   */
  readonly memoryBytes: number

  /** Connections that were opened. */
  readonly opened: number
  /** Connections that are gone. */
  readonly closed: number
  /**
   * Answered handshakes by status: 101 for accepted ones. Input that could not be read as a request counts too, as 400, 408
   * or 431.
   */
  readonly handshakes: CountsByName
  /**
   * Refused handshakes and plain requests, and connections that were dropped before a request, by reason.
   * @remarks The reasons:
   *
   * - the code of the HandshakeError, such as `hostForbidden` (421), `originForbidden` (403), `upgradeMissing` (426) or
   *   `requestMalformed` (400)
   * - the option whose limit was reached, such as `maxHandshakesPerSecond` (429), `maxConnections` (503) or
   *   `handshakeTimeoutMs` (408, 503)
   * - `pathUnknown` (404); `stopping` (503); `protocolNotOffered` (400); `handlerFailed` (500)
   * - `upgrade`: the handler `upgrade` or middleware refused the handshake
   * - with `proxyProtocol`, `proxyNotTrusted` and `proxyHeaderInvalid`, for dropped connections
   */
  readonly refusals: CountsByName
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
  /** Distributions of times and sizes. */
  readonly histograms: ServerHistograms
  /**
   * State and counts of memory tuning in the thread of this server, see the option `tuneMemory`.
   * @remarks All servers of a thread have the same tuning. For workers the numbers are added up: `on` is the number of workers that
   * tune.
   */
  readonly memoryTuning: MemoryTuningCounts
  /**
   * The way in which the bytes of this server's connections travel, with the reason if it is not the fastest one.
   * @remarks Of several servers or workers, `path` is 'mixed' where they differ, and `reasons` are those of all of them.
   */
  readonly transport: TransportReport
  /**
   * The metrics of the hub whose handlers this server has; undefined without a hub. A hub whose handlers several servers have
   * counts in each of them.
   */
  readonly hub: HubMetrics | undefined
}

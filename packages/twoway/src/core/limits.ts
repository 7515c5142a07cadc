import type { ReceiveRates } from './receiving/receive-rate.js'

/** The limits of an endpoint. Each is an option of the same name. */
export interface Limits {
  /**
   * Longest received message in bytes, after an extension has decoded it; a longer one fails the connection with 1009.
   * Chats and games stay far below the default, and ten thousand peers at the limit still fit into one machine's
   * memory.
   */
  readonly maxMessageBytes: number
  /** Milliseconds for the whole opening handshake. A slower peer would occupy a descriptor for nothing. */
  readonly handshakeTimeoutMs: number
  /** Longest head of a handshake in bytes. The default is what node:http and most proxies accept. */
  readonly maxHeadBytes: number
  /** Maximum number of header fields in a handshake. */
  readonly maxHeaderFields: number
  /** Milliseconds that the peer has to answer our Close and then to end the connection. After that it is dropped. */
  readonly closeTimeoutMs: number
  /** Waiting bytes above which `send` returns 'buffered'. The default is about one kernel socket buffer. */
  readonly highWaterMarkBytes: number
  /**
   * Waiting bytes above which further messages are refused. Checked before a message is added, so one message of any
   * length can always be sent.
   */
  readonly maxBufferedBytes: number
}

/** Further limits of a client. */
export interface ClientLimits extends Limits {
  /** Bytes kept of the body of an answer that refuses the handshake: enough to tell the reason. */
  readonly maxRefusalBodyBytes: number
  /**
   * Milliseconds for such a body to arrive after its head. The handshake has failed by then, and a body without a
   * length lasts until the server closes, which may be never.
   */
  readonly refusalBodyTimeoutMs: number
}

/** Further limits of a server. */
export interface ServerLimits extends Limits, ReceiveRates {
  /**
   * Milliseconds of silence after which a peer counts as dead and is dropped. A Ping, which a live peer answers, goes
   * out after little more than half of that: within the 60 s after which nginx and many load balancers cut a silent
   * connection.
   */
  readonly idleTimeoutMs: number
  /**
   * Maximum number of connections; further handshakes get a 503. A connection at its limits takes a megabyte or two.
   */
  readonly maxConnections: number
  /**
   * Bytes that may wait for all slow peers together; above it, slow peers are sent no further messages. Bounds the
   * memory that many slow readers take, each within its own limit.
   */
  readonly maxTotalBufferedBytes: number
  /**
   * Bytes of memory that incomplete input of all peers may take together: messages, their decompressed form, frames and
   * request heads of which the rest has not arrived, and input that waits for a handler. Above it, the connections that
   * hold most are closed with 1013, and handshakes that hold most get a 503. A message that arrives in one read does
   * not count. An eighth is reserved for the allocator, so connections are closed from seven eighths on. The default is
   * 256 MiB, or an eighth of the process's memory if that is less.
   */
  readonly maxTotalReceiveBytes: number
  /**
   * Milliseconds for the rest of an incomplete message, or Infinity; after that, the connection fails with 1008. Each
   * KiB of it restarts the time, so that a slow peer can finish and a peer that sends a byte now and then can't hold
   * memory. For a streamed message that is read as far as it has arrived, each byte restarts it. Time during which the
   * server does not read the peer does not count: a pause, a handler or a slow reader.
   */
  readonly messageTimeoutMs: number
  /**
   * Opening handshakes per second that one peer address may start, or Infinity; further ones get a 429 with
   * Retry-After. A second's worth may come at once. Refused handshakes count too. An IPv6 address counts by its first
   * 64 bits, which one peer usually owns. Peers without an address do not count. Behind a proxy, all peers have the
   * proxy's address.
   */
  readonly maxHandshakesPerSecond: number
}

/** Limits of a listening server for requests that are not handshakes. They do not count against `maxConnections`. */
export interface PlainLimits {
  /**
   * Maximum number of plain requests that wait for their answer; further ones get a 503 at once. As many answered
   * connections may stay open until the client closes; beyond that, the oldest is dropped. Each occupies a descriptor.
   */
  readonly maxRequests: number
  /**
   * Milliseconds for `request` to answer, or Infinity; after that, the client gets a 503. The default is the time after
   * which many proxies give up.
   */
  readonly requestTimeoutMs: number
}

export const plainLimits: PlainLimits = { maxRequests: 1_000, requestTimeoutMs: 60_000 }

export const serverLimits: ServerLimits = {
  maxMessageBytes: 1 << 20,
  handshakeTimeoutMs: 10_000,
  maxHeadBytes: 16 << 10,
  // `maxHeadBytes` is the real limit; this bounds the overhead of many short fields.
  maxHeaderFields: 1000,
  closeTimeoutMs: 5_000,
  highWaterMarkBytes: 64 << 10,
  maxBufferedBytes: 1 << 20,
  idleTimeoutMs: 45_000,
  maxConnections: 10_000,
  maxTotalBufferedBytes: 256 << 20,
  maxTotalReceiveBytes: 256 << 20,
  messageTimeoutMs: 30_000,
  // No default suits all applications.
  maxMessagesPerSecond: Number.POSITIVE_INFINITY,
  maxBytesPerSecond: Number.POSITIVE_INFINITY,
  maxHandshakesPerSecond: Number.POSITIVE_INFINITY,
}

/** A client chose its server, so it accepts longer messages; WHATWG lets it buffer all that it is told to send. */
export const clientLimits: ClientLimits = {
  maxMessageBytes: 16 << 20,
  handshakeTimeoutMs: serverLimits.handshakeTimeoutMs,
  // Several proxies and cookies make long heads: browsers accept 256 KiB.
  maxHeadBytes: 64 << 10,
  maxHeaderFields: serverLimits.maxHeaderFields,
  closeTimeoutMs: serverLimits.closeTimeoutMs,
  highWaterMarkBytes: serverLimits.highWaterMarkBytes,
  maxBufferedBytes: Number.POSITIVE_INFINITY,
  maxRefusalBodyBytes: 64 << 10,
  refusalBodyTimeoutMs: 1_000,
}

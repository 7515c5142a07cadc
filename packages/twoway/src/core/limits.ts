import type { ReceiveRates } from './receiving/receive-rate.js'

/** Every limit that an endpoint keeps, with its unit. Each is an option of the same name. */
export interface Limits {
  /**
   * Octets of a received message, at most, after any extension has undone its work; beyond it the connection
   * fails with 1009. A chat or a game stays far below the default, and ten thousand peers at the limit still fit a machine.
   */
  readonly maxMessageBytes: number
  /** Milliseconds for the whole opening handshake. A peer that takes longer holds a descriptor for nothing. */
  readonly handshakeTimeoutMs: number
  /** Octets of the head of a handshake, at most: what node:http and most proxies take. */
  readonly maxHeadBytes: number
  /** Header fields of a handshake, at most. */
  readonly maxHeaderFields: number
  /** Milliseconds that a peer has to answer our Close and then to end the connection; it is dropped after. */
  readonly closeTimeoutMs: number
  /** Octets waiting for the network above which `send` answers 'buffered': one round of a socket's kernel buffer. */
  readonly highWaterMarkBytes: number
  /**
   * Octets already waiting above which no further message is taken. What waits is looked at before a message is
   * added, so one message of any length can always be sent.
   */
  readonly maxBufferedBytes: number
}

/** What a client keeps besides. */
export interface ClientLimits extends Limits {
  /** Octets that are kept of the body of an answer that refuses the handshake: enough to tell what happened. */
  readonly maxRefusalBodyBytes: number
  /**
   * Milliseconds that such a body may take once its head has come. The handshake has failed by then, and the end of a body
   * without a length is the connection's, which may never come.
   */
  readonly refusalBodyTimeoutMs: number
}

/** What a server keeps besides. */
export interface ServerLimits extends Limits, ReceiveRates {
  /**
   * Milliseconds of silence after which a peer is taken for dead and dropped. A Ping goes out when a little more than
   * half of them have passed, which every living peer answers: within the 60 s after which nginx and many load
   * balancers cut a silent connection.
   */
  readonly idleTimeoutMs: number
  /** Connections at a time, at most; more are answered 503. Each may take a megabyte or two when it is at its limits. */
  readonly maxConnections: number
  /**
   * Octets waiting for all peers that lag behind, together, above which those peers are sent no further message: many
   * slow readers, each within its own limit, can't take the memory of all.
   */
  readonly maxTotalBufferedBytes: number
  /**
   * Bytes of memory held of input that is not complete, for all peers of the server together: messages, what they inflate
   * to, frames and request heads of which the rest has not come, and what has come and waits for a handler. Beyond it
   * the connections that hold most are closed with 1013, and handshakes that hold most get 503. A message that one read
   * brings as a whole does not count. An eighth is left to the allocator, so that connections end from seven eighths on.
   * By default 256 MiB, or an eighth of the process' memory where that is less.
   */
  readonly maxTotalReceiveBytes: number
  /**
   * Milliseconds that a message of which the rest does not come may take, or Infinity; then the connection fails with
   * 1008. Each KiB that comes of it begins the time anew, so that a slow peer has as long as it needs and one that sends a
   * byte from time to time has not; of a message that is streamed and was read as far as it came, each byte does. The
   * time in which the server does not read the peer does not count: a pause, a handler or a reader that takes its time.
   */
  readonly messageTimeoutMs: number
  /**
   * Opening handshakes a second that are answered of one peer address, or Infinity; more get 429 with Retry-After. A
   * second's worth may come at once. Refused ones count too. An IPv6 address counts by its first 64 bits, which one
   * peer has for itself, and peers without an address are not counted; behind a proxy all have the proxy's.
   */
  readonly maxHandshakesPerSecond: number
}

/**
 * What a server that listens keeps besides, for requests that are no handshakes. They have a limit and a time of their
 * own, so that they take no place of `maxConnections`.
 */
export interface PlainLimits {
  /**
   * Plain requests at a time that wait for their answer, at most; more are answered 503 at once. As many connections may
   * stay open after their answer until the client closes; beyond that the oldest is dropped. Each holds a descriptor.
   */
  readonly maxRequests: number
  /**
   * Milliseconds that `request` has for an answer, or Infinity; then the client gets 503. A minute is the time of many
   * proxies, which would give up before.
   */
  readonly requestTimeoutMs: number
}

export const plainLimits: PlainLimits = { maxRequests: 1_000, requestTimeoutMs: 60_000 }

export const serverLimits: ServerLimits = {
  maxMessageBytes: 1 << 20,
  handshakeTimeoutMs: 10_000,
  maxHeadBytes: 16 << 10,
  // The octets are what is limited; this bounds what short fields take beyond theirs.
  maxHeaderFields: 1000,
  closeTimeoutMs: 5_000,
  highWaterMarkBytes: 64 << 10,
  maxBufferedBytes: 1 << 20,
  idleTimeoutMs: 45_000,
  maxConnections: 10_000,
  maxTotalBufferedBytes: 256 << 20,
  maxTotalReceiveBytes: 256 << 20,
  messageTimeoutMs: 30_000,
  // What is much depends on what the peers do, so there is no limit that could be right by default.
  maxMessagesPerSecond: Number.POSITIVE_INFINITY,
  maxBytesPerSecond: Number.POSITIVE_INFINITY,
  maxHandshakesPerSecond: Number.POSITIVE_INFINITY,
}

/** A client chose its server, so it takes longer messages, and WHATWG lets it buffer what it is told to send. */
export const clientLimits: ClientLimits = {
  maxMessageBytes: 16 << 20,
  handshakeTimeoutMs: serverLimits.handshakeTimeoutMs,
  // A server behind several proxies and its cookies: browsers take 256 KiB.
  maxHeadBytes: 64 << 10,
  maxHeaderFields: serverLimits.maxHeaderFields,
  closeTimeoutMs: serverLimits.closeTimeoutMs,
  highWaterMarkBytes: serverLimits.highWaterMarkBytes,
  maxBufferedBytes: Number.POSITIVE_INFINITY,
  maxRefusalBodyBytes: 64 << 10,
  refusalBodyTimeoutMs: 1_000,
}

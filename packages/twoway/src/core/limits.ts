import { count, countOrInfinity, integer } from './options/check.js'
import { defaultsOf, option, type SettingsOf } from './options/option.js'

/** V8 makes no longer strings. */
const longestMessage = 2 ** 29 - 24

/** The limits of every server, whether it listens or is attached to an HTTP server. */
export const serverLimitOptions = {
  /**
   * Bytes of a received message, after decompression. Messages that go to `messageStream` are not limited by it.
   * @default 1_048_576 (1 MiB)
   * @limit The connection fails with 1009.
   * @remarks Chats and games stay far below it, and ten thousand peers that are all at the limit still fit a machine.
   */
  maxMessageBytes: option(integer(1, longestMessage, 'bytes'), 1 << 20),
  /**
   * Milliseconds for the whole opening handshake, including the time that `upgrade` takes.
   * @default 10_000
   * @limit The handshake is answered 408, or 503 if `upgrade` took too long.
   * @remarks A peer that takes longer occupies a descriptor and sends nothing.
   */
  handshakeTimeoutMs: option(count('milliseconds'), 10_000),
  /**
   * Bytes of the head of a request.
   * @default 16_384 (16 KiB)
   * @limit The request is answered 431.
   * @remarks node:http and most proxies have the same limit.
   */
  maxHeadBytes: option(count('bytes'), 16 << 10),
  /**
   * Header fields of a request.
   * @default 1_000
   * @limit The request is answered 431.
   * @remarks `maxHeadBytes` limits the memory of long fields; this option limits the overhead of many short ones.
   */
  maxHeaderFields: option(count('header fields'), 1_000),
  /**
   * Milliseconds that a peer has to answer a Close and to end the connection.
   * @default 5_000
   * @limit The connection is dropped, and `close` reports `wasClean: false`.
   */
  closeTimeoutMs: option(count('milliseconds'), 5_000),
  /**
   * Bytes that may wait for the network before `send` answers 'buffered'. `drain` is called once no more of them wait.
   * @default 65_536 (64 KiB)
   * @limit `send` answers 'buffered', and the peer is not read until its answers have gone.
   * @remarks The kernel's buffer of a socket has about this size.
   */
  highWaterMarkBytes: option(count('bytes'), 64 << 10),
  /**
   * Bytes that may wait for the network before `send` takes no further message.
   * @default 1_048_576 (1 MiB)
   * @limit `whenBufferFull` decides: the connection closes with 1013, or the message is dropped.
   * @remarks The bytes are counted before a message is added, so that one message of any length can always be sent.
   */
  maxBufferedBytes: option(count('bytes'), 1 << 20),
  /**
   * Milliseconds of silence after which a peer counts as dead, or Infinity for no heartbeat. After a little more than half of
   * this time, the server sends a Ping, which every living peer answers.
   * @default 45_000
   * @limit The connection is dropped.
   * @remarks nginx and many load balancers cut a silent connection after 60 s.
   */
  idleTimeoutMs: option(countOrInfinity('milliseconds'), 45_000),
  /**
   * Connections at a time.
   * @default 10_000 (or one for each 128 KiB of the process's memory where that is less)
   * @limit Further handshakes are answered 503.
   * @remarks Each may take a megabyte or two when it is at its limits. docs/explanation/memory.md has the memory of idle and busy ones.
   */
  maxConnections: option(count('connections'), 10_000),
  /**
   * Bytes that may wait for all slow peers together.
   * @default 268_435_456 (256 MiB, or an eighth of the process's memory where that is less)
   * @limit These peers are sent no further message: `whenBufferFull` decides what happens to it.
   * @remarks Otherwise, many slow readers could take all memory while each stays within its own limit.
   */
  maxTotalBufferedBytes: option(count('bytes'), 256 << 20),
  /**
   * Bytes of memory held for incomplete input of all peers together: messages, what they inflate to, frames and request
   * heads whose rest has not arrived, and input that waits for a handler. A message that arrives whole in one read does not
   * count.
   * @default 268_435_456 (256 MiB, or an eighth of the process's memory where that is less)
   * @limit The connections that hold the most close with 1013, and handshakes that hold the most are answered 503.
   * @remarks An eighth is reserved for the allocator: connections close above seven eighths of this limit. Each process has
   * its own limit, so the workers of `serveWorkers` together may hold a multiple of it.
   */
  maxTotalReceiveBytes: option(count('bytes'), 256 << 20),
  /**
   * Milliseconds that the rest of a message may take, or Infinity. Each KiB that arrives restarts the time. Time in which
   * the server does not read the peer does not count, such as a pause, or the time of a handler.
   * @default 30_000
   * @limit The connection fails with 1008.
   * @remarks For a streamed message of which the handler has read all that arrived, each byte restarts it. Compressed bytes
   * count as at most 16 times their inflated length, so that empty blocks gain no time. A slow peer has as long as it needs.
   * A peer that sends single bytes from time to time does not.
   */
  messageTimeoutMs: option(countOrInfinity('milliseconds'), 30_000),
  /**
   * Messages per second that a connection may send, or Infinity. The messages of one second may arrive at once. Pings and
   * Pongs count.
   * @default Infinity
   * @limit The connection fails with 1008.
   * @remarks A further fragment of a message counts if it is shorter than 1 KiB; longer ones do not, because browsers split
   * long messages. The right limit depends on the application, so the default is no limit.
   */
  maxMessagesPerSecond: option(countOrInfinity('messages per second'), Number.POSITIVE_INFINITY),
  /**
   * Bytes per second that a connection may send, counted as they come from the network, or Infinity. The bytes of one second
   * may arrive at once.
   * @default Infinity
   * @limit The connection fails with 1008.
   * @remarks Time in which the server did not read the connection adds its share.
   */
  maxBytesPerSecond: option(countOrInfinity('bytes per second'), Number.POSITIVE_INFINITY),
  /**
   * Opening handshakes per second from one peer address, or Infinity. The handshakes of one second may arrive at once.
   * Refused ones count too. Behind a proxy all peers have the proxy's address.
   * @default Infinity
   * @limit Further handshakes are answered 429 with Retry-After.
   * @remarks An IPv6 address counts by its first 64 bits, because one peer usually has all of the rest. Peers without an
   * address do not count.
   */
  maxHandshakesPerSecond: option(countOrInfinity('handshakes per second'), Number.POSITIVE_INFINITY),
  /**
   * Topics and patterns that one connection may subscribe to.
   * @default 1_000
   * @limit `subscribe` throws a UsageError.
   */
  maxTopicsPerConnection: option(count('topics'), 1_000),
  /**
   * Different topics and patterns that the connections of a server may subscribe to, all together.
   * @default 1_000_000
   * @limit `subscribe` throws a UsageError.
   * @remarks Otherwise, peers that choose the names could take all memory.
   */
  maxTopics: option(count('topics'), 1_000_000),
  /**
   * Characters of a topic or pattern, in UTF-16 units.
   * @default 255
   * @limit `subscribe` and `publish` throw a UsageError.
   * @remarks Brokers take names of this length.
   */
  maxTopicLength: option(integer(1, 65_535, 'characters'), 255),
}

/** The messages that are stored in memory: by a hub, or by the parent process for the hubs of its workers. */
export const historyOptions = {
  /**
   * Messages of a topic that are stored in memory, for clients that come back and ask for history.
   * @default 1_000
   * @limit The oldest message is dropped. A client that needs it is told `recovered: false`.
   * @remarks In a worker, and with a `broker`, a hub stores nothing itself: the option is then the most that one client is
   * sent.
   */
  historyCount: option(count('messages'), 1_000),
  /**
   * Bytes of a topic's messages that are stored.
   * @default 1_048_576 (1 MiB)
   * @limit The oldest messages are dropped.
   */
  historyBytes: option(count('bytes'), 1 << 20),
  /**
   * Bytes of the messages of all topics together that are stored; and of those that a hub keeps at hand for clients that come
   * back.
   * @default 67_108_864 (64 MiB)
   * @limit The topic whose last message is oldest loses its messages.
   * @remarks Clients that may choose the names of topics could otherwise fill the memory.
   */
  historyTotalBytes: option(count('bytes'), 64 << 20),
  /**
   * Milliseconds for which a message is stored, or Infinity.
   * @default 3_600_000 (1 hour)
   * @limit The message is dropped.
   */
  historyAgeMs: option(countOrInfinity('milliseconds'), 3_600_000),
  /**
   * Topics that are stored, and that a hub has open.
   * @default 10_000
   * @limit The topic that was unused longest is forgotten. If all are in use, a client gets the error `limit`.
   */
  maxTopics: option(count('topics'), 10_000),
}

/**
 * The limits of a server that listens, for requests that are not handshakes. They do not count against `maxConnections`, so
 * that plain requests never displace a WebSocket.
 */
export const plainLimitOptions = {
  /**
   * Plain requests at a time that wait for their answer. As many connections may stay open after their answer until the
   * client closes them; beyond that the oldest is dropped.
   * @default 1_000
   * @limit Further requests are answered 503 without waiting.
   * @remarks Each holds a descriptor.
   */
  maxRequests: option(count('requests'), 1_000),
  /**
   * Milliseconds that `request` has for an answer, or Infinity.
   * @default 60_000
   * @limit The client gets 503.
   * @remarks Many proxies give up after a minute.
   */
  requestTimeoutMs: option(countOrInfinity('milliseconds'), 60_000),
}

/** The limits of a client that are options. */
export const clientLimitOptions = {
  /**
   * Milliseconds for the whole opening handshake, including redirects and proxies.
   * @default 10_000
   * @limit Connecting fails with a TransportError that names the stage that took too long.
   */
  handshakeTimeoutMs: option(count('milliseconds'), 10_000),
  /**
   * Milliseconds that the server has to answer a Close and to end the connection. A Blob that was sent before `close` must
   * be read within the same time.
   * @default 5_000
   * @limit The connection is dropped, and the close event has `wasClean: false`.
   */
  closeTimeoutMs: option(count('milliseconds'), 5_000),
  /**
   * Bytes of a received message, after decompression.
   * @default 16_777_216 (16 MiB)
   * @limit The connection fails with 1009.
   * @remarks A client has chosen its server, so it accepts longer messages than a server does.
   */
  maxMessageBytes: option(integer(1, longestMessage, 'bytes'), 16 << 20),
  /**
   * Bytes of the head of the server's answer, or of a proxy's.
   * @default 65_536 (64 KiB)
   * @limit Connecting fails with a HandshakeError 'responseHeadTooLong', as soon as the head is too long.
   * @remarks Several proxies and their cookies need more than a request does. Browsers take 256 KiB.
   */
  maxHeadBytes: option(count('bytes'), 64 << 10),
  /**
   * Header fields of such a head.
   * @default 1_000
   * @limit Connecting fails with a HandshakeError 'responseHeadTooLong'.
   */
  maxHeaderFields: option(count('header fields'), 1_000),
  /**
   * Bytes that are kept of the body of an answer that refuses the handshake, and of what its compression inflates to.
   * @default 65_536 (64 KiB)
   * @limit The rest of the body is not read.
   * @remarks This is enough for an explanation.
   */
  maxRefusalBodyBytes: option(integer(0, Number.POSITIVE_INFINITY, 'bytes'), 64 << 10),
  /**
   * Milliseconds that such a body may take after its head. `handshakeTimeoutMs` may end it sooner.
   * @default 1_000
   * @limit The error is reported with the part of the body that has arrived.
   * @remarks The end of a body without a length is the end of the connection, which may never come.
   */
  refusalBodyTimeoutMs: option(count('milliseconds'), 1_000),
}

export interface ServerLimits extends SettingsOf<typeof serverLimitOptions> {}

export interface PlainLimits extends SettingsOf<typeof plainLimitOptions> {}

/** The limits of every endpoint, client or server. */
export interface Limits
  extends Pick<
    ServerLimits,
    | 'maxMessageBytes'
    | 'handshakeTimeoutMs'
    | 'maxHeadBytes'
    | 'maxHeaderFields'
    | 'closeTimeoutMs'
    | 'highWaterMarkBytes'
    | 'maxBufferedBytes'
  > {}

/** A client's limits: options and fixed ones. */
export interface ClientLimits extends Limits, SettingsOf<typeof clientLimitOptions> {}

export const serverLimits: ServerLimits = defaultsOf(serverLimitOptions)

/** The limits of a client that are not options. The WHATWG standard lets a client buffer everything that it sends. */
export const fixedClientLimits: Pick<ClientLimits, 'highWaterMarkBytes' | 'maxBufferedBytes'> = {
  highWaterMarkBytes: serverLimits.highWaterMarkBytes,
  maxBufferedBytes: Number.POSITIVE_INFINITY,
}

export const clientLimits: ClientLimits = { ...fixedClientLimits, ...defaultsOf(clientLimitOptions) }

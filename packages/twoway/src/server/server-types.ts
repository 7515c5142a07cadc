import type { CloseResult, SendResult } from '../core/connection-types.js'
import type { plainLimitOptions, serverLimitOptions } from '../core/limits.js'
import type { OptionsOf } from '../core/options/option.js'
import type { HeadersLike, PlatformAbortSignal, PlatformAsyncDisposable } from '../ports/platform-types.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { NodeRequest } from './node-types.js'
import type { ParamsOf } from './routing/path-params.js'
import type { ServerMetrics } from './server-metrics.js'
import type { commonOptions, handedOptions, listenOptions, routeOptions } from './server-options.js'

export interface SendOptions {
  /**
   * Whether to compress this message, if compression was negotiated. By default, messages of at least
   * `perMessageDeflate.thresholdBytes` are compressed. A message that would grow is sent uncompressed in any case.
   */
  readonly compress?: boolean | undefined
}

/** The values of WebSocket's `readyState` that a server can see: 1 open, 2 closing, 3 closed. */
export type ServerSocketState = 1 | 2 | 3

/** One connection, as the server sees it. */
export interface ServerSocket<Data = undefined> {
  /** The `data` that `upgrade` returned. The library does not touch it. */
  data: Data
  /**
   * A name for this connection: 32 hexadecimal digits. It is random, so that no peer can guess it, and no two connections
   * have the same one, in any process.
   */
  readonly id: string
  /** The server of this connection: what `serve` or `attach` returned. */
  readonly server: Server<Data>
  /** The request of the opening handshake. */
  readonly request: IncomingRequest
  /** 1 while messages can be sent, 2 once either side closes, 3 from just before `close` is called. */
  readonly readyState: ServerSocketState
  /** Resolves with the result that `close` gets when the connection is closed. It never rejects. */
  readonly closed: Promise<CloseResult>
  /**
   * Aborted when the connection is closed, just before `close` is called. The reason is a TransportError. Pass it to a
   * `fetch`, a timer or a query; if a handler rejects because of it, `error` is not called.
   */
  readonly signal: PlatformAbortSignal
  /** The subprotocol in use, '' for none. */
  readonly protocol: string
  /** The negotiated extensions, as in Sec-WebSocket-Extensions of the answer; '' for none. */
  readonly extensions: string
  /** The peer's IP address; undefined if it has none, as over a Unix socket. */
  readonly remoteAddress: string | undefined
  /**
   * Bytes that are queued and not yet written to the network. A framed message counts with its headers and in its
   * compressed length; a message that still waits to be framed, as behind one of `sendStream`, counts with its payload.
   */
  readonly bufferedAmount: number
  /** Milliseconds until the peer answered the last Ping of the heartbeat; undefined before the first answer. */
  readonly latencyMs: number | undefined
  /**
   * Resolves when at most `highWaterMarkBytes` are queued: at once, or when `drain` is called. Rejects with a
   * TransportError if the connection closes first.
   */
  drained(): Promise<void>
  /**
   * Sends a message: text for a string, binary for bytes. The result says whether it was taken; a peer's doing is never
   * thrown.
   *
   * - 'sent': queued, or written to the network;
   * - 'buffered': queued, and more than `highWaterMarkBytes` are queued now: `drain` is called when that has gone down;
   * - 'dropped': not taken, because more than `maxBufferedBytes` were queued already, with `whenBufferFull: 'drop'`;
   * - 'closed': not taken, because the connection is closing or closed.
   *
   * Messages of 8 KiB or more are not copied: do not change their bytes until they are written.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  send(message: OutgoingPiece, options?: SendOptions): SendResult
  /**
   * Sends each item of a source as a message, no faster than the peer takes them: the next item is read when at most
   * `highWaterMarkBytes` are queued. No message is dropped.
   *
   * Resolves to the number of messages when the source has ended and there is room again. If the connection closes first,
   * it rejects with a TransportError, and the source is ended (`return`, or `cancel`). It rejects with the error of a source
   * that throws, and with a UsageError for an item that can't be sent; the connection stays open.
   */
  sendFrom(source: MessageSource<OutgoingPiece>): Promise<number>
  /**
   * Sends a whole source as one message in fragments (RFC 6455 §5.4). The message may have any length, and memory stays
   * bounded: the next piece is read when at most `highWaterMarkBytes` are queued. Pieces are copied; small ones are gathered
   * for a turn of the event loop, long ones are cut. Text may be cut anywhere. Bytes for a text must be UTF-8 as a whole.
   *
   * Messages of `send` and of further streams wait until this one has ended, and count in `bufferedAmount`. Pings and pongs
   * go between the fragments. `close` does not wait: the message stays incomplete, and the messages behind it are not sent.
   * `server.drain` does wait.
   *
   * The source may depend on messages of the same peer: the peer is read while the network takes the fragments, even if
   * other messages are queued behind this one, up to `maxBufferedBytes`.
   *
   * Resolves when the message is complete. If the connection closes first, it rejects with a TransportError, and the source
   * is ended. It rejects with the error of a source that throws, and with a UsageError for a piece that can't be sent. If a
   * part has been sent by then, the connection closes with 1011, because the message can't be completed.
   */
  sendStream(source: MessageSource<OutgoingPiece>, options?: SendStreamOptions): Promise<void>
  /**
   * Starts the closing handshake. No message is delivered after this call.
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999; else a UsageError. Without a code the Close carries none.
   * @param reason at most 123 bytes of UTF-8; else a UsageError
   */
  close(code?: number, reason?: string): void
  /**
   * Drops the connection and all queued messages at once. The peer sees the connection end without a Close. With `reset` it
   * sees a TCP RST, for tests of clients and for peers that misbehave.
   */
  terminate(options?: { readonly reset?: boolean | undefined }): void
  /** Sends a Ping. A payload of more than 125 bytes is a UsageError. */
  ping(payload?: string | ArrayBuffer | ArrayBufferView): void
  /** The topics and patterns that this connection subscribes to, in the order of its calls: a copy. */
  readonly topics: ReadonlySet<string>
  /**
   * Subscribes to the messages of `server.publish`, until `unsubscribe` or the end of the connection. They arrive as plain
   * messages. A topic is a list of tokens joined by dots, such as `room.42`. In a pattern the token `*` stands for any one
   * token, and a last token `>` for one or more: `room.*`, `log.>`.
   *
   * Returns false if the connection subscribes already, or is closing. Throws a UsageError for a name that is no topic or
   * pattern, and beyond `maxTopicsPerConnection`, `maxTopics` or `maxTopicLength`.
   */
  subscribe(topic: string): boolean
  /** Ends a subscription. Returns false if there is none to this very topic or pattern. */
  unsubscribe(topic: string): boolean
  /** Stops reading from the network and delivering messages, until `resume`. */
  pause(): void
  resume(): void
}

/** A message, or a piece of one, that can be sent. */
export type OutgoingPiece = string | ArrayBuffer | ArrayBufferView

/** A source of messages or of pieces of a message. It is read no faster than they can be sent. */
export type MessageSource<Item> = Iterable<Item> | AsyncIterable<Item> | ReadableLike<Item>

/** The part of the platform's ReadableStream that is used. */
export interface ReadableLike<Item> {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Item | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** The platform's ReadableStream, if its types are loaded. */
type PlatformReadable = typeof globalThis extends { ReadableStream: { prototype: infer Stream } } ? Stream : unknown

/**
 * A message that is delivered in pieces: text as strings that are never cut within a character, binary as bytes that
 * belong to the reader. It can be read once. If the connection closes before the message is complete, reading fails with a
 * TransportError or a ProtocolError.
 */
export interface MessageStream extends AsyncIterable<string | Uint8Array> {
  readonly type: 'text' | 'binary'
  /** The pieces as a ReadableStream of the platform. */
  readonly readable: ReadableLike<string | Uint8Array> & PlatformReadable
  /** The whole message as text. Beyond `maxMessageBytes` it rejects with a ProtocolError, and the connection closes with 1009. */
  text(): Promise<string>
  /** The whole message as bytes, within the same limit; a text as its UTF-8. */
  bytes(): Promise<Uint8Array>
}

export interface SendStreamOptions {
  /**
   * Whether to compress this message, if compression was negotiated. By default, a message is compressed that is longer than
   * one fragment or has at least `perMessageDeflate.thresholdBytes`. A message whose beginning does not shrink is sent
   * uncompressed in any case.
   */
  readonly compress?: boolean | undefined
  /** The kind of message. By default it is text if the first piece is a string, else binary. */
  readonly type?: 'text' | 'binary' | undefined
  /**
   * Bytes of a fragment, for peers that take no longer ones: an integer above 0; more than 64 KiB count as 64 KiB. The pieces
   * of one turn of the event loop make fragments of this length, and a shorter last one.
   * @default 16_384 (16 KiB)
   */
  readonly fragmentBytes?: number | undefined
}

/**
 * A value or a promise of any kind. With `unknown`, a handler that returns a result of `const server = await serve(...)`
 * would give `server` the type any (TS7022); with `void`, linters would object to asynchronous handlers.
 */
// biome-ignore lint/suspicious/noExplicitAny: only void and any keep the compiler from asking for the handler's own type
export type HandlerResult = any

/**
 * The functions that a server calls for its connections. If one throws or rejects, `error` is called and the connection
 * closes with 1011. The server does not wait for promises, except with `sequential`.
 */
export interface ServerHandlers<Data, Path extends string = string> {
  /**
   * A client asks to connect. Returns the properties of the connection, or an answer that refuses it, or a promise of
   * either within `handshakeTimeoutMs`. Without this handler every client is accepted. Messages that arrive before the
   * decision are delivered after `open`. If the peer leaves before it, `request.signal` is aborted and the answer is ignored.
   *
   * Write it before the other handlers: the type of their `socket.data` follows from its result.
   */
  upgrade?(
    request: IncomingRequest & { readonly params: ParamsOf<Path> },
    context: UpgradeContext,
  ): UpgradeAnswer<Data> | Promise<UpgradeAnswer<Data>>
  /** A connection is open. */
  open?(socket: ServerSocket<Data>): HandlerResult
  /**
   * A message arrived: a string for text; for binary, bytes that belong to the receiver (a Buffer on Node).
   *
   * Take care with an asynchronous handler: the next message does not wait for its promise, so that work behind an `await`
   * may end in another order than the messages came, and a fast peer may have any number of handlers at work. With
   * `sequential: true` the next message waits. Handlers that return no promise pay nothing for it; of asynchronous ones that
   * wait for nothing, 16 messages that came in one read take about twice the time.
   */
  message?(socket: ServerSocket<Data>, message: string | Uint8Array): HandlerResult
  /**
   * A message begins to arrive. It is delivered in pieces and may have any length: `maxMessageBytes` does not limit it. This
   * handler takes the place of `message`. A server that has both uses this one for connections for which `upgrade` answers
   * `messageStream: true`.
   *
   * The server holds about `highWaterMarkBytes` of the message, and one read of the network. Then it stops reading, and with
   * that answering pings, until the pieces are taken.
   *
   * If the rest of a message does not arrive within `messageTimeoutMs`, the connection ends and the reader fails. Time in
   * which the server waits for the reader does not count.
   *
   * The next message begins when this one is read to its end or its reader stops; the rest is dropped. The whole message is
   * dropped if its reader has not begun when this handler, with the promise that it returns, is done.
   */
  messageStream?(socket: ServerSocket<Data>, stream: MessageStream): HandlerResult
  /**
   * At most `highWaterMarkBytes` are queued again, after a `send` that answered 'buffered'. If the network did not keep up,
   * this is called when all bytes are written.
   */
  drain?(socket: ServerSocket<Data>): HandlerResult
  /** A connection is closed. It is the last call for it, except `error` for a promise that a handler returned earlier. */
  close?(socket: ServerSocket<Data>, result: CloseResult): HandlerResult
  /**
   * Something failed: the peer broke the protocol (ProtocolError), the network failed (TransportError), or a handler threw.
   * `socket` is undefined if the connection was not open yet.
   */
  error?(socket: ServerSocket<Data> | undefined, error: Error): HandlerResult
}

/** The second argument of `upgrade`. */
export interface UpgradeContext {
  /**
   * The request as the HTTP server of the app has parsed it, with what the middleware of `use` has added, such as `session`
   * and `user`. Only servers of `attach` and `upgrader` have one; reading it throws a UsageError with `serve`, and in memory.
   *
   * The connection does not keep it: put what later handlers need into `data`.
   */
  readonly nodeRequest: NodeRequest
}

/** The functions that only a server that listens calls. */
export interface PlainHandlers {
  /**
   * A plain request arrived that is no opening handshake. An Upgrade to another protocol than WebSocket is ignored. Without
   * this handler such requests are answered 426. CONNECT is always answered 501, and `OPTIONS *` 200.
   */
  request?(request: IncomingRequest): HttpAnswer | Promise<HttpAnswer>
}

/** The result of `upgrade`: data, subprotocol and header fields of the connection, or an answer that refuses it. */
export type UpgradeAnswer<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | HttpAnswer | undefined

export interface UpgradeAcceptance<Data> {
  readonly data?: Data
  /** One of `request.protocols`. */
  readonly protocol?: string | undefined
  /**
   * Whether this connection may compress, if `perMessageDeflate` of the server allows it.
   * @default true
   */
  readonly perMessageDeflate?: boolean | undefined
  /**
   * Whether the messages of this connection go to `messageStream`, if the server has `message` too.
   * @default false
   */
  readonly messageStream?: boolean | undefined
  /** Further fields of the answer; none that the handshake sets, and none that concerns the connection. */
  readonly headers?: HeaderInput | undefined
  readonly status?: undefined
}

/** An object of names and values, where a list of values makes several fields; a list of pairs; or Headers. */
export type HeaderInput =
  | Readonly<Record<string, string | readonly string[]>>
  | Iterable<readonly [name: string, value: string]>
  | HeadersLike

/**
 * An HTTP answer: a Response, or a plain object. The server closes the connection after it, and sends Content-Length and
 * Connection itself.
 *
 * A Response may come from `fetch`. Fields that describe another connection or another body are left out: Connection and
 * the fields that it names, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, Content-Length, and
 * Content-Encoding if the body is decoded. In a plain object such fields are an error; Upgrade and a Connection that does
 * not contradict `close` are allowed.
 */
export type HttpAnswer = ResponseLike | PlainAnswer

export interface PlainAnswer {
  /** From 200 to 599. */
  readonly status: number
  readonly headers?: HeaderInput | undefined
  readonly body?: string | Uint8Array | undefined
}

/** The members that a Response has on every platform. */
export interface ResponseLike {
  readonly status: number
  readonly headers: HeadersLike
  /** '' unless it came from `fetch`. */
  readonly url?: string | undefined
  arrayBuffer(): Promise<ArrayBuffer>
}

/** The options of every server, whether it listens or is attached. */
export interface ServerOptions<Data, Path extends string = string>
  extends ServerHandlers<Data, Path>,
    OptionsOf<typeof serverLimitOptions>,
    OptionsOf<typeof commonOptions> {}

/** The options of `serve`. `port` and `host`, `socketPath` and `handle` exclude each other. */
export interface ServeOptions<Data, Path extends string = string>
  extends ServerOptions<Data, Path>,
    PlainHandlers,
    OptionsOf<typeof plainLimitOptions>,
    OptionsOf<typeof listenOptions>,
    RouteOptions<Path> {}

interface RouteOptions<Path extends string> extends OptionsOf<typeof routeOptions> {
  readonly path?: Path | ((request: IncomingRequest) => boolean) | undefined
}

/** The options of `attach`. The HTTP server's own limits for the time and length of a request's head come before ours. */
export interface AttachOptions<Data, Path extends string = string>
  extends ServerOptions<Data, Path>,
    OptionsOf<typeof handedOptions>,
    RouteOptions<Path> {}

/** The options of `upgrader`: those of `attach`. */
export interface UpgraderOptions<Data, Path extends string = string> extends AttachOptions<Data, Path> {}

export interface BroadcastOptions<Data = undefined> extends SendOptions {
  /** A connection that does not get the message, such as its sender. */
  readonly except?: ServerSocket<Data> | undefined
}

export interface PublishOptions<Data = undefined> extends BroadcastOptions<Data> {
  /**
   * Whether the message is left out for a connection that lags behind: one with more than `highWaterMarkBytes` queued. For
   * what the next message replaces, such as the place of a cursor.
   * @default false
   */
  readonly volatile?: boolean | undefined
}

export interface CloseOptions {
  /**
   * Milliseconds after which nothing is left.
   * @default as long as it takes
   */
  readonly withinMs?: number | undefined
}

export interface DrainOptions {
  /** Milliseconds over which the connections close. */
  readonly withinMs: number
  /**
   * Whether the server stops listening before it drains.
   * @default false
   */
  readonly stopListening?: boolean | undefined
}

/** A server that takes connections. `await using server = await serve(...)` closes it at the end of the block. */
export interface Server<Data = undefined> extends PlatformAsyncDisposable {
  /**
   * The URL of the server, such as ws://127.0.0.1:8080. A path can be appended. For a Unix socket it is
   * ws+unix:/path/to.sock:, as the client of this package takes it. '' while the HTTP server of an attachment does not listen.
   */
  readonly url: string
  /** 0 if it has none. */
  readonly port: number
  /** The open connections. */
  readonly connections: ReadonlySet<ServerSocket<Data>>
  /**
   * Sends a message to all connections and returns the number that took it. The message is framed once. A connection that
   * lags behind does not delay the others: `whenBufferFull` applies to it.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  broadcast(message: OutgoingPiece, options?: BroadcastOptions<Data>): number
  /**
   * Sends a message to all connections that subscribe to the topic, by its name or by a pattern; to each once. Returns the
   * number that took it. The message is framed and compressed once, as with `broadcast`.
   *
   * In a worker of `serveWorkers`, the message goes to the subscribers of all workers, by way of the parent process and also
   * to those of this server. It returns the number of subscribers here, as of now; 0 if more than 16 MiB wait for the parent,
   * in which case the message is lost.
   *
   * Throws a UsageError for a topic that is none or has wildcards, and for anything but a string, an ArrayBuffer or a view
   * of one.
   */
  publish(topic: string, message: OutgoingPiece, options?: PublishOptions<Data>): number
  /** The connections that a message of this topic reaches: a copy. */
  subscribers(topic: string): ReadonlySet<ServerSocket<Data>>
  /** Counts since the start, and of this moment. Cheap enough for a call each second. */
  metrics(): ServerMetrics
  /** Whether new clients are welcome: false after `notReady`, `drain` or `close`. A readiness probe reports it. */
  readonly isReady: boolean
  /**
   * Sets `isReady` to false, for good. Nothing else changes: handshakes are still accepted. Call it some seconds before
   * `drain`, so that a load balancer that probes the server sends its clients elsewhere by then.
   */
  notReady(): void
  /**
   * Prepares for a restart. New handshakes are answered 503 with Retry-After. Open connections close with 1012, at moments
   * spread over the given time, so that they do not all come back at once. Queued messages are sent first; a message of
   * `sendStream` has until the end of the time. Resolves when all connections are gone; peers that do not answer the Close
   * are dropped after `closeTimeoutMs`. Plain requests are still answered, until `close`.
   *
   * With `stopListening`, the server leaves its port or socket first, for a successor that listens on it too. Nobody is
   * refused then: connections that waited to be accepted, handshakes that `upgrade` decides on and plain requests have until
   * the end of the time, and at least a second; after that, handshakes get a 503. An attachment calls `close` of its HTTP
   * server.
   */
  drain(options: DrainOptions): Promise<void>
  /**
   * Accepts no more connections and closes the open ones with 1001. Resolves when all are gone, which takes at most
   * `closeTimeoutMs`: a peer that has not answered by then is dropped. The HTTP server of an attachment goes on.
   *
   * With `withinMs`, connections that are still open after that many milliseconds are dropped, and the promise resolves.
   */
  close(options?: CloseOptions): Promise<void>
}

/**
 * A server without a listener: the app passes on the `upgrade` events of its HTTP server. It has the limits, handlers and
 * methods of every server; `url` is '' and `port` 0.
 */
export interface Upgrader<Data = undefined> extends Server<Data> {
  /**
   * Answers the handshake of an 'upgrade' event of node:http. Resolves to the connection once it is open (the handler `open`
   * has been called), or to undefined if the client was refused, or has left. The answer to the client is written in any case.
   *
   * With `acceptance`, such as `{ data, protocol, headers }`, the app has decided, and the handler `upgrade` is not called.
   * The rules of the handshake, the checks of `hosts` and `origin`, the limits, `path` and `use` apply all the same.
   *
   * The socket may be any Duplex, and need not be a net.Socket. Call it before anything reads from the socket. Between the
   * event and this call the socket is the app's: it needs an `error` listener if the app waits meanwhile.
   *
   * Rejects with a UsageError for values that are no upgrade, or if the socket was accepted already ('upgradeTaken').
   */
  accept(
    request: object,
    socket: object,
    head?: Uint8Array,
    acceptance?: UpgradeAcceptance<Data>,
  ): Promise<ServerSocket<Data> | undefined>
  /**
   * A listener of the `upgrade` event: `httpServer.on('upgrade', upgrades.handleUpgrade)`. It needs no `this`. Handshakes
   * that `path` does not match, and offers of other protocols, are left to the other listeners. They are answered 404 if
   * there are none, or if none of them uses the socket within `handshakeTimeoutMs`. It returns at once and never throws;
   * `error` gets the error of a value that is no upgrade.
   */
  readonly handleUpgrade: (request: object, socket: object, head?: Uint8Array) => void
}

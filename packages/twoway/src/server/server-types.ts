import type { CloseResult, SendResult } from '../core/connection-types.js'
import type { plainLimitOptions, serverLimitOptions } from '../core/limits.js'
import type { OptionsOf } from '../core/options/option.js'
import type { HeadersLike, PlatformAsyncDisposable } from '../ports/platform-types.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { ServerMetrics } from './server-metrics.js'
import type { attachmentOptions, commonOptions, listenOptions } from './server-options.js'

export interface SendOptions {
  /**
   * Whether to compress this message, where compression was agreed upon: from `perMessageDeflate.thresholdBytes` on by
   * default. A message that would grow is sent as it is all the same.
   */
  readonly compress?: boolean | undefined
}

/** One connection, on the server's side. */
export interface ServerSocket<Data = undefined> {
  /** What `upgrade` returned as `data`; the user's own from then on. */
  data: Data
  /** The opening handshake that made this connection. */
  readonly request: IncomingRequest
  /** The subprotocol in use, '' for none. */
  readonly protocol: string
  /** The extensions in use, as they were answered; '' for none. */
  readonly extensions: string
  /** The peer's IP address, or undefined where there is none. */
  readonly remoteAddress: string | undefined
  /**
   * Bytes sent and not yet handed to the network: of messages that are framed with their headers and as they were
   * compressed, of messages that still wait to be, or behind one of `sendStream`, their payloads.
   */
  readonly bufferedAmount: number
  /** Milliseconds that the peer took to answer the heartbeat's last Ping; undefined before the first answer. */
  readonly latencyMs: number | undefined
  /**
   * Resolves once no more than `highWaterMarkBytes` waits: at once, or when `drain` is called. Rejects with a
   * TransportError where the connection closes before.
   */
  drained(): Promise<void>
  /**
   * Sends a message, text for a string and binary for bytes. Never throws for what the peer did.
   *
   * - 'sent': handed on;
   * - 'buffered': taken, but more than `highWaterMarkBytes` waits now: `drain` is called once it has gone down;
   * - 'dropped': not taken, as more than `maxBufferedBytes` waited already, with `whenBufferFull: 'drop'`;
   * - 'closed': not taken, as the connection is closing or closed.
   *
   * Bytes of 8 KiB and more are not copied: leave them unchanged until they have gone.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  send(message: OutgoingPiece, options?: SendOptions): SendResult
  /**
   * Sends each item of a source as a message, no faster than the peer takes them: the next is read once no more than
   * `highWaterMarkBytes` waits. None is dropped.
   *
   * Resolves, with how many there were, when the source has ended and there is room again. Where the connection closes
   * before, rejects with a TransportError, and the source is told to end (`return`, or `cancel`). Rejects with what the
   * source throws, and with a UsageError for an item that is no message; the connection stays open.
   */
  sendFrom(source: MessageSource<OutgoingPiece>): Promise<number>
  /**
   * Sends all of a source as one message in fragments (RFC 6455 §5.4), whatever its length, in bounded memory: the next
   * piece is read once no more than `highWaterMarkBytes` waits. Pieces are copied, small ones gathered for a turn and
   * long ones cut. Text may be cut anywhere; bytes for a text must be UTF-8 in all.
   *
   * What `send` and further streams send meanwhile waits until this message is over, and counts in `bufferedAmount`;
   * `ping` and the answers to the peer's pings go between. `close` does not wait: the message stays incomplete,
   * and what waits behind it does not go; `server.drain` waits.
   *
   * The source may be made of what the same peer sends meanwhile: the peer is read on while the network takes what is
   * sent, however much waits behind this message, up to `maxBufferedBytes`.
   *
   * Resolves when the message is complete. Where the connection closes before, rejects with a TransportError, and the
   * source is told to end. Rejects with what the source throws, and with a UsageError for a piece that can't be sent:
   * once a part has gone the connection then closes with 1011, as the message can't be completed.
   */
  sendStream(source: MessageSource<OutgoingPiece>, options?: SendStreamOptions): Promise<void>
  /**
   * Starts the closing handshake; no message is delivered after it.
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999; else a UsageError. Without one the Close carries none.
   * @param reason at most 123 octets of UTF-8; else a UsageError
   */
  close(code?: number, reason?: string): void
  /**
   * Drops the connection at once, with what waits. The peer sees it end without a Close; with `reset`, which is for
   * tests of clients and for peers that misbehave, TCP tells it by a RST.
   */
  terminate(options?: { readonly reset?: boolean | undefined }): void
  /** Sends a Ping with a payload of at most 125 octets; else a UsageError. */
  ping(payload?: string | ArrayBuffer | ArrayBufferView): void
  /** Stops delivering messages, and reading from the network. */
  pause(): void
  resume(): void
}

/** What can be sent, whole or as a piece of a message. */
export type OutgoingPiece = string | ArrayBuffer | ArrayBufferView

/** Where messages or their pieces come from: it is read as fast as they can be sent. */
export type MessageSource<Item> = Iterable<Item> | AsyncIterable<Item> | ReadableLike<Item>

/** What is used of the platform's ReadableStream. */
export interface ReadableLike<Item> {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Item | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** The platform's ReadableStream, where there are types of it. */
type PlatformReadable = typeof globalThis extends { ReadableStream: { prototype: infer Stream } } ? Stream : unknown

/**
 * A message that comes in pieces: text as strings, never cut within a character, and binary as bytes of the reader's
 * own. It can be read once. Where the connection closes before all has come, reading fails with a TransportError or a
 * ProtocolError.
 */
export interface MessageStream extends AsyncIterable<string | Uint8Array> {
  readonly type: 'text' | 'binary'
  /** The pieces as a stream of the platform's. */
  readonly readable: ReadableLike<string | Uint8Array> & PlatformReadable
  /** All of it as a text. Beyond `maxMessageBytes` it rejects with a ProtocolError, and the connection closes with 1009. */
  text(): Promise<string>
  /** All of it as bytes, those of its UTF-8 for a text, within the same limit. */
  bytes(): Promise<Uint8Array>
}

export interface SendStreamOptions {
  /**
   * Whether to compress this message, where compression was agreed upon: by default where it is longer than one fragment,
   * or as long as `perMessageDeflate.thresholdBytes`. One whose beginning does not shrink is sent as it is all the same.
   */
  readonly compress?: boolean | undefined
  /** What kind of message it is: by default text where the first piece is a string, else binary. */
  readonly type?: 'text' | 'binary' | undefined
  /**
   * Octets of a fragment, for peers that take no longer ones: an integer above 0, of which 64 KiB are used at most; 16 KiB
   * without it. Each fragment of what comes within a turn has as many, but for the last.
   */
  readonly fragmentBytes?: number | undefined
}

/**
 * What happens on a server's connections. A handler that throws or rejects is told of by `error`, and its connection
 * closes with 1011. A promise is not waited for, unless `sequential` asks for it.
 */
export interface ServerHandlers<Data> {
  /**
   * A client asks to connect. Returns what the connection is to have, or an answer that refuses it, now or by promise
   * within `handshakeTimeoutMs`. Without this handler everyone is let in. What the peer sends meanwhile is delivered
   * after `open`; where it leaves meanwhile its place is free at once, `request.signal` is aborted, and the answer is
   * ignored.
   *
   * Put it before the other handlers, so that the type of their `socket.data` follows from what it returns.
   */
  upgrade?(request: IncomingRequest): UpgradeAnswer<Data> | Promise<UpgradeAnswer<Data>>
  /** A connection stands. */
  open?(socket: ServerSocket<Data>): unknown
  /** A message came: a string for text, bytes of the receiver's own for binary (on Node a Buffer). */
  message?(socket: ServerSocket<Data>, message: string | Uint8Array): unknown
  /**
   * A message begins to come, in place of `message`, or beside it for those connections for which `upgrade` answers
   * `messageStream: true`: it is handed over in pieces while it arrives, whatever its length,
   * as `maxMessageBytes` does not limit it. About `highWaterMarkBytes` of it are held, and a read of the network besides;
   * then the peer is read no further, and its pings are not answered, until they are taken.
   *
   * A message that does not come on for `messageTimeoutMs` ends its connection, and its reader fails; the time in which
   * the server waits for the reader does not count.
   *
   * The next message begins when this one has been read to its end, or its reader has stopped: what is left is dropped.
   * So is all of it where nobody has begun to read when this handler is done, with the promise that it returns.
   */
  messageStream?(socket: ServerSocket<Data>, stream: MessageStream): unknown
  /**
   * After a `send` that answered 'buffered': no more than `highWaterMarkBytes` waits. Where the network did not keep up
   * this comes once all has gone.
   */
  drain?(socket: ServerSocket<Data>): unknown
  /** A connection is closed; the last call for it, but for an `error` of a promise that a handler returned before. */
  close?(socket: ServerSocket<Data>, result: CloseResult): unknown
  /**
   * What went wrong: a ProtocolError of the peer's, a TransportError, or what a handler threw. `socket` is undefined
   * where it went wrong before the connection stood.
   */
  error?(socket: ServerSocket<Data> | undefined, error: Error): unknown
}

/** What a server that listens does besides. */
export interface PlainHandlers {
  /**
   * A plain request came, no handshake; an Upgrade to another protocol than WebSocket is ignored. Without this handler it
   * is answered 426. CONNECT is answered 501 and `OPTIONS *` 200, without it.
   */
  request?(request: IncomingRequest): HttpAnswer | Promise<HttpAnswer>
}

/** What `upgrade` returns: a connection's data, subprotocol and further header fields, or an answer that refuses it. */
export type UpgradeAnswer<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | HttpAnswer | undefined

export interface UpgradeAcceptance<Data> {
  readonly data?: Data
  /** One of `request.protocols`. */
  readonly protocol?: string | undefined
  /** Whether this connection may compress, where `perMessageDeflate` of the server lets it; true by default. */
  readonly perMessageDeflate?: boolean | undefined
  /** Whether this connection's messages go to `messageStream`, where the server has `message` too; false by default. */
  readonly messageStream?: boolean | undefined
  /** Further fields of the answer. */
  readonly headers?: HeaderInput | undefined
  readonly status?: undefined
}

export type HeaderInput =
  | Readonly<Record<string, string>>
  | Iterable<readonly [name: string, value: string]>
  | HeadersLike

/** An HTTP answer: the platform's own Response, or the same in short. */
export type HttpAnswer = ResponseLike | PlainAnswer

export interface PlainAnswer {
  /** From 200 to 599. */
  readonly status: number
  readonly headers?: HeaderInput | undefined
  readonly body?: string | Uint8Array | undefined
}

/** What a Response has, on every platform. */
export interface ResponseLike {
  readonly status: number
  readonly headers: HeadersLike
  arrayBuffer(): Promise<ArrayBuffer>
}

/** The options of every server, whether it listens or is attached. */
export interface ServerOptions<Data>
  extends ServerHandlers<Data>,
    OptionsOf<typeof serverLimitOptions>,
    OptionsOf<typeof commonOptions> {}

/** The options of `serve`. `port` and `host`, `socketPath` and `handle` exclude each other. */
export interface ServeOptions<Data>
  extends ServerOptions<Data>,
    PlainHandlers,
    OptionsOf<typeof plainLimitOptions>,
    OptionsOf<typeof listenOptions> {}

/** The options of `attach`. The HTTP server's own limits for the time and length of a request's head come before ours. */
export interface AttachOptions<Data> extends ServerOptions<Data>, OptionsOf<typeof attachmentOptions> {}

export interface BroadcastOptions<Data = undefined> extends SendOptions {
  /** Who is not sent it: whoever it came from, say. */
  readonly except?: ServerSocket<Data> | undefined
}

/** A server that takes connections. `await using server = await serve(...)` closes it at the end of the block. */
export interface Server<Data = undefined> extends PlatformAsyncDisposable {
  /**
   * Where it listens, such as ws://127.0.0.1:8080, to which a path can be appended; ws+unix:/path/to.sock: for a Unix
   * socket, as our client takes it; '' while the HTTP server that it is attached to does not listen.
   */
  readonly url: string
  /** 0 where there is none. */
  readonly port: number
  /** The connections that stand now. */
  readonly connections: ReadonlySet<ServerSocket<Data>>
  /**
   * Sends a message to all connections, framed once, and returns how many took it. One that lags behind does not hold up
   * the others: it is dealt with as by its own `send`, see `whenBufferFull`.
   * Throws a UsageError for anything but a string, an ArrayBuffer or a view of one.
   */
  broadcast(message: OutgoingPiece, options?: BroadcastOptions<Data>): number
  /** What happened since the start, in numbers; cheap enough to be asked every second. */
  metrics(): ServerMetrics
  /** Whether it takes new connections: false once `drain` or `close` was called. */
  readonly isReady: boolean
  /**
   * Makes room for a successor: takes no more connections (new handshakes are answered 503 with Retry-After), and closes
   * those that stand with 1012, spread over the time, so that they do not all come back at once. What was sent before
   * is delivered first; a message of `sendStream` that is under way has until the end of the time. Resolves when all are gone: who has not answered its Close is dropped after `closeTimeoutMs`.
   * Plain requests are answered on; `close` ends that.
   */
  drain(options: { readonly withinMs: number }): Promise<void>
  /**
   * Takes no more connections, closes those that stand with 1001, and resolves when all are gone: within
   * `closeTimeoutMs`, as who has not answered by then is dropped. An HTTP server that it was attached to goes on.
   */
  close(): Promise<void>
}

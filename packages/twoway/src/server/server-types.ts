import type { CloseResult, SendResult } from '../core/connection-types.js'
import type { PlatformAbortSignal, PlatformAsyncDisposable } from '../ports/platform-types.js'
import type { UpgradeAcceptance } from './answer-types.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { ServerMetrics } from './server-metrics.js'

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
  /** The server of this connection, as `serve` or `attach` returned it. */
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
   * Bytes that are queued and not yet written to the network.
   * @remarks A framed message counts with its headers and in its compressed length; a message that still waits to be framed,
   * as behind one of `sendStream`, counts with its payload.
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
   * bounded: the next piece is read when at most `highWaterMarkBytes` are queued. Text may be cut anywhere. Bytes for a text
   * must be UTF-8 as a whole.
   *
   * Messages of `send` and of further streams wait until this one has ended, and count in `bufferedAmount`. `close` does not
   * wait: the message stays incomplete, and the messages behind it are not sent. `server.drain` does wait.
   *
   * Resolves when the message is complete. If the connection closes first, it rejects with a TransportError, and the source
   * is ended. It rejects with the error of a source that throws, and with a UsageError for a piece that can't be sent. If a
   * part has been sent by then, the connection closes with 1011, because the message can't be completed.
   * @remarks Pieces are copied; small ones are gathered for a turn of the event loop, long ones are cut. Pings and pongs go
   * between the fragments. The source may depend on messages of the same peer: the peer is read while the network takes the
   * fragments, even if other messages are queued behind this one, up to `maxBufferedBytes`.
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
  /** Ends a subscription. Returns false if the connection does not subscribe to this very topic or pattern. */
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

export interface BroadcastOptions<Data = undefined> extends SendOptions {
  /** A connection that does not get the message, such as its sender. */
  readonly except?: ServerSocket<Data> | undefined
}

export interface PublishOptions<Data = undefined> extends BroadcastOptions<Data> {
  /**
   * Whether the message is left out for a connection that lags behind: one with more than `highWaterMarkBytes` queued. For
   * messages that the next one replaces, such as the position of a cursor.
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
   * to those of this server.
   *
   * Returns 0 once the server is closed, as it has no connections then.
   *
   * Throws a UsageError for a topic that is none or has wildcards, and for anything but a string, an ArrayBuffer or a view
   * of one.
   * @remarks In a worker, the result is the number of subscribers here, as of now; 0 if more than 16 MiB wait for the
   * parent, in which case the message is lost.
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
   * With `stopListening`, the server leaves its port or socket first, for a successor that listens on it too. An attachment
   * calls `close` of its HTTP server.
   * @remarks With `stopListening`, no client is refused: connections that waited to be accepted, handshakes that `upgrade`
   * decides on and plain requests have until the end of the time, and at least a second; after that, handshakes get a 503.
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
   * that `path` does not match, and offers of other protocols, are left to the other listeners. It returns at once and never
   * throws; `error` gets the error of a value that is no upgrade.
   * @remarks Handshakes that are left to other listeners are answered 404 if there are none, or if none of them uses the
   * socket within `handshakeTimeoutMs`.
   */
  readonly handleUpgrade: (request: object, socket: object, head?: Uint8Array) => void
}

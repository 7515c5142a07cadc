import type { CloseResult } from '../core/connection-types.js'
import type { plainLimitOptions, serverLimitOptions } from '../core/limits.js'
import type { OptionsOf } from '../core/options/option.js'
import type { HttpAnswer, UpgradeAnswer } from './answer-types.js'
import type { IncomingRequest } from './handshake/incoming-request.js'
import type { NodeRequest } from './node-types.js'
import type { ParamsOf } from './routing/path-params.js'
import type { commonOptions, handedOptions, listenOptions, routeOptions } from './server-options.js'
import type { MessageStream, ServerSocket } from './server-types.js'

/**
 * A value or a promise of any kind.
 * @remarks With `unknown`, a handler that returns a result of `const server = await serve(...)` would give `server` the type
 * any (TS7022); with `void`, linters would object to asynchronous handlers.
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
   * `sequential: true` the next message waits.
   * @remarks Handlers that return no promise pay nothing for it; of asynchronous ones that wait for nothing, 16 messages
   * that came in one read take about twice the time.
   */
  message?(socket: ServerSocket<Data>, message: string | Uint8Array): HandlerResult
  /**
   * A message begins to arrive. It is delivered in pieces and may have any length: `maxMessageBytes` does not limit it. This
   * handler takes the place of `message`. A server that has both uses this one for connections for which `upgrade` answers
   * `messageStream: true`.
   *
   * The server holds about `highWaterMarkBytes` of the message, and then stops reading until the pieces are taken. If the
   * rest of a message does not arrive within `messageTimeoutMs`, the connection ends and the reader fails.
   *
   * The next message begins when this one is read to its end or its reader stops; the rest is dropped. The whole message is
   * dropped if its reader has not begun when this handler, with the promise that it returns, is done.
   * @remarks While the server does not read, it answers no pings. It holds one read of the network besides. Time in which it
   * waits for the reader does not count.
   */
  messageStream?(socket: ServerSocket<Data>, stream: MessageStream): HandlerResult
  /**
   * At most `highWaterMarkBytes` are queued again, after a `send` that answered 'buffered'.
   * @remarks If the network did not keep up, this is called when all bytes are written.
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
   * The request as the HTTP server of the app has parsed it, with the properties that the middleware of `use` has added,
   * such as `session` and `user`. Only servers of `attach` and `upgrader` have one; reading it throws a UsageError with
   * `serve`, and in memory.
   *
   * The connection does not keep it: put values for later handlers into `data`.
   */
  readonly nodeRequest: NodeRequest
}

/** The functions that only a server that listens calls. */
export interface PlainHandlers {
  /**
   * A plain request arrived that is no opening handshake. An Upgrade to another protocol than WebSocket is ignored. Without
   * this handler such requests are answered 426.
   * @remarks CONNECT is always answered 501, and `OPTIONS *` 200.
   */
  request?(request: IncomingRequest): HttpAnswer | Promise<HttpAnswer>
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

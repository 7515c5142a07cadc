import type { PerMessageDeflateOptions } from '../../core/extensions/permessage-deflate/deflate-options.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import type { CreateConnection, LocalOptions, TlsClientOptions } from '../../ports/connector.js'
import type { HeadersLike, PlatformAbortSignal } from '../../ports/platform-types.js'
import type {
  PlatformBlob,
  PlatformCloseEvent,
  PlatformConstant,
  PlatformEvent,
  PlatformMessageEvent,
  PlatformReadyState,
} from '../browser/platform-types.js'

/** The WHATWG standard's WebSocket: https://websockets.spec.whatwg.org/#the-websocket-interface */
export interface WebSocket {
  /** The URL as it was resolved. */
  readonly url: string
  /** CONNECTING (0), OPEN (1), CLOSING (2) or CLOSED (3). */
  readonly readyState: PlatformReadyState
  /** Octets of messages passed to `send` and not yet handed to the network; falls to 0 when all has gone. */
  readonly bufferedAmount: number
  /** The extensions in use, as the server answered them. */
  readonly extensions: string
  /** The subprotocol the server chose, or ''. */
  readonly protocol: string
  /** What a binary message's `event.data` is: a Blob, or an ArrayBuffer. 'blob' by default. */
  binaryType: 'blob' | 'arraybuffer'
  onopen: Handler<WebSocketEvents['open']>
  onmessage: Handler<PlatformMessageEvent>
  onerror: Handler<WebSocketEvents['error']>
  onclose: Handler<PlatformCloseEvent>
  /**
   * Queues a message: text for a string, binary for everything else. The bytes are copied at once.
   * Throws an InvalidStateError DOMException while connecting; is ignored, but counted, once closing.
   */
  send(data: string | ArrayBuffer | ArrayBufferView | PlatformBlob): void
  /**
   * Starts the closing handshake, behind what was sent before.
   * @param code 1000, or 3000 to 4999; else an InvalidAccessError DOMException
   * @param reason at most 123 octets of UTF-8; else a SyntaxError DOMException
   */
  close(code?: number, reason?: string): void
  readonly CONNECTING: PlatformConstant<'CONNECTING', 0>
  readonly OPEN: PlatformConstant<'OPEN', 1>
  readonly CLOSING: PlatformConstant<'CLOSING', 2>
  readonly CLOSED: PlatformConstant<'CLOSED', 3>
  addEventListener<Type extends keyof WebSocketEvents>(
    type: Type,
    listener: (this: WebSocket, event: WebSocketEvents[Type]) => unknown,
    options?: boolean | ListenerOptions,
  ): void
  addEventListener(type: string, listener: AnyListener | null, options?: boolean | ListenerOptions): void
  removeEventListener<Type extends keyof WebSocketEvents>(
    type: Type,
    listener: (this: WebSocket, event: WebSocketEvents[Type]) => unknown,
    options?: boolean | { capture?: boolean },
  ): void
  removeEventListener(type: string, listener: AnyListener | null, options?: boolean | { capture?: boolean }): void
  dispatchEvent(event: PlatformEvent): boolean
}

export interface WebSocketConstructor {
  /**
   * Starts connecting. Throws a SyntaxError DOMException for a URL that is not ws, wss, http or https, or that has a
   * fragment, and for subprotocols that are no tokens or not distinct.
   * Beyond the standard, `ws+unix:/path/to.sock:/resource?query` and `wss+unix:` lead to a Unix socket; its path ends at
   * the first colon, and is percent-decoded. A UsageError for options that can't be used.
   * @param options the subprotocols, the preferred first; or, beyond the standard, an object with them and more
   */
  new (url: string | { toString(): string }, options?: string | readonly string[] | WebSocketOptions): WebSocket
  readonly prototype: WebSocket
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
}

/** What can be asked for beyond the standard. */
export interface WebSocketOptions extends TlsClientOptions, LocalOptions {
  /** Subprotocols, the preferred first. */
  readonly protocols?: string | readonly string[] | undefined
  /**
   * Further fields of the request: an object of names and values, where a list of values makes several fields; a list of
   * pairs of name and value; or Headers. They go to the origin of the URL only, where a redirect leads elsewhere.
   */
  readonly headers?:
    | Readonly<Record<string, string | readonly string[]>>
    | Iterable<readonly string[]>
    | HeadersLike
    | undefined
  /** The Origin of the request; none by default. */
  readonly origin?: string | undefined
  /** The User-Agent of the request, unless `headers` has one. `twoway/VERSION` by default; '' sends none. */
  readonly userAgent?: string | undefined
  /**
   * Makes the connection in place of the client, as the option of that name of Node's `http.request` does: it is called
   * with the target and the options of TLS, and returns a connected or connecting stream. Over a stream that is not
   * `encrypted`, a `wss:` URL has TLS spoken. Not together with `proxy`. An Agent of Node's makes connections by
   * `(options, callback) => agent.createConnection(options, callback)`.
   */
  readonly createConnection?: CreateConnection | undefined
  /**
   * A proxy to go through, for ws and wss: `http://user:password@host:port`, `https://…` (by CONNECT; for wss, TLS goes
   * through it end to end), `socks5://…`, or `socks5h://…` where the proxy is to look the name up. 'env' takes it from
   * the environment as curl does: from ws_proxy, http_proxy and all_proxy for ws, from wss_proxy, https_proxy and all_proxy
   * for wss, the first that is set, in lower or upper case, unless no_proxy excepts the host. None by default.
   * Of the options of TLS, an `https:` proxy heeds `ca` alone: its certificate is checked though `rejectUnauthorized` is
   * false, and it gets no client certificate.
   */
  readonly proxy?: string | undefined
  /**
   * Redirects to follow, at most 10; 0 by default: a redirect then fails with its status. Never followed from wss to ws.
   * Another origin gets no user and password, no `headers`, no client certificate, and must have a trusted one for its
   * name: of the options of TLS, `ca`, `minVersion`, `maxVersion` and `ciphers` hold for it.
   */
  readonly maxRedirects?: number | undefined
  /** Aborts connecting; without effect once the connection stands. */
  readonly signal?: PlatformAbortSignal | undefined
  /**
   * Offers to compress messages (RFC 7692): true by default, as browsers do; false does not; an object says more, and a
   * list of them is several offers, the preferred first. `extensions` tells what the server took.
   */
  readonly perMessageDeflate?: boolean | PerMessageDeflateOptions | readonly PerMessageDeflateOptions[] | undefined
  /** Milliseconds for the whole opening handshake, 10,000 by default. */
  readonly handshakeTimeoutMs?: number | undefined
  /**
   * Bytes of the head of the server's answer, or of a proxy's, at most; 64 KiB by default. A longer one fails with a
   * HandshakeError 'responseHeadTooLong', as soon as it is too long.
   */
  readonly maxHeadBytes?: number | undefined
  /** Header fields of such a head, at most; 1000 by default. More fail likewise. */
  readonly maxHeaderFields?: number | undefined
  /**
   * Bytes that are kept of the body of an answer that refuses the handshake, and of what its compression inflates to,
   * at most; 64 KiB by default. The rest is not read.
   */
  readonly maxRefusalBodyBytes?: number | undefined
  /**
   * Milliseconds that such a body may take once its head has come, 1,000 by default: a server need not tell where it ends.
   * The error is told then, with what has come of the body. `handshakeTimeoutMs` ends it sooner.
   */
  readonly refusalBodyTimeoutMs?: number | undefined
  /**
   * Milliseconds that the server has to answer a Close and to end the connection, 5,000 by default; and that a Blob which
   * was sent before `close` may take to be read.
   */
  readonly closeTimeoutMs?: number | undefined
  /** Octets of a received message, at most; 16 MiB by default. Beyond it the connection fails with 1009. */
  readonly maxMessageBytes?: number | undefined
}

export interface WebSocketEvents {
  /** `headers` are the fields of the server's 101, of whatever name: Set-Cookie, a request's id. A browser tells none. */
  open: PlatformEvent & { readonly headers?: HeaderFields }
  message: PlatformMessageEvent
  /**
   * Where a handshake or a connection failed, `error` says why: a HandshakeError, ProtocolError or TransportError, and
   * `message` is its message. A browser tells neither.
   */
  error: PlatformEvent & { readonly message?: string; readonly error?: unknown }
  close: PlatformCloseEvent
}

/** As a method, so that the handlers of other types of a WebSocket, which say more of their events, stand for ours. */
type Handler<Event> = Methods<Event>['handle'] | null

interface Methods<Event> {
  handle(this: WebSocket, event: Event): unknown
}

// biome-ignore lint/suspicious/noExplicitAny: a listener of any event may ask for a narrower one, as in the DOM's types
type AnyListener = ((event: any) => unknown) | { handleEvent(event: any): unknown }

interface ListenerOptions {
  readonly capture?: boolean
  readonly once?: boolean
  readonly passive?: boolean
  readonly signal?: PlatformAbortSignal
}

import type { HeaderFields } from '../../core/http/header-fields.js'
import type { clientLimitOptions } from '../../core/limits.js'
import type { OptionsOf } from '../../core/options/option.js'
import type { LocalOptions, TlsClientOptions } from '../../ports/connector.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import type {
  PlatformBlob,
  PlatformCloseEvent,
  PlatformConstant,
  PlatformEvent,
  PlatformMessageEvent,
  PlatformReadyState,
} from '../browser/platform-types.js'
import type { connectOptions, signalOption } from '../client-options.js'

/** The WHATWG standard's WebSocket: https://websockets.spec.whatwg.org/#the-websocket-interface */
export interface WebSocket {
  /** The resolved URL. */
  readonly url: string
  /** CONNECTING (0), OPEN (1), CLOSING (2) or CLOSED (3). */
  readonly readyState: PlatformReadyState
  /** Bytes of messages that were passed to `send` and are not yet written to the network. */
  readonly bufferedAmount: number
  /** The negotiated extensions, as in Sec-WebSocket-Extensions of the server's answer. */
  readonly extensions: string
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string
  /**
   * The type of `event.data` of binary messages.
   * @default 'blob'
   */
  binaryType: 'blob' | 'arraybuffer'
  onopen: Handler<WebSocketEvents['open']>
  onmessage: Handler<PlatformMessageEvent>
  onerror: Handler<WebSocketEvents['error']>
  onclose: Handler<PlatformCloseEvent>
  /**
   * Queues a message: text for a string, binary for everything else. The bytes are copied at once.
   * Throws an InvalidStateError DOMException while connecting. While closing and after it, the message is only counted.
   */
  send(data: string | ArrayBuffer | ArrayBufferView | PlatformBlob): void
  /**
   * Starts the closing handshake after all messages that were sent before.
   * @param code 1000, or 3000 to 4999; else an InvalidAccessError DOMException
   * @param reason at most 123 bytes of UTF-8; else a SyntaxError DOMException
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
   * fragment, and for subprotocols that are no tokens or not distinct. Throws a UsageError for options that can't be used.
   * Beyond the standard, `ws+unix:/path/to.sock:/resource?query` and `wss+unix:` connect to a Unix socket. Its path ends at
   * the first colon and is percent-decoded.
   * @param options the subprotocols, the preferred first; or, beyond the standard, an object of options
   */
  new (url: string | { toString(): string }, options?: string | readonly string[] | WebSocketOptions): WebSocket
  readonly prototype: WebSocket
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3
}

/** The options of a client beyond the standard. */
export interface WebSocketOptions
  extends OptionsOf<typeof connectOptions>,
    OptionsOf<typeof signalOption>,
    OptionsOf<typeof clientLimitOptions>,
    TlsClientOptions,
    LocalOptions {}

export interface WebSocketEvents {
  /** `headers` are the header fields of the server's 101, such as Set-Cookie. A browser does not provide them. */
  open: PlatformEvent & { readonly headers?: HeaderFields }
  message: PlatformMessageEvent
  /**
   * If a handshake or a connection failed, `error` is the reason: a HandshakeError, ProtocolError or TransportError.
   * `message` is its message. A browser provides neither.
   */
  error: PlatformEvent & { readonly message?: string; readonly error?: unknown }
  close: PlatformCloseEvent
}

/** A method, so that handlers written for other types of WebSocket, whose events have more members, are assignable. */
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

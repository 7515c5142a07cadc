import type { HeaderFields } from '../../core/http/header-fields.js'
import type { OfPlatform, PlatformAbortSignal } from '../../ports/platform-types.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'

/**
 * A WebSocket as two web streams, so that both sides wait for the slower one. It follows the proposal for the WHATWG
 * standard, https://github.com/whatwg/websockets/pull/48 and https://github.com/ricea/websocketstream-explainer.
 *
 * - While `readable` is not read, at most 64 KiB of messages, or one longer message, are kept. Then the client stops reading
 *   from the network, and the server has to wait. `closed` waits too, because the Close comes after the messages.
 * - `write` resolves when at most 64 KiB wait for the network: await each call, or pipe.
 * - A rejection of `opened` or `closed` is never reported as unhandled. One of `read` or `write` may be.
 */
export interface WebSocketStream<Binary = Uint8Array> {
  /** The resolved URL. */
  readonly url: string
  /** Rejects with a WebSocketError if the connection could not be made, or with the reason of an aborted signal. */
  readonly opened: Promise<WebSocketOpenInfo<Binary>>
  /** Code and reason of the peer's Close. Rejects with a WebSocketError if the connection was not closed by both sides. */
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>
  /**
   * Starts the closing handshake after all messages that were written, or stops connecting. Without a code the Close carries
   * none, or 1000 if it has a reason.
   *
   * Throws an InvalidAccessError DOMException for a code other than 1000 and 3000 to 4999, and a SyntaxError DOMException for
   * a reason of more than 123 bytes of UTF-8.
   */
  close(closeInfo?: WebSocketCloseInfo): void
}

export interface WebSocketOpenInfo<Binary = Uint8Array> {
  /**
   * A chunk is a message: a string for text, a Uint8Array for binary. Ends when the connection is closed.
   * `cancel` closes the connection. A WebSocketError as its reason sets code and reason of the Close.
   */
  readonly readable: MessageReadable<string | Binary>
  /**
   * A chunk is a message: binary for an ArrayBuffer or a view of one, text for everything else.
   * `close` closes the connection and resolves when it is closed. `abort` closes it without waiting; a WebSocketError as its
   * reason sets code and reason of the Close.
   */
  readonly writable: MessageWritable
  /** The negotiated extensions, as in Sec-WebSocket-Extensions of the server's answer; '' for none. */
  readonly extensions: string
  /** The subprotocol that the server chose; '' for none. */
  readonly protocol: string
  /** Beyond the proposal: the header fields of the server's 101, such as Set-Cookie. A browser does not provide them. */
  readonly headers?: HeaderFields
}

/** The code and the reason of a Close. */
export interface WebSocketCloseInfo {
  readonly closeCode?: number | null | undefined
  readonly reason?: string | undefined
}

/** The two options of the proposal. */
export interface StandardStreamOptions {
  /** Subprotocols, the preferred first. */
  readonly protocols?: readonly string[] | undefined
  /** Aborts connecting; without effect once the connection is open. */
  readonly signal?: PlatformAbortSignal | undefined
}

/** The two options of the proposal, and those of `WebSocket`. */
export interface WebSocketStreamOptions extends Omit<WebSocketOptions, 'protocols' | 'signal'>, StandardStreamOptions {}

export interface WebSocketStreamConstructor<Options = WebSocketStreamOptions, Binary = Uint8Array> {
  /**
   * Starts connecting. Throws a SyntaxError DOMException for a URL that is not ws, wss, http or https, or that has a
   * fragment, and for subprotocols that are no tokens or not distinct.
   */
  new (url: string | { toString(): string }, options?: Options): WebSocketStream<Binary>
  readonly prototype: WebSocketStream<Binary>
}

/** The failure of a connection, or the code and reason with which to close one. */
export interface WebSocketError extends PlatformDOMException {
  readonly name: string
  readonly message: string
  /** 1006 if no Close arrived; null for an error that was made without a code. */
  readonly closeCode: number | null
  readonly reason: string
  /** Beyond the proposal: the HandshakeError, ProtocolError or TransportError of the failure, if it has one. */
  readonly cause?: unknown
}

export interface WebSocketErrorConstructor {
  /** Takes the same code and reason as `close`, and throws as it does. */
  new (message?: string, init?: WebSocketCloseInfo): WebSocketError
  readonly prototype: WebSocketError
}

interface MessageReader<Message> {
  readonly closed: Promise<undefined>
  read(): Promise<
    { readonly done: false; readonly value: Message } | { readonly done: true; readonly value?: undefined }
  >
  cancel(reason?: unknown): Promise<void>
  releaseLock(): void
}

interface MessageWriter {
  readonly closed: Promise<undefined>
  readonly ready: Promise<undefined>
  readonly desiredSize: number | null
  write(message: string | ArrayBuffer | ArrayBufferView): Promise<void>
  close(): Promise<void>
  abort(reason?: unknown): Promise<void>
  releaseLock(): void
}

interface FallbackReadable {
  readonly locked: boolean
  cancel(reason?: unknown): Promise<void>
}

interface FallbackWritable {
  readonly locked: boolean
  close(): Promise<void>
  abort(reason?: unknown): Promise<void>
}

interface FallbackDOMException extends Error {
  readonly code: number
}

type PlatformReadable = OfPlatform<'ReadableStream', FallbackReadable>
type PlatformWritable = OfPlatform<'WritableStream', FallbackWritable>
type PlatformDOMException = OfPlatform<'DOMException', FallbackDOMException>

/** The iteration of the platform's type has chunks of any type, so ours replaces it, if the platform has one. */
type MessageIteration<Message> = PlatformReadable extends { [Symbol.asyncIterator](): unknown }
  ? { [Symbol.asyncIterator](options?: { readonly preventCancel?: boolean }): AsyncIterableIterator<Message> }
  : unknown

/** The platform's ReadableStream. Members with a typed chunk come before those of the platform's type. */
export type MessageReadable<Message> = { getReader(): MessageReader<Message> } & MessageIteration<Message> &
  Omit<PlatformReadable, typeof Symbol.asyncIterator>
export type MessageWritable = { getWriter(): MessageWriter } & PlatformWritable

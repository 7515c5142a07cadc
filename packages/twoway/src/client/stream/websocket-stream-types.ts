import type { HeaderFields } from '../../core/http/header-fields.js'
import type { OfPlatform, PlatformAbortSignal } from '../../ports/platform-types.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'

/**
 * A WebSocket as two web streams, so that both sides wait for the slower one. After the proposal for the WHATWG
 * standard, https://github.com/whatwg/websockets/pull/48 and https://github.com/ricea/websocketstream-explainer.
 *
 * - While nobody reads `readable`, 64 KiB of messages or one longer one are kept and the connection is not read: the
 *   server has to wait. Its Close is behind its messages, so `closed` then waits for them to be read.
 * - `write` resolves once little waits for the network (64 KiB): await each, or pipe.
 * - Neither `opened` nor `closed` ends a process by an unhandled rejection; what `read` and `write` return may.
 */
export interface WebSocketStream<Binary = Uint8Array> {
  /** The URL as it was resolved. */
  readonly url: string
  /** Rejects with a WebSocketError where the connection could not be made, or with the signal's reason. */
  readonly opened: Promise<WebSocketOpenInfo<Binary>>
  /** How the connection was closed. Rejects with a WebSocketError where it was not closed by both sides. */
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>
  /**
   * Starts the closing handshake behind what was written, or gives up connecting. Without a code the Close carries
   * none, unless it has a reason: then the code is 1000.
   *
   * Throws an InvalidAccessError DOMException for another code than 1000 and 3000 to 4999, and a SyntaxError
   * DOMException for a reason of more than 123 octets of UTF-8.
   */
  close(closeInfo?: WebSocketCloseInfo): void
}

export interface WebSocketOpenInfo<Binary = Uint8Array> {
  /**
   * A chunk is a message: a string for text, a Uint8Array for binary. Ends when the connection is closed.
   * `cancel` closes the connection, with the status of a WebSocketError given as the reason.
   */
  readonly readable: MessageReadable<string | Binary>
  /**
   * A chunk is a message: binary for an ArrayBuffer or a view of one, text for everything else.
   * `close` closes the connection, and resolves when it is closed; so does `abort`, with the status of a WebSocketError
   * given as the reason, and without waiting.
   */
  readonly writable: MessageWritable
  /** The extensions in use, as the server answered them; '' for none. */
  readonly extensions: string
  /** The subprotocol the server chose; '' for none. */
  readonly protocol: string
  /** Beyond the proposal: the header fields of the server's 101, Set-Cookie and others. A browser tells none. */
  readonly headers?: HeaderFields
}

/** How a connection is closed, or was. */
export interface WebSocketCloseInfo {
  readonly closeCode?: number | null | undefined
  readonly reason?: string | undefined
}

/** The proposal's two options. */
export interface StandardStreamOptions {
  /** Subprotocols, the preferred first. */
  readonly protocols?: readonly string[] | undefined
  /** Aborts connecting; without effect once the connection stands. */
  readonly signal?: PlatformAbortSignal | undefined
}

/** The proposal's two options, and those of `WebSocket`. */
export interface WebSocketStreamOptions extends Omit<WebSocketOptions, 'protocols' | 'signal'>, StandardStreamOptions {}

export interface WebSocketStreamConstructor<Options = WebSocketStreamOptions, Binary = Uint8Array> {
  /**
   * Starts connecting. Throws a SyntaxError DOMException for a URL that is not ws, wss, http or https, or that has a
   * fragment, and for subprotocols that are no tokens or not distinct.
   */
  new (url: string | { toString(): string }, options?: Options): WebSocketStream<Binary>
  readonly prototype: WebSocketStream<Binary>
}

/** A connection that failed, or the status with which it is to be closed. */
export interface WebSocketError extends PlatformDOMException {
  readonly name: string
  readonly message: string
  /** 1006 where no Close came; null for an error that was made without a status. */
  readonly closeCode: number | null
  readonly reason: string
  /** Beyond the proposal: a HandshakeError, ProtocolError or TransportError, where the failure has one. */
  readonly cause?: unknown
}

export interface WebSocketErrorConstructor {
  /** Takes the same status as `close`, and throws as it does. */
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

/** The platform's iteration leaves the chunk open, so it gives way to ours; where it has none, nor have we. */
type MessageIteration<Message> = PlatformReadable extends { [Symbol.asyncIterator](): unknown }
  ? { [Symbol.asyncIterator](options?: { readonly preventCancel?: boolean }): AsyncIterableIterator<Message> }
  : unknown

/** The platform's ReadableStream; what leaves the chunk open in its type stands behind what does not. */
export type MessageReadable<Message> = { getReader(): MessageReader<Message> } & MessageIteration<Message> &
  Omit<PlatformReadable, typeof Symbol.asyncIterator>
export type MessageWritable = { getWriter(): MessageWriter } & PlatformWritable

import type { CloseResult } from '../../core/connection-types.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import type { WebSocketStreamOptions } from './websocket-stream-types.js'

/** The connection below a WebSocketStream, with backpressure both ways. */
export interface StreamSocket {
  /** The resolved URL. */
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  /** Whether messages can be sent. */
  readonly isOpen: boolean
  /** Whether at most the high-water mark waits for the network. If it is false after a `send`, `drain` follows, unless the connection closes first. */
  readonly hasRoom: boolean
  /** Sends a message. Its bytes are copied. */
  send(message: string | Uint8Array): void
  /** Sends a Ping, if the socket can, and resolves to the milliseconds until its Pong. */
  ping?(): Promise<number>
  /** Stops reading, if the socket can. Only messages that have already been read still arrive. */
  pause(): void
  resume(): void
  /** Closes after all messages that were sent, or stops connecting. The caller has checked code and reason. */
  close(code?: number, reason?: string): void
}

/** The events of a StreamSocket. None is called before the socket has been returned. */
export interface StreamSocketEvents {
  /** Has the header fields of the server's 101, if they are known. */
  open(headers?: HeaderFields): void
  /** Text as a string, binary as bytes that belong to the receiver. */
  message(message: string | Uint8Array): void
  drain(): void
  /** The last event, in any case. `error` is the reason of a failure, if it is known. */
  close(result: CloseResult, error?: Error): void
}

/** Starts connecting. Throws the standard's exceptions for a URL or subprotocols that can't be used. */
export type OpenStreamSocket = (
  url: string,
  options: WebSocketStreamOptions,
  events: StreamSocketEvents,
) => StreamSocket

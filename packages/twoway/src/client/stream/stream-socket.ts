import type { CloseResult } from '../../core/connection-types.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import type { WebSocketStreamOptions } from './websocket-stream-types.js'

/** What a WebSocketStream runs on: a connection that can be told to wait, and that tells when to. */
export interface StreamSocket {
  /** The URL as it was resolved. */
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  /** Whether a message still can be sent. */
  readonly isOpen: boolean
  /** Whether little waits for the network. False after a `send` means that `drain` follows, unless it closes before. */
  readonly hasRoom: boolean
  /** Bytes are not kept. */
  send(message: string | Uint8Array): void
  /** Sends a Ping, where the socket can, and resolves to the milliseconds until its Pong. */
  ping?(): Promise<number>
  /** Stops reading, where the socket can; at most what is on its way within the process still comes. */
  pause(): void
  resume(): void
  /** Closes behind what was sent, or gives up connecting. The status was checked. */
  close(code?: number, reason?: string): void
}

/** What a StreamSocket tells of. No call is made before it has been returned. */
export interface StreamSocketEvents {
  /** With the header fields of the server's 101, where they are known. */
  open(headers?: HeaderFields): void
  /** Text as a string, binary as bytes that are the receiver's own. */
  message(message: string | Uint8Array): void
  drain(): void
  /** Once, and last, whether it was open or not. `error` says why it failed, as far as that is known. */
  close(result: CloseResult, error?: Error): void
}

/** Starts connecting. Throws what the standard throws for a URL or subprotocols that can't be used. */
export type OpenStreamSocket = (
  url: string,
  options: WebSocketStreamOptions,
  events: StreamSocketEvents,
) => StreamSocket

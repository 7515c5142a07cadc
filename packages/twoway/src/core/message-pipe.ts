import type { CloseResult } from './connection-types.js'

/**
 * The key of the method by which a stream takes over the messages of a socket. It is a symbol, as the sockets' own
 * interfaces, WHATWG's among them, have no such method.
 */
export const openPipe = Symbol('openPipe')

/** A socket of this package, of a client or a server. */
export interface Pipeable {
  /** Throws a UsageError if its messages go elsewhere already, or it is closed. */
  [openPipe](events: PipeEvents): MessagePipe
}

/** A socket as a stream sees it. */
export interface MessagePipe {
  /** Whether the opening handshake is done. If not, `open` follows. */
  readonly isOpen: boolean
  /**
   * Sends a message. Returns whether there is room for more; if not, `drain` follows. Throws a TransportError if the
   * connection does not take it, and a UsageError or TypeError for a value that is no message.
   */
  send(message: string | ArrayBuffer | ArrayBufferView): boolean
  /** Stops reading. Messages that have already been read may still arrive. */
  pause(): void
  resume(): void
  /** Starts the closing handshake with 1000, after all messages that were sent before, and reads on: the peer's Close must come. */
  close(): void
  /** Drops the connection. */
  terminate(): void
}

export interface PipeEvents {
  open(): void
  message(message: string | Uint8Array): void
  drain(): void
  /**
   * The last event. It has an error if the connection was not closed cleanly; made when it is asked for, as its stack takes
   * longer than all other work on a lost connection.
   */
  closed(result: CloseResult, error: (() => Error) | undefined): void
}

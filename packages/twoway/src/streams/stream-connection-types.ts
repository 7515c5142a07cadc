import type { CloseResult, SendResult } from '../core/connection-types.js'
import type { ProtocolError, TransportError } from '../core/errors.js'
import type { TextForm } from '../core/receiving/message-assembler.js'

/**
 * The handlers of a connection over a stream. Each may be left out. They are called as methods of their object. An error that
 * one throws propagates to the event of the stream, or the method, that called it.
 */
export interface StreamConnectionHandlers {
  /** A message arrived: a string, or bytes that the handler owns. `isText` tells texts that are delivered as bytes. */
  message?(message: string | Uint8Array, isText: boolean): void
  /** A Ping arrived. */
  ping?(payload: Uint8Array): void
  /** A Pong arrived. */
  pong?(payload: Uint8Array): void
  /** The peer's Close arrived: its code, 1005 if it has none, and its reason. It is answered after this call. */
  peerClose?(code: number, reason: string): void
  /** The connection leaves the open state. */
  closing?(): void
  /** After a `send` that returned 'buffered', no more than the high-water mark waits. */
  drain?(): void
  /** The peer broke a rule, or the network failed. `close` follows. */
  error?(error: ProtocolError | TransportError): void
  /** The stream is gone. The last call. */
  close?(result: CloseResult): void
}

export interface StreamConnectionOptions extends StreamConnectionHandlers {
  /** The side of this endpoint: a client masks its frames, RFC 6455 §5.1. */
  readonly role: 'client' | 'server'
  /**
   * The handlers, in place of those among the options.
   * @remarks Connections that share the class of such an object take less memory than those that each have handlers of their
   * own.
   */
  readonly handlers?: StreamConnectionHandlers | undefined
  /**
   * Whether the connection takes the handle of a stream that is a connected `net.Socket`, as `attach` does. This costs a
   * fraction of what Node's streams cost. Any other stream is left as it is.
   * @default false
   * @remarks A socket that gives its handle stays, with its addresses, options, timeout, `write`, `pause`, `resume`, `end`,
   * `destroy` and events, except that it emits no 'data' and can't be read any more. A TLSSocket keeps its handle, but can't
   * be read either.
   */
  readonly takesHandle?: boolean | undefined
  /**
   * Whether a socket whose handle is taken may be freed, so that an idle connection takes less memory. No other code may
   * have a reference to the socket then. The connection's `stream` is another in its place.
   * @default false
   * @remarks The socket sends without delay, as by its `setNoDelay`.
   */
  readonly freesSocket?: boolean | undefined
  /**
   * Whether short messages may be views of memory that they share with others, as those of `Buffer.allocUnsafe` are. This is
   * faster; the `buffer` of a message then has other bytes, too.
   * @default false
   */
  readonly pooledMessages?: boolean | undefined
  /** Bytes that were read from the stream after the opening handshake. The connection owns them. */
  readonly head?: Uint8Array | undefined
  /** The negotiated permessage-deflate, as `negotiateDeflate` returns it. Each serves one connection. */
  readonly deflate?: NegotiatedDeflate | undefined
  /**
   * How texts are delivered: as strings, as bytes whose UTF-8 was checked, or as bytes that were not checked.
   * @default 'string'
   */
  readonly textForm?: TextForm | undefined
  /**
   * Whether Pings are answered. With false, call `pong` for each, as §5.5.2 demands.
   * @default true
   */
  readonly answersPings?: boolean | undefined
  /**
   * Whether the Close for a peer that broke a rule explains the rule.
   * @default true
   */
  readonly explainsFailures?: boolean | undefined
  /**
   * Whether messages are still delivered between our Close and the peer's.
   * @default false
   */
  readonly deliversWhileClosing?: boolean | undefined
  /**
   * Returns the next masking key of a client, a 32-bit integer whose lowest byte masks the first byte. It must be
   * unpredictable, §5.3.
   * @default keys of the runtime's cryptographic source
   */
  readonly maskingKey?: (() => number) | undefined
  /**
   * Bytes of a received message, after decompression.
   * @default 1_048_576 (1 MiB)
   */
  readonly maxMessageBytes?: number | undefined
  /**
   * Milliseconds that the peer has to answer a Close and to end the stream.
   * @default 5_000
   */
  readonly closeTimeoutMs?: number | undefined
  /**
   * Bytes that may wait before `send` returns 'buffered'. While more wait, the stream is not read.
   * @default 65_536 (64 KiB)
   */
  readonly highWaterMarkBytes?: number | undefined
  /**
   * Bytes that may wait before the connection fails with 1013.
   * @default 1_048_576 (1 MiB)
   */
  readonly maxBufferedBytes?: number | undefined
}

/** The state of permessage-deflate for one connection. */
export interface NegotiatedDeflate {
  /** The value for Sec-WebSocket-Extensions; empty on a client. */
  readonly answer: string
  /** @internal */
  readonly extension: object
}

export interface StreamSendOptions {
  /**
   * Whether bytes are the UTF-8 of a text, which saves decoding them first. Bytes that are not UTF-8 are replaced by U+FFFD.
   * @default false
   */
  readonly isText?: boolean | undefined
  /** Whether to compress the message; by default `thresholdBytes` decides. */
  readonly compress?: boolean | undefined
  /**
   * Whether the message ends here. With false, the next call of `send` continues it, RFC 6455 §5.4. Fragments are
   * joined or cut as the network takes them.
   * @default true
   */
  readonly fin?: boolean | undefined
}

/** Called when the network has taken a message, or with the reason why it never will. */
export type Sent = (error?: Error) => void

/** A WebSocket connection over a stream, from after the opening handshake to its end. */
export interface StreamConnection {
  /** 'closing' from the first Close, or failure, on. */
  readonly state: 'open' | 'closing' | 'closed'
  readonly isPaused: boolean
  /** Bytes that are queued and not yet written to the stream. */
  readonly bufferedAmount: number
  /** Sends a message. Long bytes of a server are not copied: leave them unchanged until `sent` is called. */
  send(message: string | Uint8Array, options?: StreamSendOptions, sent?: Sent): SendResult
  /** Sends a Ping with at most 125 bytes. */
  ping(payload: Uint8Array, sent?: Sent): void
  /** Sends a Pong with at most 125 bytes. */
  pong(payload: Uint8Array, sent?: Sent): void
  /** Starts the closing handshake after all messages that were sent before. */
  close(code?: number, reason?: string): void
  /** Drops the stream. */
  terminate(): void
  pause(): void
  resume(): void
}

import { Connection } from '../core/connection.js'
import type { CloseResult, Conduct, ConnectionEvents, ConnectionPorts, SendResult } from '../core/connection-types.js'
import { type ProtocolError, TransportError, UsageError } from '../core/errors.js'
import type { Extension } from '../core/extensions/extension.js'
import { type Limits, serverLimits } from '../core/limits.js'
import type { TextForm } from '../core/receiving/message-assembler.js'
import type { MessageWriter } from '../core/sending/message-writer.js'
import { TextBytes } from '../core/sending/whole-message.js'
import type { Transport } from '../ports/transport.js'
import { TextDecoder } from './platform.js'

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
   * The handlers, in place of those among the options. Connections that share the class of such an object take less memory
   * than those that each have handlers of their own.
   */
  readonly handlers?: StreamConnectionHandlers | undefined
  /**
   * Whether the connection takes the handle of a stream that is a connected `net.Socket`, as `attach` does. This costs a
   * fraction of what Node's streams cost. The socket stays, with its addresses, options, timeout, `write`, `pause`, `resume`,
   * `end`, `destroy` and events, except that it emits no 'data' and can't be read any more. A TLSSocket keeps its handle, but
   * can't be read either. Any other stream is left as it is.
   * @default false
   */
  readonly takesHandle?: boolean | undefined
  /**
   * Whether a socket whose handle is taken may be freed, so that an idle connection takes less memory. No other code may
   * have a reference to the socket then. The connection's `stream` is another in its place.
   * @default false
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

/** A message that is being sent in fragments. */
interface Fragments {
  readonly writer: MessageWriter
  /** Decodes a text, whose characters the fragments may cut. Undefined for binary. */
  readonly decoder: TextDecoder | undefined
  written: Promise<void>
}

/** Runs the protocol over a transport whose opening handshake is done. */
export class TransportConnection implements StreamConnection {
  readonly #connection: Connection<TransportConnection>
  readonly #ports: ConnectionPorts
  readonly #handlers: StreamConnectionHandlers
  #waiting: Sent[] | undefined
  #callsBackSoon = false
  /** Fragments that are not framed yet. */
  #unframed = 0
  /** The reason why a fragment could not be framed. */
  #fault: Error | undefined
  #fragments: Fragments | undefined

  constructor(transport: Transport, options: StreamConnectionOptions, ports: ConnectionPorts) {
    const { role, deflate, textForm, maskingKey, handlers = options } = options
    this.#handlers = handlers
    this.#ports = ports
    this.#connection = new Connection<TransportConnection>({
      role,
      transport,
      ports: maskingKey === undefined ? ports : { ...ports, random: { bytes: ports.random.bytes, maskingKey } },
      limits: limitsOf(options),
      extension: deflate?.extension as Extension | undefined,
      textForm,
      conduct: conductOf(options),
      owner: this,
      events: TransportConnection.#events,
    })
    transport.start(this.#connection)
  }

  protected get transport(): Transport {
    return this.#connection.transport
  }

  get state(): 'open' | 'closing' | 'closed' {
    const { state } = this.#connection
    return state === 'open' || state === 'closed' ? state : 'closing'
  }

  get isPaused(): boolean {
    return this.#connection.isPaused
  }

  get bufferedAmount(): number {
    return this.#connection.waitingBytes
  }

  send(message: string | Uint8Array, options: StreamSendOptions = noOptions, sent?: Sent): SendResult {
    const connection = this.#connection
    const { compress, fin = true, isText = false } = options
    if (connection.state === 'open' && (!fin || this.#fragments !== undefined)) {
      this.#fragments ??= this.#beginMessage(isText || typeof message === 'string', compress)
      return this.#sendFragment(this.#fragments, message, fin, sent)
    }
    const whole = isText && typeof message !== 'string' ? this.#textMessage(message) : message
    const result = connection.send(whole, compress)
    if (sent !== undefined) this.#notify(result === 'closed' ? closed() : undefined, sent)
    return result
  }

  ping(payload: Uint8Array, sent?: Sent): void {
    this.#connection.ping(payload)
    if (sent !== undefined) this.#notify(undefined, sent)
  }

  pong(payload: Uint8Array, sent?: Sent): void {
    this.#connection.pong(payload)
    if (sent !== undefined) this.#notify(undefined, sent)
  }

  close(code?: number, reason?: string): void {
    const connection = this.#connection
    // A message whose last fragment was never given can't be waited for.
    if (this.#fragments !== undefined) connection.close(code, reason)
    else connection.afterPieces(() => connection.close(code, reason))
  }

  terminate(): void {
    this.#connection.terminate()
  }

  pause(): void {
    this.#connection.pause()
  }

  resume(): void {
    this.#connection.resume()
  }

  /** A text whose UTF-8 needs no decoding, unless it is malformed. */
  #textMessage(bytes: Uint8Array): string | TextBytes {
    const isValid = this.#ports.payload.validate(0, bytes, 0, bytes.length) === 0
    return isValid ? new TextBytes(bytes) : this.#textOf(bytes)
  }

  #textOf(message: string | Uint8Array): string {
    return typeof message === 'string' ? message : decoder.decode(message)
  }

  #sendFragment(fragments: Fragments, message: string | Uint8Array, fin: boolean, sent?: Sent): SendResult {
    const { writer, decoder } = fragments
    // The caller may change the bytes, and the writer may have to wait.
    const piece =
      typeof message === 'string' ? message : (decoder?.decode(message, { stream: !fin }) ?? message.slice())
    this.#unframed += 1
    if (sent !== undefined) this.#notify(undefined, sent)
    fragments.written = fragments.written.then(async () => {
      await writer.turn()
      await writer.write(piece)
      if (fin) writer.end()
      this.#unframed -= 1
      this.#callBackSoon()
    })
    fragments.written.catch((error: unknown) => {
      this.#fault ??= error as Error
      this.terminate()
    })
    if (fin) this.#fragments = undefined
    return 'sent'
  }

  #beginMessage(isText: boolean, compress: boolean | undefined): Fragments {
    const writer = this.#connection.sendInPieces({ type: isText ? 'text' : 'binary', compress }, () => {})
    const decoder = isText ? new TextDecoder('utf-8', { ignoreBOM: true }) : undefined
    return { writer, decoder, written: Promise.resolve() }
  }

  /** Calls back once nothing waits for the network, or soon with an error. */
  #notify(error: Error | undefined, sent: Sent): void {
    if (error !== undefined || this.#connection.state === 'closed') {
      this.#ports.clock.defer(() => sent(error ?? closed()))
      return
    }
    this.#waiting ??= []
    this.#waiting.push(sent)
    this.#callBackSoon()
  }

  /** In a tick of its own, for an error of a callback must not end the work in progress. All that was sent is written by then. */
  #callBackSoon(): void {
    if (this.#waiting === undefined || this.#callsBackSoon) return
    this.#callsBackSoon = true
    this.#ports.clock.defer(() => {
      this.#callsBackSoon = false
      this.#callBack()
    })
  }

  #callBack(): void {
    const connection = this.#connection
    // Once messages were dropped, the end of the connection tells which: none of those that wait is told before.
    if (connection.waitingBytes > 0 || connection.hasDropped || this.#unframed > 0) return
    this.#callAll(undefined)
  }

  /** Calls all that wait, in order, also those after one that throws. */
  #callAll(error: Error | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting === undefined) return
    let at = 0
    const callRest = (): void => {
      try {
        while (at < waiting.length) waiting[at++]!(error)
      } finally {
        if (at < waiting.length) this.#ports.clock.defer(callRest)
      }
    }
    callRest()
  }

  #finish(result: CloseResult): void {
    if (this.#waiting !== undefined) this.#ports.clock.defer(() => this.#callAll(this.#fault ?? closed()))
    this.#handlers.close?.(result)
  }

  /** Writes the frames of this turn now: other code is about to use the stream. */
  flush(): void {
    this.#connection.flush()
  }

  static readonly #events: ConnectionEvents<TransportConnection> = {
    message(owner, message) {
      owner.#handlers.message?.(message, typeof message === 'string' || owner.#connection.messageIsText)
    },
    ping(owner, payload) {
      owner.#handlers.ping?.(payload)
    },
    pong(owner, payload) {
      owner.#handlers.pong?.(payload)
    },
    peerClose(owner, { code, reason }) {
      owner.#handlers.peerClose?.(code, reason)
    },
    written(owner) {
      owner.#callBackSoon()
    },
    drain(owner) {
      owner.#handlers.drain?.()
    },
    closing(owner) {
      owner.#handlers.closing?.()
    },
    error(owner, error) {
      owner.#handlers.error?.(error)
    },
    closed(owner, result) {
      owner.#finish(result)
    },
  }
}

const noOptions: StreamSendOptions = {}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The limits of the last connection, which the next one mostly shares. */
let lastLimits: Limits = serverLimits

function limitsOf({
  maxMessageBytes = serverLimits.maxMessageBytes,
  closeTimeoutMs = serverLimits.closeTimeoutMs,
  highWaterMarkBytes = serverLimits.highWaterMarkBytes,
  maxBufferedBytes = serverLimits.maxBufferedBytes,
}: StreamConnectionOptions): Limits {
  const isLast =
    lastLimits.maxMessageBytes === maxMessageBytes &&
    lastLimits.closeTimeoutMs === closeTimeoutMs &&
    lastLimits.highWaterMarkBytes === highWaterMarkBytes &&
    lastLimits.maxBufferedBytes === maxBufferedBytes
  if (!isLast) {
    lastLimits = { ...serverLimits, maxMessageBytes, closeTimeoutMs, highWaterMarkBytes, maxBufferedBytes }
  }
  return lastLimits
}

/** The conducts by their three choices, so that connections share them. */
const conducts: Conduct[] = []

function conductOf({
  answersPings = true,
  explainsFailures = true,
  deliversWhileClosing = false,
}: StreamConnectionOptions): Conduct {
  const key = (answersPings ? 1 : 0) + (explainsFailures ? 2 : 0) + (deliversWhileClosing ? 4 : 0)
  conducts[key] ??= { answersPings, explainsFailures, deliversWhileClosing, whenBufferFull: 'close' }
  return conducts[key]
}

function closed(): TransportError {
  return new TransportError('the connection closed before the message was sent')
}

/** Throws a UsageError unless the role is one of the two. */
export function checkRole(role: unknown): asserts role is 'client' | 'server' {
  if (role !== 'client' && role !== 'server') {
    throw new UsageError('optionInvalid', "the option role must be 'client' or 'server'")
  }
}

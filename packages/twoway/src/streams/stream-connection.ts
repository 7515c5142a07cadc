import { Connection } from '../core/connection.js'
import type { CloseResult, Conduct, ConnectionEvents, ConnectionPorts, SendResult } from '../core/connection-types.js'
import { TransportError, UsageError } from '../core/errors.js'
import type { Extension } from '../core/extensions/extension.js'
import { type Limits, serverLimits } from '../core/limits.js'
import type { MessageWriter } from '../core/sending/message-writer.js'
import { TextBytes } from '../core/sending/whole-message.js'
import type { Transport } from '../ports/transport.js'
import { TextDecoder } from './platform.js'
import type {
  Sent,
  StreamConnection,
  StreamConnectionHandlers,
  StreamConnectionOptions,
  StreamSendOptions,
} from './stream-connection-types.js'

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

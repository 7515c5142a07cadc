import { EventEmitter } from 'node:events'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type CloseResult,
  type DuplexConnection,
  fromDuplex,
  ProtocolError,
  type StreamConnectionHandlers,
  type StreamSendOptions,
  type TransportError,
} from 'twoway/streams'
import { abortHandshake, type ClientOptions, type HandshakeOwner, openHandshake } from './client-handshake.js'
import { inForm, isBlob, toBuffer } from './data.js'
import { deflateName, type Extensions, noExtensions } from './deflate.js'
import { translate } from './errors.js'
import { addHandler, attributeOf, type EventSource, type Handler, removeHandler, setAttribute } from './events.js'
import { bufferLimits } from './safety.js'
import { type Callback, type FrameTarget, Sender } from './sender.js'
import type { SocketOptions } from './socket-options.js'

const readyStates = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const
const binaryTypes = ['nodebuffer', 'arraybuffer', 'fragments', 'blob']
const nothing = Buffer.alloc(0)

/** `maxPayload: 0` means no limit. zlib and V8 make no longer buffers. */
const longestMessage = 2 ** 31 - 1

export interface SendOptions {
  readonly binary?: boolean
  readonly compress?: boolean
  readonly fin?: boolean
  readonly mask?: boolean
}

/** The options that a WebSocket keeps: those of its server, or of its own. */
interface KeptOptions {
  readonly autoPong: boolean
  readonly maxPendingAutoPongs: number
  readonly closeTimeout: number
}

/** A server that lists its WebSockets. */
export interface ClientList {
  /** The WebSocket has closed. Called before the listeners of its 'close'. */
  forget(ws: WebSocket): void
}

/** ws's WebSocket: an EventEmitter with the methods of WHATWG's, on a client and on a server. */
export class WebSocket extends EventEmitter implements EventSource, FrameTarget, HandshakeOwner {
  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSING: 2
  declare static readonly CLOSED: 3
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSING: 2
  declare readonly CLOSED: 3

  _closeFrameReceived = false
  _closeFrameSent = false
  _extensions: Extensions = noExtensions
  readonly _isServer: boolean
  _protocol = ''
  _readyState: 0 | 1 | 2 | 3 = 0
  _req: ClientRequest | null = null
  _url: string | undefined
  _redirects = 0
  #binaryType = 'nodebuffer'
  #lostBytes = 0
  #isPaused = false
  #hasFailed = false
  /** No message is emitted any more. */
  #isTerminated = false
  readonly #options: KeptOptions
  #pendingAutoPongs = 0
  /** The list of the server that has this WebSocket. A listener of 'close' would cost each connection more memory. */
  #list: ClientList | undefined
  #connection: DuplexConnection | undefined
  /** The stream of the connection that has closed. */
  #formerStream: Duplex | null = null
  #receiver: EventEmitter | undefined
  #sender: Sender | undefined
  /** Blobs are being read. All that is sent later waits. */
  #reading: Promise<void> | undefined
  #readers = 0

  constructor(address: string | URL | null, protocols?: string | string[] | ClientOptions, options?: ClientOptions) {
    super()
    this._isServer = address === null
    if (address === null) {
      this.#options = keptOf(options ?? {})
    } else {
      const isOptions = typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)
      const given = isOptions ? protocols : options
      const names = isOptions || protocols === undefined ? (given?.protocols ?? []) : (protocols as string | string[])
      this.#options = keptOf(openHandshake(this, address, [names].flat(), given))
    }
  }

  get binaryType(): string {
    return this.#binaryType
  }

  set binaryType(type: string) {
    if (binaryTypes.includes(type)) this.#binaryType = type
  }

  get bufferedAmount(): number {
    return this.#lostBytes + (this.#connection?.bufferedAmount ?? 0)
  }

  get extensions(): string {
    return Object.keys(this._extensions).join()
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get protocol(): string {
    return this._protocol
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this._readyState
  }

  /** Undefined on a server. */
  get url(): string | undefined {
    return this._url
  }

  get _socket(): Duplex | null {
    return this.#connection?.stream ?? this.#formerStream
  }

  set _socket(value: Duplex | null) {
    Object.defineProperty(this, '_socket', { value, writable: true, enumerable: true, configurable: true })
  }

  /** Emits what the connection receives, before the WebSocket does. Made for the packages that ask for it. */
  get _receiver(): EventEmitter | null {
    if (this.#connection === undefined && this.#formerStream === null) return null
    this.#receiver ??= new EventEmitter().on('error', () => {})
    return this.#receiver
  }

  get _sender(): Sender | null {
    if (this.#connection === undefined && this.#formerStream === null) return null
    this.#sender ??= new Sender(this)
    return this.#sender
  }

  /**
   * Takes over the socket of a handshake that is done.
   * @param isOwned whether no other code has a reference to the socket
   */
  setSocket(socket: Duplex, head: Buffer | undefined, options: SocketOptions, isOwned = false): void {
    const { maxPayload = 0, generateMask, skipUTF8Validation } = options
    // A method would make a socket of an owned one, which may be hollow. Its server has set both.
    if (!isOwned) {
      const timed = socket as Partial<Socket>
      timed.setTimeout?.(0)
      timed.setNoDelay?.()
    }
    this.#connection = fromDuplex(socket, {
      role: this._isServer ? 'server' : 'client',
      head,
      takesHandle: isOwned || !isRead(socket),
      freesSocket: isOwned,
      handlers: new WebSocket.#Deliveries(this),
      pooledMessages: true,
      deflate: this._extensions[deflateName],
      textForm: skipUTF8Validation === true ? 'uncheckedBytes' : 'bytes',
      answersPings: false,
      explainsFailures: false,
      deliversWhileClosing: true,
      maskingKey: generateMask && maskingKeys(generateMask),
      maxMessageBytes: maxPayload > 0 ? maxPayload : longestMessage,
      closeTimeoutMs: this.#options.closeTimeout,
      ...bufferLimits(options.safe),
    })
    this._readyState = 1
    this.emit('open')
  }

  emitClose(code = 1006, reason: Buffer = nothing): void {
    this.#lostBytes = this.bufferedAmount
    this.#formerStream = this._socket
    this.#connection = undefined
    this.#receiver?.removeAllListeners()
    this._readyState = 3
    this.#list?.forget(this)
    this.#list = undefined
    this.emit('close', code, reason)
  }

  /** @internal */
  listedBy(list: ClientList): void {
    this.#list = list
  }

  close(code?: number, data?: string | Buffer): void {
    if (this._readyState === 3) return
    if (this._readyState === 0) {
      abortHandshake(this, this._req, closedEarly)
      return
    }
    if (this._readyState === 2) return
    const reason = checkedReason(code, data)
    this._readyState = 2
    this.#afterBlobs(() => this.#connection?.close(code, reason))
  }

  terminate(): void {
    if (this._readyState === 3) return
    if (this._readyState === 0) {
      abortHandshake(this, this._req, closedEarly)
      return
    }
    this._readyState = 2
    const connection = this.#connection
    // The messages of this turn are written at its end: ws has written them before.
    this.#isTerminated = true
    if (connection !== undefined && connection.bufferedAmount > 0) setImmediate(() => connection.terminate())
    else connection?.terminate()
  }

  pause(): void {
    if (this._readyState === 0 || this._readyState === 3) return
    this.#isPaused = true
    this.#connection?.pause()
  }

  resume(): void {
    if (this._readyState === 0 || this._readyState === 3) return
    this.#isPaused = false
    this.#connection?.resume()
  }

  ping(data?: unknown, mask?: boolean | Callback, callback?: Callback): void {
    this.#control('ping', data, mask, callback)
  }

  pong(data?: unknown, mask?: boolean | Callback, callback?: Callback): void {
    this.#control('pong', data, mask, callback)
  }

  send(data: unknown, options?: SendOptions | Callback, callback?: Callback): void {
    this.#throwIfConnecting()
    const then = typeof options === 'function' ? options : callback
    const value = typeof data === 'number' ? String(data) : data
    if (this._readyState !== 1) {
      this.#refuse(value, then)
      return
    }
    const {
      binary = typeof value !== 'string',
      compress = true,
      fin = true,
    } = typeof options === 'object' ? (options ?? usual) : usual
    if (typeof value === 'string') {
      this.#sendMessage(binary ? Buffer.from(value) : value, ways[wayOf(compress, fin, false)]!, then)
    } else if (isBlob(value)) {
      const how = ways[wayOf(compress, fin, !binary)]!
      this.#readBlob(value, (bytes) => this.#transmit(bytes, how, then), then)
    } else {
      this.#sendMessage(value ? toBuffer(value) : nothing, ways[wayOf(compress, fin, !binary)]!, then)
    }
  }

  #sendMessage(message: string | Buffer, how: StreamSendOptions, then: Callback | undefined): void {
    if (this.#reading === undefined) this.#transmit(message, how, then)
    else this.#afterBlobs(() => this.#transmit(message, how, then))
  }

  /** @internal */
  sendFrame(opcode: number, fin: boolean, payload: Buffer, callback: Callback | undefined): void {
    const connection = this.#connection
    if (connection === undefined || this._readyState !== 1) this.#refuse(payload, callback)
    else if (opcode === 8) this.close(payload.length >= 2 ? payload.readUInt16BE(0) : undefined, payload.subarray(2))
    else if (opcode === 9) connection.ping(payload, callback)
    else if (opcode === 10) connection.pong(payload, callback)
    else connection.send(payload, ways[wayOf(false, fin, opcode === 1)]!, callback)
  }

  addEventListener(type: string, handler: Handler, options: { readonly once?: boolean } = {}): void {
    addHandler(this, type, handler, options.once === true)
  }

  removeEventListener(type: string, handler: Handler): void {
    removeHandler(this, type, handler)
  }

  #control(kind: 'ping' | 'pong', data: unknown, mask: boolean | Callback | undefined, callback?: Callback): void {
    this.#throwIfConnecting()
    const then = [data, mask, callback].find((value) => typeof value === 'function') as Callback | undefined
    const given = typeof data === 'function' ? undefined : typeof data === 'number' ? String(data) : data
    if (this._readyState !== 1) {
      this.#refuse(given, then)
      return
    }
    const transmit = (payload: Buffer): void => {
      if (this.#connection === undefined) then?.(new Error(closedWhileReading))
      else this.#connection[kind](payload, then)
    }
    const content = isBlob(given) ? given : given ? toBuffer(given) : nothing
    const length = 'size' in content ? content.size : content.length
    if (length > 125) throw new RangeError('The data size must not be greater than 125 bytes')
    if (isBlob(content)) this.#readBlob(content, transmit, then)
    else this.#afterBlobs(() => transmit(content))
  }

  #throwIfConnecting(): void {
    if (this._readyState === 0) throw new Error('WebSocket is not open: readyState 0 (CONNECTING)')
  }

  /** Counts what can't be sent any more. */
  #refuse(data: unknown, callback: Callback | undefined): void {
    if (data) this.#lostBytes += isBlob(data) ? data.size : toBuffer(data).length
    if (callback === undefined) return
    const state = this._readyState
    process.nextTick(callback, new Error(`WebSocket is not open: readyState ${state} (${readyStates[state]})`))
  }

  /** Reads a Blob after those before it, and passes its bytes on. All that is sent later waits. */
  #readBlob(blob: Blob, use: (bytes: Buffer) => void, then: Callback | undefined): void {
    this.#readers += 1
    const before = this.#reading ?? Promise.resolve()
    const content = blob.arrayBuffer()
    content.catch(() => {})
    this.#reading = before.then(async () => {
      try {
        use(toBuffer(await content))
      } catch (error) {
        guarded(() => then?.(error as Error))
        this.#failToRead(error as Error)
      } finally {
        this.#readers -= 1
        if (this.#readers === 0) this.#reading = undefined
      }
    })
  }

  #transmit(message: string | Buffer, how: StreamSendOptions, then: Callback | undefined): void {
    if (this.#connection === undefined) then?.(new Error(closedWhileReading))
    else this.#connection.send(message, how, then)
  }

  /** A Blob could not be read: the messages after it would come without it. */
  #failToRead(error: Error): void {
    if (this._readyState === 3) return
    this.terminate()
    if (this.#hasFailed) return
    this.#hasFailed = true
    guarded(() => this.emit('error', error))
  }

  #afterBlobs(action: () => void): void {
    if (this.#reading === undefined) action()
    else this.#reading = this.#reading.then(action)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const isAsItIs = !isBinary || this.#binaryType === 'nodebuffer'
    const value = isAsItIs ? data : inForm(data, this.#binaryType)
    if (this.#receiver !== undefined) this.#receiver.emit('message', value, isBinary)
    this.emit('message', value, isBinary)
  }

  #answer(payload: Buffer): void {
    const { autoPong, maxPendingAutoPongs: most } = this.#options
    if (autoPong && this._readyState === 1) {
      if (most > 0 && this.#pendingAutoPongs >= most) {
        this.terminate()
      } else {
        this.#pendingAutoPongs += 1
        this.pong(payload, !this._isServer, () => {
          this.#pendingAutoPongs -= 1
        })
      }
    }
    this.#forward('ping', payload)
  }

  #forward(event: string, value: unknown): void {
    this.#receiver?.emit(event, value)
    this.emit(event, value)
  }

  /**
   * A peer that breaks a rule is told to the listeners of 'error'. Without one, the connection only closes: nothing that a
   * peer sends ends the process. ws does not tell of a connection that the network lost, so neither do we.
   */
  #fail(error: ProtocolError | TransportError): void {
    if (this.#hasFailed || (!(error instanceof ProtocolError) && error.code === 'connectionFailed')) return
    this.#hasFailed = true
    const told = error instanceof ProtocolError ? translate(error) : error
    this.#receiver?.emit('error', told)
    if (this.listenerCount('error') > 0) this.emit('error', told)
  }

  /** Calls a WebSocket for what its connection receives. Closures would cost each connection more memory. */
  static readonly #Deliveries = class implements StreamConnectionHandlers {
    readonly #ws: WebSocket

    constructor(ws: WebSocket) {
      this.#ws = ws
    }

    message(data: Buffer, isText: boolean): void {
      if (this.#ws.#isTerminated) return
      try {
        this.#ws.#receive(data, !isText)
      } catch (error) {
        throwSoon(error)
      }
    }

    ping(payload: Buffer): void {
      if (this.#ws.#isTerminated) return
      guarded(() => this.#ws.#answer(payload))
    }

    pong(payload: Buffer): void {
      if (this.#ws.#isTerminated) return
      guarded(() => this.#ws.#forward('pong', payload))
    }

    peerClose(code: number, reason: string): void {
      if (this.#ws._readyState < 2) this.#ws._readyState = 2
      this.#ws.#receiver?.emit('conclude', code, Buffer.from(reason))
    }

    closing(): void {
      if (this.#ws._readyState < 2) this.#ws._readyState = 2
    }

    error(error: ProtocolError | TransportError): void {
      guarded(() => this.#ws.#fail(error))
    }

    close({ code, reason, wasClean }: CloseResult): void {
      const ws = this.#ws
      ws._closeFrameReceived = code !== 1006
      ws._closeFrameSent = wasClean
      guarded(() => ws.emitClose(code, Buffer.from(reason)))
    }
  }
}

const closedWhileReading = 'The socket was closed while the blob was being read'
/** Errors of listeners are the program's: they reach 'uncaughtException', and the connection goes on. */
function throwSoon(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}

function guarded(action: () => void): void {
  try {
    action()
  } catch (error) {
    throwSoon(error)
  }
}

/** Whether the program reads the socket itself. Its handle can't be taken then. */
function isRead(socket: Duplex): boolean {
  return socket.listenerCount('data') > 0 || socket.listenerCount('readable') > 0
}

const usual: SendOptions = {}

/** The options that the last WebSocket keeps, which the next one mostly shares. */
let lastKept: KeptOptions = { autoPong: false, maxPendingAutoPongs: 0, closeTimeout: 30_000 }

function keptOf({ autoPong, maxPendingAutoPongs, closeTimeout = 30_000 }: Partial<KeptOptions>): KeptOptions {
  const kept = { autoPong: autoPong === true, maxPendingAutoPongs: (maxPendingAutoPongs ?? 0) | 0, closeTimeout }
  const isLast =
    lastKept.autoPong === kept.autoPong &&
    lastKept.maxPendingAutoPongs === kept.maxPendingAutoPongs &&
    lastKept.closeTimeout === closeTimeout
  if (!isLast) lastKept = kept
  return lastKept
}

/** The ways of sending, by `wayOf`: one object for each, because each message needs one. */
const ways: readonly StreamSendOptions[] = [false, true].flatMap((isText) =>
  [false, true].flatMap((fin) => [false, undefined].map((compress) => ({ compress, fin, isText }))),
)

/** Compression that is not refused is left to the threshold. */
function wayOf(compress: boolean, fin: boolean, isText: boolean): number {
  return (compress ? 1 : 0) + (fin ? 2 : 0) + (isText ? 4 : 0)
}

const closedEarly = 'WebSocket was closed before the connection was established'

for (const { 0: value, 1: name } of Array.from(readyStates.entries())) {
  Object.defineProperty(WebSocket, name, { enumerable: true, value })
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true, value })
}
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url']) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true })
}
for (const type of ['open', 'error', 'close', 'message']) {
  Object.defineProperty(WebSocket.prototype, `on${type}`, {
    enumerable: true,
    get(this: WebSocket) {
      return attributeOf(this, type)
    },
    set(this: WebSocket, handler: unknown) {
      setAttribute(this, type, handler)
    },
  })
}

function maskingKeys(generateMask: (mask: Buffer) => void): () => number {
  const mask = Buffer.alloc(4)
  return () => {
    generateMask(mask)
    return mask.readInt32LE(0)
  }
}

/** Checks the arguments of `close` as ws does, and returns the reason. */
function checkedReason(code: unknown, data: unknown): string {
  if (code === undefined) return ''
  if (typeof code !== 'number' || !isSendable(code)) {
    throw new TypeError('First argument must be a valid error code number')
  }
  if (data === undefined) return ''
  if (typeof data !== 'string' && !ArrayBuffer.isView(data)) {
    throw new TypeError('Second argument must be a string or a Uint8Array')
  }
  const reason = toBuffer(data)
  if (reason.length > 123) throw new RangeError('The message must not be greater than 123 bytes')
  return reason.toString()
}

function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
}

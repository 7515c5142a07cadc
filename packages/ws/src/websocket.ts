import { EventEmitter } from 'node:events'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  fromDuplex,
  ProtocolError,
  type StreamConnection,
  type StreamSendOptions,
  type TransportError,
} from 'twoway/streams'
import { abortHandshake, type ClientOptions, type HandshakeOwner, openHandshake } from './client-handshake.js'
import { inForm, isBlob, toBuffer } from './data.js'
import { deflateName, type Extensions } from './deflate.js'
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

/** The options that a server passes on to its WebSockets. */
interface ServerSideOptions {
  readonly autoPong?: boolean
  readonly maxPendingAutoPongs?: number
  readonly closeTimeout?: number
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
  _extensions: Extensions = {}
  readonly _isServer: boolean
  _protocol = ''
  _readyState: 0 | 1 | 2 | 3 = 0
  /** Emits what the connection receives, before the WebSocket does. */
  _receiver: EventEmitter | null = null
  _req: ClientRequest | null = null
  _sender: Sender | null = null
  _socket: Duplex | null = null
  _url: string | undefined
  _redirects = 0
  #binaryType = 'nodebuffer'
  #lostBytes = 0
  #isPaused = false
  #hasFailed = false
  readonly #autoPong: boolean
  readonly #maxPendingAutoPongs: number
  #pendingAutoPongs = 0
  readonly #closeTimeout: number
  #connection: StreamConnection | undefined
  /** Blobs are being read. All that is sent later waits. */
  #reading: Promise<void> | undefined
  #readers = 0

  constructor(address: string | URL | null, protocols?: string | string[] | ClientOptions, options?: ClientOptions) {
    super()
    this._isServer = address === null
    let settings: ServerSideOptions
    if (address === null) {
      settings = options ?? {}
    } else {
      const isOptions = typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)
      const given = isOptions ? protocols : options
      const names = isOptions || protocols === undefined ? (given?.protocols ?? []) : (protocols as string | string[])
      settings = openHandshake(this, address, [names].flat(), given)
    }
    this.#autoPong = settings.autoPong === true
    this.#maxPendingAutoPongs = (settings.maxPendingAutoPongs ?? 0) | 0
    this.#closeTimeout = settings.closeTimeout ?? 30_000
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

  /** Takes over the socket of a handshake that is done. */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions): void {
    const { maxPayload = 0, generateMask, skipUTF8Validation } = options
    const timed = socket as Partial<Socket>
    timed.setTimeout?.(0)
    timed.setNoDelay?.()
    this._socket = socket
    this._receiver = new EventEmitter()
    this._receiver.on('error', () => {})
    this._sender = new Sender(this)
    this.#connection = fromDuplex(socket, {
      role: this._isServer ? 'server' : 'client',
      head,
      deflate: this._extensions[deflateName],
      textForm: skipUTF8Validation === true ? 'uncheckedBytes' : 'bytes',
      answersPings: false,
      explainsFailures: false,
      deliversWhileClosing: true,
      maskingKey: generateMask && maskingKeys(generateMask),
      maxMessageBytes: maxPayload > 0 ? maxPayload : longestMessage,
      closeTimeoutMs: this.#closeTimeout,
      ...bufferLimits(options.safe),
      message: (data, isText) => this.#guard(() => this.#receive(data as Buffer, !isText)),
      ping: (payload) => this.#guard(() => this.#answer(payload as Buffer)),
      pong: (payload) => this.#guard(() => this.#forward('pong', payload)),
      peerClose: (code, reason) => {
        if (this._readyState < 2) this._readyState = 2
        this._receiver?.emit('conclude', code, Buffer.from(reason))
      },
      closing: () => {
        if (this._readyState < 2) this._readyState = 2
      },
      error: (error) => this.#guard(() => this.#fail(error)),
      close: ({ code, reason, wasClean }) => {
        this._closeFrameReceived = code !== 1006
        this._closeFrameSent = wasClean
        this.#guard(() => this.emitClose(code, Buffer.from(reason)))
      },
    })
    this._readyState = 1
    this.emit('open')
  }

  emitClose(code = 1006, reason: Buffer = nothing): void {
    this.#lostBytes = this.bufferedAmount
    this.#connection = undefined
    this._receiver?.removeAllListeners()
    this._readyState = 3
    this.emit('close', code, reason)
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
    this.#connection?.terminate()
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
    const given = typeof options === 'function' ? undefined : options
    const { binary = typeof value !== 'string', compress = true, fin = true } = given ?? {}
    const how = { compress: compress ? undefined : false, fin }
    if (isBlob(value)) {
      this.#readBlob(value, (bytes) => this.#transmit(bytesOr(bytes, binary), how, then), then)
      return
    }
    // The bytes of a text are sent as a text, and a text as bytes, if the caller says so.
    const content = value || (binary ? nothing : '')
    const message = typeof content === 'string' ? (binary ? Buffer.from(content) : content) : bytesOr(content, binary)
    this.#afterBlobs(() => this.#transmit(message, how, then))
  }

  /** @internal */
  sendFrame(opcode: number, fin: boolean, payload: Buffer, callback: Callback | undefined): void {
    const connection = this.#connection
    if (connection === undefined || this._readyState !== 1) this.#refuse(payload, callback)
    else if (opcode === 8) this.close(payload.length >= 2 ? payload.readUInt16BE(0) : undefined, payload.subarray(2))
    else if (opcode === 9) connection.ping(payload, callback)
    else if (opcode === 10) connection.pong(payload, callback)
    else connection.send(opcode === 1 ? payload.toString() : payload, { compress: false, fin }, callback)
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
        this.#guard(() => then?.(error as Error))
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
    this.#guard(() => this.emit('error', error))
  }

  #afterBlobs(action: () => void): void {
    if (this.#reading === undefined) action()
    else this.#reading = this.#reading.then(action)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const message = isBinary || this.#binaryType === 'fragments' ? inForm(data, this.#binaryType) : data
    const value = isBinary ? message : data
    if (this._receiver!.listenerCount('message') > 0) this._receiver!.emit('message', value, isBinary)
    this.emit('message', value, isBinary)
  }

  #answer(payload: Buffer): void {
    if (this.#autoPong && this._readyState === 1) {
      if (this.#maxPendingAutoPongs > 0 && this.#pendingAutoPongs >= this.#maxPendingAutoPongs) {
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
    this._receiver!.emit(event, value)
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
    this._receiver!.emit('error', told)
    if (this.listenerCount('error') > 0) this.emit('error', told)
  }

  /** Errors of listeners are the program's: they reach 'uncaughtException', and the connection goes on. */
  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}

const closedWhileReading = 'The socket was closed while the blob was being read'
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

function bytesOr(content: unknown, binary: boolean): string | Buffer {
  const bytes = toBuffer(content)
  return binary ? bytes : bytes.toString()
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

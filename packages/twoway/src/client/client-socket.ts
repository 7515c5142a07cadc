import { type CloseResult, Connection, type ConnectionEvents, type ConnectionPorts } from '../core/connection.js'
import { type HandshakeError, type ProtocolError, TransportError, UsageError } from '../core/errors.js'
import type { ExtensionNegotiator } from '../core/extensions/extension.js'
import { formatExtensions } from '../core/extensions/extension-header.js'
import { frameHeaderSize } from '../core/frames/frame-header.js'
import { encodeBase64 } from '../core/handshake/base64.js'
import { ClientHandshake } from '../core/handshake/client-handshake.js'
import { encodeUtf8 } from '../core/handshake/encode-utf8.js'
import { clientLimits, type Limits } from '../core/limits.js'
import type { Connector } from '../ports/connector.js'
import { type OpenedConnection, Opening } from './opening.js'
import { UnsentMessages } from './unsent-messages.js'
import type { WebSocketOptions } from './websocket-types.js'

/** What a client needs of its runtime. */
export interface ClientPorts extends ConnectionPorts {
  readonly connector: Connector
  readonly negotiators: readonly ExtensionNegotiator[]
}

/** The four states of the standard, by their numbers. */
export const ReadyState = { connecting: 0, open: 1, closing: 2, closed: 3 } as const
export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState]

export interface ClientSocketEvents {
  open(): void
  message(message: string | Uint8Array): void
  /** Once, and last. `error` is there where the connection failed. */
  close(result: CloseResult, error: ClientError | undefined): void
}

export type ClientError = HandshakeError | ProtocolError | TransportError | Error

const abnormal: CloseResult = { code: 1006, reason: '', wasClean: false }

/**
 * A client's connection from its opening handshake to its end, in the terms of the WHATWG standard but without its
 * interface: ready states, messages sent in order though a Blob has to be read first, the buffered amount.
 */
export class ClientSocket {
  protocol = ''
  extensions = ''
  readonly #ports: ClientPorts
  readonly #limits: Limits
  readonly #events: ClientSocketEvents
  readonly #opening: Opening
  readonly #unsent = new UnsentMessages()
  #readyState: ReadyState = ReadyState.connecting
  #connection: Connection<ClientSocket> | undefined
  #queue: QueuedMessage[] = []
  #queuedBytes = 0
  /** Octets of messages that were passed to `send` and never will go. */
  #lostBytes = 0
  /** What `#handedOverBytes` was before the first message of this task, while one was sent in it. */
  #handedOver: number | undefined
  #closeAfterQueue: (() => void) | undefined
  #error: ClientError | undefined

  /** Throws a UsageError for options that can't be used. */
  constructor(
    ports: ClientPorts,
    url: URL,
    protocols: readonly string[],
    options: WebSocketOptions,
    events: ClientSocketEvents,
  ) {
    this.#ports = ports
    this.#limits = limitsOf(options)
    this.#events = events
    const handshake = new ClientHandshake({
      host: url.host,
      target: url.pathname + url.search,
      key: encodeBase64(ports.random.bytes(16)),
      protocols,
      extensions: ports.negotiators.flatMap(({ offers }) => offers),
      fields: fieldsOf(url, options),
      origin: options.origin,
      limits: this.#limits,
    })
    const secure = url.protocol === 'wss:'
    const transport = ports.connector.connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
      tls: secure ? options : undefined,
    })
    this.#opening = new Opening({
      handshake,
      transport,
      negotiators: ports.negotiators,
      clock: ports.clock,
      timeoutMs: this.#limits.handshakeTimeoutMs,
      signal: options.signal,
      events: {
        opened: (opened, rest, start, end) => this.#open(opened, rest, start, end),
        failed: (error) => {
          this.#error ??= error
          this.#finish(abnormal)
        },
      },
    })
  }

  get readyState(): ReadyState {
    return this.#readyState
  }

  /** Octets of messages passed to `send` and not handed to the network; does not fall when the connection closes. */
  get bufferedAmount(): number {
    return this.#lostBytes + this.#queuedBytes + this.#unsentBytes()
  }

  /** Sends a message, or counts it as lost where the connection no longer is open. Bytes are not kept. */
  send(message: QueuedMessage): void {
    if (this.#readyState !== ReadyState.open) {
      this.#lostBytes += this.#lengthOf(message)
    } else if (this.#queue.length === 0 && !(message instanceof Blob)) {
      this.#transmit(message)
    } else {
      this.#queuedBytes += this.#lengthOf(message)
      this.#queue.push(message instanceof Uint8Array ? this.#ports.payload.copy(message, 0, message.length) : message)
      if (this.#queue.length === 1) void this.#sendQueued()
    }
  }

  /** Starts closing, behind what was sent before. The status was checked by the caller. */
  close(code: number | undefined, reason: string): void {
    if (this.#readyState >= ReadyState.closing) return
    const wasConnecting = this.#readyState === ReadyState.connecting
    this.#readyState = ReadyState.closing
    if (wasConnecting) {
      this.#opening.fail(new TransportError('close() was called before the connection stood'))
    } else if (this.#queue.length > 0) {
      this.#closeAfterQueue = () => this.#connection!.close(code, reason)
    } else {
      this.#connection!.close(code, reason)
    }
  }

  #open({ transport, answer, extension }: OpenedConnection, rest: Uint8Array, start: number, end: number): void {
    const connection = new Connection({
      role: 'client',
      transport,
      ports: this.#ports,
      limits: this.#limits,
      whenBufferFull: 'drop',
      extension,
      owner: this,
      events: ClientSocket.#connectionEvents,
    })
    this.#connection = connection
    this.#readyState = ReadyState.open
    this.protocol = answer.protocol
    this.extensions = formatExtensions(answer.extensions)
    transport.start(connection)
    // The standard queues a task for each event: code that waits for `open` by a promise is in time for the messages.
    connection.pause()
    connection.received(rest, start, end)
    this.#ports.clock.task(() => connection.resume())
    this.#events.open()
  }

  static readonly #connectionEvents: ConnectionEvents<ClientSocket> = {
    message(socket, message) {
      if (socket.#readyState === ReadyState.open) socket.#events.message(message)
    },
    drain() {},
    closing(socket) {
      socket.#readyState = ReadyState.closing
    },
    error(socket, error) {
      socket.#error = error
    },
    closed(socket, result) {
      socket.#finish(result)
    },
  }

  #finish(result: CloseResult): void {
    this.#readyState = ReadyState.closed
    this.#lostBytes = this.bufferedAmount
    this.#queue = []
    this.#queuedBytes = 0
    this.#connection = undefined
    this.#events.close(result, this.#error)
  }

  #transmit(message: string | Uint8Array): void {
    const connection = this.#connection!
    this.#holdBufferedAmount()
    const before = connection.appendedBytes
    connection.send(message)
    const frameLength = connection.appendedBytes - before
    this.#unsent.add(connection.appendedBytes, frameLength - headerOf(frameLength))
  }

  /** The standard's bufferedAmount does not fall within a task: what a task sends counts in full until its end. */
  #holdBufferedAmount(): void {
    if (this.#handedOver !== undefined) return
    this.#handedOver = this.#handedOverBytes()
    this.#ports.clock.task(() => {
      this.#handedOver = undefined
      this.#unsentBytes()
    })
  }

  /** A Blob has to be read first; what was sent behind it waits its turn. */
  async #sendQueued(): Promise<void> {
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      let bytes: string | Uint8Array
      try {
        bytes = message instanceof Blob ? new Uint8Array(await message.arrayBuffer()) : message
      } catch (error) {
        this.#error = new Error('a Blob passed to send() could not be read', { cause: error })
        this.#connection?.fail(1011, 'a message could not be read')
        return
      }
      if (this.#connection === undefined || this.#connection.state !== 'open') return
      this.#queue.shift()
      this.#queuedBytes -= this.#lengthOf(message)
      this.#transmit(bytes)
    }
    this.#closeAfterQueue?.()
  }

  #unsentBytes(): number {
    return this.#connection === undefined ? 0 : this.#unsent.payloadBeyond(this.#handedOver ?? this.#handedOverBytes())
  }

  /** Octets of frames that the network has taken since the start. */
  #handedOverBytes(): number {
    return this.#connection!.appendedBytes - this.#connection!.waitingBytes
  }

  #lengthOf(message: QueuedMessage): number {
    if (typeof message === 'string') return this.#ports.payload.byteLength(message)
    return message instanceof Blob ? message.size : message.length
  }
}

type QueuedMessage = string | Uint8Array | Blob

/** The size of the header of a client's frame of this length in all. */
function headerOf(frameLength: number): number {
  return [6, 8].find((size) => frameHeaderSize(frameLength - size, true) === size) ?? 14
}

function limitsOf(options: WebSocketOptions): Limits {
  const limits: Record<keyof Limits, number> = { ...clientLimits }
  for (const name of ['maxMessageBytes', 'handshakeTimeoutMs', 'closeTimeoutMs'] as const) {
    const value = options[name]
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError('optionInvalid', `${name} must be an integer above 0, not ${String(value)}`)
    }
    limits[name] = value
  }
  return limits
}

/** The caller's header fields, and the URL's user and password as Basic authentication, RFC 7617. */
function fieldsOf(url: URL, { headers = {} }: WebSocketOptions): string[] {
  const entries = Symbol.iterator in headers ? [...headers] : Object.entries(headers)
  const fields = entries.flat()
  if (url.username === '' && url.password === '') return fields
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return ['Authorization', `Basic ${encodeBase64(encodeUtf8(credentials))}`, ...fields]
}

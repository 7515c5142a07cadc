import { Connection, usualConduct } from '../../core/connection.js'
import type { CloseResult, Conduct, ConnectionEvents, ConnectionPorts } from '../../core/connection-types.js'
import { type HandshakeError, type ProtocolError, TransportError } from '../../core/errors.js'
import { formatExtensions } from '../../core/extensions/extension-header.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import type { Limits } from '../../core/limits.js'
import { textToBytes } from '../../core/payload/text-to-bytes.js'
import type { Timer } from '../../ports/clock.js'
import type { ClientSettings } from '../connecting/client-settings.js'
import { Connecting, type ConnectingPorts } from '../connecting/connecting.js'
import type { OpenedConnection } from '../connecting/opening.js'
import { EventTasks, type EventTasksOwner } from './event-tasks.js'
import { readBlob, sizeOfBlob } from './message-data.js'
import { closedBeforePong, PendingPings } from './pending-pings.js'

/** The ports that a client needs. */
export interface ClientPorts extends ConnectionPorts, ConnectingPorts {}

/** The four ready states of the standard. */
export const ReadyState = { connecting: 0, open: 1, closing: 2, closed: 3 } as const
export type ReadyState = (typeof ReadyState)[keyof typeof ReadyState]

/** The events of a client's connection. Each is called in a separate task, as the standard queues one: §4. */
export interface ClientSocketEvents {
  /** Calls the events at once instead, for a WebSocketStream, which has promises and a queue and pauses in time. */
  readonly atOnce?: true
  /** Has the header fields of the server's 101. */
  open(headers: HeaderFields): void
  message(message: string | Uint8Array): void
  /** There is room again after a `send` that left none. Not in a separate task. */
  drain?(): void
  /** The connection failed, before or after it was open. `close` follows. */
  failed?(error: ClientError): void
  /** The last event. It has an `error` if the connection was not closed cleanly. */
  close(result: CloseResult, error: ClientError | undefined): void
}

export type ClientError = HandshakeError | ProtocolError | TransportError | Error

const clientConduct: Conduct = { ...usualConduct, whenBufferFull: 'drop' }

const abnormal: CloseResult = { code: 1006, reason: '', wasClean: false }

/**
 * A client's connection from its opening handshake to its end, in the terms of the WHATWG standard but without its
 * interface: ready states, the buffered amount, and messages that keep their order even if a Blob must be read first.
 */
export class ClientSocket implements EventTasksOwner<SocketEvent> {
  protocol = ''
  extensions = ''
  readonly #ports: ClientPorts
  readonly #limits: Limits
  readonly #events: ClientSocketEvents
  readonly #tasks: Pick<EventTasks<SocketEvent>, 'add'>
  /** Until it is open. */
  #connecting: Connecting | undefined
  #readyState: ReadyState = ReadyState.connecting
  #connection: Connection<ClientSocket> | undefined
  /** Bytes of messages that were passed to `send` and will never be sent. */
  #lostBytes = 0
  /** The Blobs that are not read yet, each with the function that takes its bytes. */
  #blobs: { readonly blob: Blob; readonly read: (bytes: Uint8Array) => void }[] = []
  #closeAfterBlobs: (() => void) | undefined
  #blobTimer: Timer | undefined
  #pings: PendingPings | undefined
  #error: ClientError | undefined

  constructor(
    ports: ClientPorts,
    url: URL,
    protocols: readonly string[],
    settings: ClientSettings,
    events: ClientSocketEvents,
  ) {
    this.#ports = ports
    this.#limits = settings.limits
    this.#events = events
    this.#tasks = events.atOnce ? { add: (event) => this.runEvent(event) } : new EventTasks(ports.clock, this)
    this.#connecting = new Connecting({
      ports,
      settings,
      url,
      protocols,
      events: {
        opened: (opened, rest, start, end) => this.#open(opened, rest, start, end),
        // In a separate task, because the caller may have caused it just now, by close() or a signal.
        failed: (error) => {
          ports.clock.task(() => {
            this.#error ??= error
            this.#finish(abnormal)
          })
        },
      },
    })
  }

  get readyState(): ReadyState {
    return this.#readyState
  }

  /**
   * Bytes of messages that were passed to `send` and are not yet written to the network: payloads before compression. It does
   * not fall within a task, nor when the connection closes.
   */
  get bufferedAmount(): number {
    return this.#lostBytes + (this.#connection?.unsentBytes ?? 0)
  }

  /** Whether at most the high-water mark waits for the network. */
  get hasRoom(): boolean {
    return this.#connection === undefined || this.#connection.waitingBytes <= this.#limits.highWaterMarkBytes
  }

  /** Stops reading. Messages that have already been read still arrive. */
  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  /** Sends a message, or only counts it if the connection is no longer open. The bytes are copied. */
  send(message: string | Uint8Array | Blob): void {
    const connection = this.#connection
    if (this.#readyState !== ReadyState.open || connection?.state !== 'open') {
      this.#lostBytes += this.#lengthOf(message)
    } else if (typeof message === 'string' || ArrayBuffer.isView(message)) {
      connection.send(message)
    } else {
      this.#blobs.push({ blob: message, read: connection.sendLater(sizeOfBlob(message)!) })
      if (this.#blobs.length === 1) void this.#readBlobs(connection)
    }
  }

  /** Sends a Ping, and resolves to the milliseconds until its Pong. */
  ping(): Promise<number> {
    const connection = this.#connection
    if (connection?.state !== 'open') return Promise.reject(closedBeforePong())
    const { clock, payload } = this.#ports
    this.#pings ??= new PendingPings(clock, (text) => connection.ping(textToBytes(payload, text)))
    return this.#pings.add()
  }

  /** Starts closing, after all messages that were sent before. The caller has checked code and reason. */
  close(code: number | undefined, reason: string): void {
    if (this.#readyState >= ReadyState.closing) return
    const wasConnecting = this.#readyState === ReadyState.connecting
    this.#readyState = ReadyState.closing
    if (wasConnecting) {
      this.#connecting?.fail(new TransportError('close() was called before the connection was open'))
    } else if (this.#blobs.length > 0) {
      this.#closeAfterBlobs = () => this.#connection?.close(code, reason)
      this.#limitReading()
    } else {
      this.#connection?.close(code, reason)
    }
  }

  /** Drops the connection. */
  terminate(): void {
    if (this.#readyState === ReadyState.connecting) this.close(undefined, '')
    else this.#connection?.terminate()
  }

  #open({ transport, answer, extension }: OpenedConnection, rest: Uint8Array, start: number, end: number): void {
    const connection = new Connection({
      role: 'client',
      transport,
      ports: this.#ports,
      limits: this.#limits,
      extension,
      conduct: clientConduct,
      owner: this,
      events: ClientSocket.#connectionEvents,
    })
    this.#connection = connection
    this.#connecting = undefined
    transport.start(connection)
    // §4, "the WebSocket connection is established"
    this.#tasks.add(() => {
      // 1. The state is OPEN.
      this.#readyState = ReadyState.open
      // 2. The extensions are those in use.
      this.extensions = formatExtensions(answer.extensions)
      // 3. The protocol is the subprotocol in use.
      this.protocol = answer.protocol
      // 4. An event `open` is fired.
      this.#events.open(answer.headers)
    })
    if (start === end) return
    // Parsed after the `open` event, so that a message before a violation can still be answered.
    if (!this.#events.atOnce) {
      connection.pause()
      this.#ports.clock.task(() => connection.resume())
    }
    connection.received(rest, start, end)
  }

  static readonly #connectionEvents: ConnectionEvents<ClientSocket> = {
    message(socket, message) {
      socket.#tasks.add(message)
    },
    drain(socket) {
      socket.#events.drain?.()
    },
    pong(socket, payload) {
      socket.#pings?.answer(payload)
    },
    // §4, "the WebSocket closing handshake is started": in a task, the state changes to CLOSING.
    closing(socket) {
      if (socket.#readyState >= ReadyState.closing) return
      socket.#tasks.add(() => {
        if (socket.#readyState < ReadyState.closing) socket.#readyState = ReadyState.closing
      })
    },
    error(socket, error) {
      socket.#error = error
    },
    closed(socket, result) {
      socket.#finish(result)
    },
  }

  get sentBytes(): number {
    return this.#connection?.framedBytes ?? 0
  }

  runEvent(event: SocketEvent): void {
    if (typeof event === 'function') event()
    // §4, "a WebSocket message has been received", 1.: nothing happens unless the state still is OPEN.
    else if (this.#readyState === ReadyState.open) this.#events.message(event)
  }

  cork(): void {
    this.#connection?.cork()
  }

  uncork(): void {
    this.#connection?.uncork()
  }

  /** The transport is gone. The resulting events come after those that still wait. */
  #finish(result: CloseResult): void {
    this.#blobTimer?.cancel()
    this.#lostBytes = this.bufferedAmount
    this.#blobs = []
    this.#connection = undefined
    this.#pings?.fail()
    const error = this.#error ?? (result.wasClean ? undefined : lost())
    const close = (): void => this.#events.close(result, error)
    // §4, "the WebSocket connection is closed"
    this.#tasks.add(() => {
      // 1. The state is CLOSED.
      this.#readyState = ReadyState.closed
      // 2. Where the connection was to fail, an event `error` is fired. RFC 6455 §7.2.1: it is to, where it is lost.
      if (error !== undefined) this.#events.failed?.(error)
      // 3. An event `close` is fired.
      else close()
    })
    // One task in the standard, but promises run between two events: browsers let them, after each listener.
    if (error !== undefined) this.#tasks.add(close)
  }

  /** Reads the Blobs that were sent, one after the other. */
  async #readBlobs(connection: Connection<ClientSocket>): Promise<void> {
    for (let next = this.#blobs[0]; next !== undefined; next = this.#blobs[0]) {
      try {
        next.read(await readBlob(next.blob))
      } catch (error) {
        this.#failReading(new Error('a Blob passed to send() could not be read', { cause: error }))
        return
      }
      if (connection.state !== 'open') return
      if (this.#closeAfterBlobs !== undefined) this.#limitReading()
      this.#blobs.shift()
    }
    this.#blobTimer?.cancel()
    this.#closeAfterBlobs?.()
  }

  /** In the standard the Close waits for earlier messages. For a Blob that can't be read, this has a time limit. */
  #limitReading(): void {
    const { closeTimeoutMs } = this.#limits
    this.#blobTimer?.cancel()
    this.#blobTimer = this.#ports.clock.after(closeTimeoutMs, () => {
      this.#failReading(new Error(`a Blob passed to send() was not read within ${closeTimeoutMs} ms of close()`))
    })
  }

  #failReading(error: Error): void {
    this.#error = error
    this.#connection?.fail(1011, 'a message could not be read')
  }

  #lengthOf(message: string | Uint8Array | Blob): number {
    if (typeof message === 'string') return this.#ports.payload.byteLength(message)
    return ArrayBuffer.isView(message) ? message.length : sizeOfBlob(message)!
  }
}

/** A message that has arrived, or another event. */
type SocketEvent = string | Uint8Array | (() => void)

function lost(): TransportError {
  return new TransportError('the connection was lost before both sides had closed it')
}

import { Connection, type ConnectionEvents, type SendResult } from '../core/connection.js'
import { UsageError } from '../core/errors.js'
import type { Extension } from '../core/extensions/extension.js'
import type { Payload } from '../ports/payload.js'
import type { Transport } from '../ports/transport.js'
import type { IncomingRequest } from './incoming-request.js'
import type { ServerSettings } from './server-settings.js'
import type { ServerSocket } from './server-types.js'

/** What a handshake that was accepted makes a connection of. */
export interface AcceptedHandshake<Data> {
  readonly transport: Transport
  readonly request: IncomingRequest
  readonly data: Data
  readonly protocol: string
  /** The value of Sec-WebSocket-Extensions, '' for none. */
  readonly extensions: string
  readonly extension: Extension | undefined
}

/** A server's connection, as its user's handlers see it. */
export class ServerConnection<Data> implements ServerSocket<Data> {
  data: Data
  readonly request: IncomingRequest
  readonly protocol: string
  readonly extensions: string
  readonly #payload: Payload
  readonly #connection: Connection<ServerConnection<Data>>

  constructor(
    { ports, limits, whenBufferFull }: ServerSettings<Data>,
    accepted: AcceptedHandshake<Data>,
    events: ConnectionEvents<ServerConnection<Data>>,
  ) {
    const { transport, extension } = accepted
    this.data = accepted.data
    this.request = accepted.request
    this.protocol = accepted.protocol
    this.extensions = accepted.extensions
    this.#payload = ports.payload
    this.#connection = new Connection({
      role: 'server',
      transport,
      ports,
      limits,
      whenBufferFull,
      extension,
      owner: this,
      events,
    })
    transport.start(this.#connection)
  }

  get remoteAddress(): string | undefined {
    return this.request.remoteAddress
  }

  get bufferedAmount(): number {
    return this.#connection.waitingBytes
  }

  send(message: string | ArrayBuffer | ArrayBufferView): SendResult {
    return this.#connection.send(typeof message === 'string' ? message : bytesOf(message))
  }

  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason)
  }

  terminate(): void {
    this.#connection.terminate()
  }

  ping(payload: string | ArrayBuffer | ArrayBufferView = ''): void {
    this.#connection.ping(typeof payload === 'string' ? this.#encode(payload) : bytesOf(payload))
  }

  pause(): void {
    this.#connection.pause()
  }

  resume(): void {
    this.#connection.resume()
  }

  /** Ends the connection for a fault on this side. */
  fail(code: number, reason: string): void {
    this.#connection.fail(code, reason)
  }

  #encode(text: string): Uint8Array {
    const bytes = this.#payload.allocate(this.#payload.byteLength(text))
    this.#payload.encodeInto(text, bytes, 0)
    return bytes
  }
}

function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (message instanceof Uint8Array) return message
  if (ArrayBuffer.isView(message)) return new Uint8Array(message.buffer, message.byteOffset, message.byteLength)
  if (message instanceof ArrayBuffer) return new Uint8Array(message)
  throw new UsageError(
    'messageTypeInvalid',
    `a message is a string, an ArrayBuffer or a view of one, not ${message === null ? 'null' : `a value of type ${typeof message}`}: turn it into a string, with JSON.stringify for example`,
  )
}

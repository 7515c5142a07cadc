import type { OutgoingPiece, SendOptions, ServerSocket } from '../server/server-types.js'

/** The connections of a namespace, which hear each other's `publish`. */
export type CrosswsPeers = Set<CrosswsPeer>

/** The results of a connection's handshake. */
export interface CrosswsConnection {
  readonly hooks: Readonly<Record<string, ((...values: never[]) => unknown) | undefined>>
  readonly request: Request
  readonly namespace: string
  readonly context: Record<string, unknown>
  peer: CrosswsPeer | undefined
}

/** A connection as hooks of crossws get it. */
export class CrosswsPeer {
  readonly topics = new Set<string>()
  readonly peers: CrosswsPeers
  readonly #socket: ServerSocket<CrosswsConnection>

  constructor(socket: ServerSocket<CrosswsConnection>, peers: CrosswsPeers) {
    this.#socket = socket
    this.peers = peers
  }

  get id(): string {
    return this.#socket.id
  }

  get request(): Request {
    return this.#socket.data.request
  }

  get namespace(): string {
    return this.#socket.data.namespace
  }

  get context(): Record<string, unknown> {
    return this.#socket.data.context
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /** The connection. */
  get websocket(): ServerSocket<CrosswsConnection> {
    return this.#socket
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  /** Sends a message: an object as its JSON. Returns the bytes that wait. */
  send(data: unknown, options?: SendOptions): number {
    this.#socket.send(messageOf(data), options)
    return this.#socket.bufferedAmount
  }

  subscribe(topic: string): void {
    this.topics.add(topic)
  }

  unsubscribe(topic: string): void {
    this.topics.delete(topic)
  }

  /** Sends a message to the other subscribers of the namespace. */
  publish(topic: string, data: unknown, options?: SendOptions): void {
    publishTo(this.peers, topic, data, { ...options, except: this })
  }

  /** Resolves when the client has caught up, or is gone. */
  waitForDrain(): Promise<void> {
    return this.#socket.drained().catch(() => {})
  }

  ping(data?: string | ArrayBuffer | ArrayBufferView): void {
    this.#socket.ping(data)
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  toString(): string {
    return this.id
  }
}

export function publishTo(
  peers: Iterable<CrosswsPeer>,
  topic: string,
  data: unknown,
  { except, ...options }: SendOptions & { readonly except?: CrosswsPeer | undefined } = {},
): void {
  const message = messageOf(data)
  for (const peer of peers) if (peer !== except && peer.topics.has(topic)) peer.send(message, options)
}

function messageOf(data: unknown): OutgoingPiece {
  if (data === undefined || data === null) return ''
  if (typeof data === 'string' || isBytes(data)) return data
  return typeof data === 'object' ? JSON.stringify(data) : String(data)
}

function isBytes(data: unknown): data is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(data) || Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}

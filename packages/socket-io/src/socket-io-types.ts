/** The parts of socket.io-adapter that the adapter extends and calls, by shape. */

/** A packet of Socket.IO. `type` 2 is an event; an `id` asks for acknowledgements. */
export interface Packet {
  type: number
  id?: number
  data: unknown[]
}

/** The flags of a broadcast that matter here; others are passed on. */
export interface Flags {
  readonly local?: boolean
  readonly volatile?: boolean
  readonly timeout?: number
}

/** The sockets that a call is for. */
export interface Targets {
  readonly rooms: Set<string>
  readonly except?: Set<string>
  readonly flags?: Flags
}

/** The state that Socket.IO keeps of a socket whose client may come back. */
export interface Session {
  readonly sid: string
  readonly pid: string
  readonly rooms: readonly string[]
  readonly data: unknown
}

export interface Namespace {
  readonly name: string
  readonly sockets: Map<string, { readonly conn: { close(): void } }>
  readonly server: {
    readonly opts: { readonly connectionStateRecovery?: { readonly maxDisconnectionDuration?: number } }
  }
}

/** A message between adapters, with its number of `MessageType`. */
export interface Message {
  readonly type: number
  readonly data?: { readonly requestId?: string } & Readonly<Record<string, unknown>>
}

/** A message as an adapter takes it: with its sender and its namespace. */
export interface SentMessage extends Message {
  readonly uid: string
  readonly nsp: string
}

/** An instance of ClusterAdapterWithHeartbeat. */
export interface ClusterAdapter {
  readonly uid: string
  readonly nsp: Namespace
  init(): unknown
  close(): unknown
  addAll(id: string, rooms: Set<string>): unknown
  delAll(id: string): unknown
  broadcast(packet: Packet, targets: Targets): unknown
  broadcastWithAck(
    packet: Packet,
    targets: Targets,
    clientCountCallback: (count: number) => void,
    ack: (...args: unknown[]) => void,
  ): void
  addSockets(targets: Targets, rooms: string[]): unknown
  delSockets(targets: Targets, rooms: string[]): unknown
  disconnectSockets(targets: Targets, close: boolean): unknown
  onMessage(message: SentMessage, offset?: string): void
  onResponse(response: SentMessage): void
}

export type ClusterAdapterClass = new (namespace: Namespace, options: object) => ClusterAdapter

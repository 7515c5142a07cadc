import type { BrokerContent, ResumableBroker } from 'twoway/hub'
import type { Clock } from './clock.js'
import {
  type EncodedTargets,
  encodeTargets,
  eventPacket,
  isRecoverable,
  newestSession,
  offsetOf,
  packetsFor,
  type StoredSession,
  types,
} from './cluster-messages.js'
import { type ClusterMessage, ClusterTopic } from './cluster-topic.js'
import { decode, encode } from './envelope.js'
import { type SocketIoOptions, type SocketIoSettings, settingsOf } from './socket-io-options.js'
import type {
  ClusterAdapter,
  ClusterAdapterClass,
  Message,
  Namespace,
  Packet,
  SentMessage,
  Session,
  Targets,
} from './socket-io-types.js'

export interface AdapterPorts {
  readonly clock: Clock
  readonly report: (error: unknown) => void
}

/** The default of Socket.IO. */
const defaultDisconnectionMs = 120_000
/** Sessions are stored together up to this length. Some brokers refuse messages of a megabyte. */
const longestSessions = 200_000

const volatileTypes: ReadonlySet<number> = new Set([types.initialHeartbeat, types.heartbeat, types.adapterClose])

/** A broadcast of this node that asks for acknowledgements. */
interface AckRequest {
  readonly packet: Packet
  readonly clientCountCallback: (count: number) => void
  readonly ack: (...args: unknown[]) => void
}

/** A message of this node that has not come back yet. */
interface Pending {
  readonly content: BrokerContent
  readonly request: AckRequest | undefined
}

/** A socket that was recovered and is not connected yet, with the position up to which its client has all packets. */
interface Recovered {
  readonly session: Session
  readonly offset: number
  readonly mark: string
}

/**
 * Makes a function for the option `adapter` of a Socket.IO server, from socket.io-adapter's ClusterAdapterWithHeartbeat.
 *
 * Broadcasts are stored in one topic for each namespace, and each node acts on them when they come back, its own among them:
 * all nodes see one order. Requests, their answers and signs of life are sent and not stored. The sessions of clients are
 * stored in the same topic, behind the packets that the clients have, so that one range of it has all that a client missed.
 */
export function socketIoAdapterOf<Adapter>(
  Base: { readonly prototype: Adapter },
  broker: ResumableBroker,
  options: SocketIoOptions,
  ports: AdapterPorts,
): (namespace: unknown) => Adapter {
  const settings = settingsOf(options, ports.report)
  if (typeof broker?.open !== 'function') throw new TypeError('broker must be a broker, such as redisBroker makes')
  const BrokerAdapter = brokerAdapter(Base as unknown as ClusterAdapterClass, broker, settings, ports.clock)
  // Socket.IO calls it with `new`, which an arrow function does not take.
  function adapterFor(namespace: unknown): Adapter {
    return new BrokerAdapter(namespace as Namespace) as unknown as Adapter
  }
  return adapterFor
}

function brokerAdapter(
  Base: ClusterAdapterClass,
  broker: ResumableBroker,
  settings: SocketIoSettings,
  clock: Clock,
): new (
  namespace: Namespace,
) => ClusterAdapter {
  return class BrokerAdapter extends Base {
    readonly #topic: ClusterTopic
    readonly #recovers: boolean
    /** By their numbers. */
    readonly #pending = new Map<number, Pending>()
    readonly #acks = new Map<string, AckRequest>()
    readonly #recovered = new Map<string, Recovered>()
    /** Sessions that are stored at the end of the turn. */
    #sessions: StoredSession[] = []
    #sent = 0
    #isClosed = false

    constructor(namespace: Namespace) {
      const { prefix, recoveryCount, recoveryBytes, heartbeatInterval, heartbeatTimeout, error } = settings
      super(namespace, { heartbeatInterval, heartbeatTimeout })
      this.#recovers = Boolean(namespace.server.opts.connectionStateRecovery)
      this.#topic = new ClusterTopic(
        broker,
        `${prefix}.${tokenOf(namespace.name)}`,
        { clock, count: this.#recovers ? recoveryCount : 0, bytes: recoveryBytes },
        {
          stored: (message) => guarded(() => this.#stored(message)),
          volatile: (content) => guarded(() => this.#received(content)),
          gap: () => guarded(() => this.#lost()),
          failed: error,
        },
      )
    }

    override async init(): Promise<void> {
      await this.#topic.opened
      if (!this.#isClosed) super.init()
    }

    override async close(): Promise<void> {
      super.close()
      this.#storeSessions()
      this.#isClosed = true
      await this.#topic.close()
    }

    override broadcast(packet: Packet, targets: Targets): unknown {
      const { flags } = targets
      if (flags?.local) return super.broadcast(packet, targets)
      const message = { type: types.broadcast, data: { packet, opts: encodeTargets(targets) } }
      if (!flags?.volatile) return this.#share(message)
      this.#send(message)
      return super.broadcast(packet, local(targets))
    }

    override broadcastWithAck(
      packet: Packet,
      targets: Targets,
      clientCountCallback: (count: number) => void,
      ack: (...args: unknown[]) => void,
    ): void {
      const { flags } = targets
      if (flags?.local) {
        super.broadcastWithAck(packet, targets, clientCountCallback, ack)
        return
      }
      const requestId = `${this.uid}-${this.#sent}`
      const request = { packet, clientCountCallback, ack }
      this.#acks.set(requestId, request)
      // A node does not know whether all clients have answered, and the caller waits no longer than this.
      clock.after(flags?.timeout ?? 0, () => this.#acks.delete(requestId))
      this.#share({ type: types.broadcast, data: { packet, requestId, opts: encodeTargets(targets) } }, request)
    }

    override addSockets(targets: Targets, rooms: string[]): unknown {
      if (targets.flags?.local) return super.addSockets(targets, rooms)
      return this.#share({ type: types.socketsJoin, data: { opts: encodeTargets(targets), rooms } })
    }

    override delSockets(targets: Targets, rooms: string[]): unknown {
      if (targets.flags?.local) return super.delSockets(targets, rooms)
      return this.#share({ type: types.socketsLeave, data: { opts: encodeTargets(targets), rooms } })
    }

    override disconnectSockets(targets: Targets, close: boolean): unknown {
      if (targets.flags?.local) return super.disconnectSockets(targets, close)
      return this.#share({ type: types.disconnectSockets, data: { opts: encodeTargets(targets), close } })
    }

    override onResponse(response: SentMessage): void {
      const request = this.#acks.get(response.data?.requestId ?? '')
      if (request === undefined) super.onResponse(response)
      else if (response.type === types.broadcastClientCount) {
        request.clientCountCallback(response.data?.clientCount as number)
      } else if (response.type === types.broadcastAck) request.ack(response.data?.packet)
    }

    /** Called by the base class. A message that will be answered is lost with its sender, so that it need not be stored. */
    async doPublish({ type, data }: SentMessage): Promise<string> {
      const isVolatile = volatileTypes.has(type) || data?.requestId !== undefined
      const message = data === undefined ? { type } : { type, data }
      if (isVolatile) this.#send(message)
      else await this.#share(message)
      return ''
    }

    async doPublishResponse(receiver: string, { type, data }: SentMessage): Promise<void> {
      this.#send({ type, data: data! }, receiver)
    }

    override addAll(id: string, rooms: Set<string>): void {
      super.addAll(id, rooms)
      const recovered = this.#recovered.get(id)
      // Socket.IO sends to a socket only when it is connected. Its own room is joined right then, after any middleware.
      const socket = this.nsp.sockets.get(id)
      if (recovered === undefined || socket === undefined) return
      this.#recovered.delete(id)
      const later = this.#topic.since(recovered.offset, recovered.mark)
      if (later === undefined) {
        socket.conn.close()
        return
      }
      for (const data of packetsFor(recovered.session, later)) {
        super.broadcast({ type: eventPacket, data }, local({ rooms: new Set([id]) }))
      }
    }

    override delAll(id: string): unknown {
      this.#recovered.delete(id)
      return super.delAll(id)
    }

    /** Called by Socket.IO for a socket whose client may come back. */
    persistSession({ sid, pid, rooms, data }: Session): void {
      if (this.#sessions.length === 0) clock.defer(() => this.#storeSessions())
      this.#sessions.push({ sid, pid, rooms, data, disconnectedAt: clock.wallTime() })
    }

    /** Called by Socket.IO for a client that comes back, with the offset of the last packet that it got. */
    async restoreSession(pid: string, offset: string): Promise<(Session & { missedPackets: unknown[][] }) | null> {
      const [, at, mark] = /^(\d{1,15})-(.+)$/.exec(offset) ?? []
      if (!this.#recovers || at === undefined || mark === undefined) return null
      await this.#topic.upToHead()
      const messages = this.#topic.since(Number(at), mark)
      const session = messages && newestSession(pid, messages)
      if (session === undefined || this.nsp.sockets.has(session.sid)) return null
      const { maxDisconnectionDuration = defaultDisconnectionMs } = this.nsp.server.opts.connectionStateRecovery ?? {}
      if (session.disconnectedAt + maxDisconnectionDuration < clock.wallTime()) return null
      const { head } = this.#topic
      this.#recovered.set(session.sid, { session, offset: head.offset, mark: head.mark })
      return { ...session, missedPackets: packetsFor(session, messages!) }
    }

    #stored({ envelope, position }: ClusterMessage): void {
      if (envelope === undefined) return
      const { sender, number } = envelope
      if (sender === this.uid) {
        const pending = this.#pending.get(number)
        // A message that the broker seemed to have refused has been acted on already.
        if (pending !== undefined) this.#act(number, pending, envelope.open() as Message, offsetOf(position))
        return
      }
      const message = envelope.open() as Message | undefined
      if (message?.type === undefined || message.type === types.sessions) return
      super.onMessage({ ...message, uid: sender, nsp: this.nsp.name }, offsetOf(position))
    }

    #received(content: BrokerContent): void {
      const envelope = decode(content)
      if (envelope === undefined || envelope.sender === this.uid) return
      if (envelope.receiver !== undefined && envelope.receiver !== this.uid) return
      const message = envelope.open() as Message | undefined
      if (message?.type === undefined) return
      super.onMessage({ ...message, uid: envelope.sender, nsp: this.nsp.name })
    }

    /** Stored packets are lost. Clients that may lack some connect again, and Socket.IO tells them that they were not recovered. */
    #lost(): void {
      for (const [number, pending] of [...this.#pending]) {
        this.#act(number, pending, decode(pending.content)!.open() as Message, undefined)
      }
      if (this.#recovers) for (const { conn } of [...this.nsp.sockets.values()]) conn.close()
    }

    #send(message: Message, receiver?: string): void {
      this.#sent += 1
      this.#topic.send(encode(this.uid, this.#sent, message, receiver))
    }

    /** Stores a message for all nodes. Throws if it can't be encoded. */
    #share(message: Message, request?: AckRequest): Promise<void> {
      this.#sent += 1
      return this.#publish(this.#sent, encode(this.uid, this.#sent, message), request)
    }

    async #publish(number: number, content: BrokerContent, request: AckRequest | undefined): Promise<void> {
      const pending = { content, request }
      this.#pending.set(number, pending)
      try {
        await this.#topic.publish(content)
      } catch (error) {
        if (this.#isClosed) return
        settings.error(error)
        // The sockets of this node get it all the same, as with the other adapters of Socket.IO.
        if (this.#pending.has(number)) {
          guarded(() => this.#act(number, pending, decode(content)!.open() as Message, undefined))
        }
      }
    }

    /** Acts on a message of this node, once. */
    #act(number: number, { request }: Pending, { type, data }: Message, offset: string | undefined): void {
      this.#pending.delete(number)
      const { opts, packet, rooms, close } = data as unknown as OwnData
      if (opts === undefined) return
      const targets = local({ rooms: new Set(opts.rooms), except: new Set(opts.except), flags: opts.flags })
      if (type === types.socketsJoin) super.addSockets(targets, rooms)
      else if (type === types.socketsLeave) super.delSockets(targets, rooms)
      else if (type === types.disconnectSockets) super.disconnectSockets(targets, close)
      else if (request !== undefined) {
        // Socket.IO keeps this packet, to forget the acknowledgements that do not come.
        request.packet.data = packet.data
        super.broadcastWithAck(request.packet, targets, request.clientCountCallback, request.ack)
      } else {
        if (this.#recovers && offset !== undefined && isRecoverable(packet, opts.flags)) packet.data.push(offset)
        super.broadcast(packet, targets)
      }
    }

    #storeSessions(): void {
      const sessions = this.#sessions
      this.#sessions = []
      if (sessions.length > 0) this.#storeTogether(sessions)
    }

    /** Stores sessions in one message, or in several if it gets long. */
    #storeTogether(sessions: readonly StoredSession[]): void {
      this.#sent += 1
      const number = this.#sent
      let content: BrokerContent | undefined
      try {
        content = encode(this.uid, number, { type: types.sessions, data: { sessions } })
      } catch (error) {
        // The data of a socket may be no JSON. The others are stored without it.
        if (sessions.length === 1) {
          settings.error(error)
          return
        }
      }
      if (content !== undefined && (content.length <= longestSessions || sessions.length === 1)) {
        void this.#publish(number, content, undefined)
        return
      }
      const half = sessions.length >> 1
      this.#storeTogether(sessions.slice(0, half))
      this.#storeTogether(sessions.slice(half))
    }
  }
}

interface OwnData {
  readonly opts?: EncodedTargets
  readonly packet: Packet
  readonly rooms: string[]
  readonly close: boolean
}

/** Errors of the user's listeners are thrown to the runtime, as those of any event; the topic goes on. */
function guarded(body: () => void): void {
  try {
    body()
  } catch (error) {
    Promise.reject(error)
  }
}

/** A namespace as one token of a topic. */
function tokenOf(name: string): string {
  return name.replace(/[^\w/-]/gu, (character) => `%${character.codePointAt(0)!.toString(16)}%`)
}

/** The same targets, on this node only. */
function local({ rooms, except, flags }: Targets): Targets {
  return { rooms, except: except ?? new Set(), flags: { ...flags, local: true } }
}

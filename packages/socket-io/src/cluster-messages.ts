import type { ClusterMessage } from './cluster-topic.js'
import type { Flags, Message, Packet, Session, Targets } from './socket-io-types.js'

/** The numbers of socket.io-adapter's MessageType. The last is our own. */
export const types = {
  initialHeartbeat: 1,
  heartbeat: 2,
  broadcast: 3,
  socketsJoin: 4,
  socketsLeave: 5,
  disconnectSockets: 6,
  broadcastClientCount: 11,
  broadcastAck: 12,
  adapterClose: 13,
  sessions: 100,
}

export const eventPacket = 2

export interface StoredSession extends Session {
  readonly disconnectedAt: number
}

export interface EncodedTargets {
  readonly rooms: readonly string[]
  readonly except: readonly string[]
  readonly flags: Flags
}

interface Broadcast {
  readonly type: number
  readonly data: { readonly requestId?: string; readonly packet: Packet; readonly opts: EncodedTargets }
}

export function encodeTargets({ rooms, except, flags }: Targets): EncodedTargets {
  return { rooms: [...rooms], except: [...(except ?? [])], flags: flags ?? {} }
}

/** The offset that Socket.IO sends to a client with each packet, and that the client returns when it comes back. */
export function offsetOf({ offset, mark }: { readonly offset: number; readonly mark: string }): string {
  return `${offset}-${mark}`
}

/** Packets that ask for an acknowledgement can't be sent by another node, and volatile ones may be lost. */
export function isRecoverable({ type, id }: Packet, { volatile }: Flags): boolean {
  return type === eventPacket && id === undefined && volatile === undefined
}

function isFor({ rooms }: Session, targets: EncodedTargets): boolean {
  const isIncluded = targets.rooms.length === 0 || rooms.some((room) => targets.rooms.includes(room))
  return isIncluded && !rooms.some((room) => targets.except.includes(room))
}

/** The newest session of a client in messages. */
export function newestSession(pid: string, messages: readonly ClusterMessage[]): StoredSession | undefined {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const { type, data } = (messages[index]!.envelope?.open() ?? {}) as Partial<Message>
    if (type !== types.sessions) continue
    const sessions = (data?.sessions ?? []) as readonly StoredSession[]
    const found = sessions.findLast((session) => session.pid === pid)
    if (found !== undefined) return found
  }
  return undefined
}

/** The data of the packets in messages that the socket of a session gets, with their offsets. */
export function packetsFor(session: Session, messages: readonly ClusterMessage[]): unknown[][] {
  const found: unknown[][] = []
  for (const { envelope, position } of messages) {
    const { type, data } = (envelope?.open() ?? {}) as Partial<Broadcast>
    if (type !== types.broadcast || data === undefined || data.requestId !== undefined) continue
    const { packet, opts } = data
    if (!isRecoverable(packet, opts.flags) || !isFor(session, opts)) continue
    const offset = offsetOf(position)
    // A packet that this node has delivered has its offset already.
    found.push(packet.data.at(-1) === offset ? packet.data : [...packet.data, offset])
  }
  return found
}

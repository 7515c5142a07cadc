import type { Clock } from '../ports/clock.js'
import type { MemoryBudget } from '../ports/memory-budget.js'
import type { Payload } from '../ports/payload.js'
import type { Random } from '../ports/random.js'
import type { Loss, Transport } from '../ports/transport.js'
import type { CloseStatus } from './closing/close-payload.js'
import type { ProtocolError, TransportError } from './errors.js'
import type { Extension } from './extensions/extension.js'
import type { Limits } from './limits.js'
import type { TextForm } from './receiving/message-assembler.js'
import type { MessageReader } from './receiving/message-reader.js'
import type { ReadTurns } from './receiving/read-turns.js'
import type { ReceiveRates } from './receiving/receive-rate.js'
import type { BufferBudget } from './sending/buffer-budget.js'
import type { ScratchPool } from './sending/scratch-pool.js'

/** The ports of the runtime that a connection uses. */
export interface ConnectionPorts {
  readonly payload: Payload
  readonly random: Random
  readonly clock: Clock
  readonly scratchPool: ScratchPool
}

export interface ConnectionOptions<Owner> {
  readonly role: 'client' | 'server'
  readonly transport: Transport
  readonly ports: ConnectionPorts
  readonly limits: Limits
  /** Limits on how fast the peer may send; none by default. */
  readonly rates?: ReceiveRates | undefined
  readonly extension?: Extension | undefined
  /** Whether messages are delivered while they arrive; `maxMessageBytes` does not limit them then. */
  readonly streamsMessages?: boolean | undefined
  /** The form in which texts are delivered; strings by default. `streamsMessages` ignores it. */
  readonly textForm?: TextForm | undefined
  readonly conduct: Conduct
  /** Shared by the connections of a server. */
  readonly budget?: BufferBudget | undefined
  /** By default, the memory of incomplete input is not counted. */
  readonly sharedInput?: SharedInput | undefined
  /**
   * The object that the connection belongs to. Each call of `events` gets it, so one `events` object serves many
   * connections.
   */
  readonly owner: Owner
  readonly events: ConnectionEvents<Owner>
}

/** The bounds on the input of all connections of a server together. They share such an object. */
export interface SharedInput {
  /** Counts the memory of incomplete input. */
  readonly budget: MemoryBudget
  /** The turns in which long messages are read; without them, each connection reads at any time. */
  readonly turns?: ReadTurns | undefined
}

/** The behaviour of a connection where the standard leaves it a choice. Connections share such an object. */
export interface Conduct {
  /** Whether Pings are answered. Otherwise the owner must answer them (§5.5.2). */
  readonly answersPings: boolean
  /** Whether a Close that fails the connection carries the broken rule as its reason. */
  readonly explainsFailures: boolean
  /** Whether messages are still delivered between our Close and the peer's. */
  readonly deliversWhileClosing: boolean
  /**
   * Policy for a message that is sent while more than `maxBufferedBytes` wait: fail the connection with 1013, or drop
   * the message.
   */
  readonly whenBufferFull: 'close' | 'drop'
}

/**
 * Events of a connection. The owner may send, close, terminate, pause and resume from within each call, but must not
 * throw.
 */
export interface ConnectionEvents<Owner> {
  /** A message arrived: text as a string, binary as bytes that the receiver owns. */
  message(owner: Owner, message: string | Uint8Array): void
  /** After a `send` that returned 'buffered', the waiting bytes have fallen to the high-water mark. */
  drain(owner: Owner): void
  /** A message begins to arrive. Replaces `message` if `streamsMessages` is set. */
  messageStream?(owner: Owner, message: MessageReader): void
  /** A Ping arrived. The receiver owns its payload. */
  ping?(owner: Owner, payload: Uint8Array): void
  /** The peer's Close arrived, and is answered unless it is an answer itself. */
  peerClose?(owner: Owner, status: CloseStatus): void
  /** Bytes were handed to the network: `waitingBytes` tells whether all were. */
  written?(owner: Owner): void
  /** A Pong arrived. The receiver owns its payload. */
  pong?(owner: Owner, payload: Uint8Array): void
  /** The connection leaves the open state: no message follows. */
  closing?(owner: Owner): void
  /**
   * The peer did not complete the closing handshake within `closeTimeoutMs`. The transport is dropped, and `closed`
   * follows.
   */
  closeTimedOut?(owner: Owner): void
  /** The peer broke a rule, or the network failed. `closed` follows. */
  error(owner: Owner, error: ProtocolError | TransportError): void
  /** The network failed. Replaces `error` for an owner that may not need the error. */
  lost?(owner: Owner, loss: Loss): void
  /** The transport is gone. Called once, as the last event. */
  closed(owner: Owner, result: CloseResult): void
}

/** The end of a connection: the peer's status, or 1006 if no Close arrived (RFC 6455 §7.1.5). */
export interface CloseResult extends CloseStatus {
  /** Whether both sides sent a Close (§7.1.4). */
  readonly wasClean: boolean
}

/**
 * The result of `send`:
 * - `sent`: the message was framed or queued.
 * - `buffered`: likewise, but more than the high-water mark waits.
 * - `dropped`: the message was refused, as too much waits already.
 * - `closed`: the message was refused, as the connection is closing or closed.
 */
export type SendResult = 'sent' | 'buffered' | 'dropped' | 'closed'

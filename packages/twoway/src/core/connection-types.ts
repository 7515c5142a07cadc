import type { Clock } from '../ports/clock.js'
import type { MemoryBudget } from '../ports/memory-budget.js'
import type { Payload } from '../ports/payload.js'
import type { Random } from '../ports/random.js'
import type { Transport } from '../ports/transport.js'
import type { CloseStatus } from './closing/close-payload.js'
import type { ProtocolError, TransportError } from './errors.js'
import type { Extension } from './extensions/extension.js'
import type { Limits } from './limits.js'
import type { MessageReader } from './receiving/message-reader.js'
import type { ReceiveRates } from './receiving/receive-rate.js'
import type { BufferBudget } from './sending/buffer-budget.js'
import type { ScratchPool } from './sending/scratch-pool.js'

/** What a connection needs of its runtime. */
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
  /** How much the peer may send; any amount where it is left out. */
  readonly rates?: ReceiveRates | undefined
  /** What becomes of a message where more than `maxBufferedBytes` wait already: the connection fails with 1013, or the message is dropped. */
  readonly whenBufferFull: 'close' | 'drop'
  readonly extension?: Extension | undefined
  /** Whether messages are handed over while they arrive; then `maxMessageBytes` does not limit them. */
  readonly streamsMessages?: boolean | undefined
  /** Shared by the connections of a server. */
  readonly budget?: BufferBudget | undefined
  /** The same for what is received and not complete; not counted where it is left out. */
  readonly receiveBudget?: MemoryBudget | undefined
  /** Who the connection belongs to, passed to each call of `events`, so that one object of events serves many. */
  readonly owner: Owner
  readonly events: ConnectionEvents<Owner>
}

/**
 * What a connection tells its owner. The owner may send, close, terminate, pause and resume from within each call.
 * None of these may throw.
 */
export interface ConnectionEvents<Owner> {
  /** A message came: text as a string, binary as bytes that are the receiver's own. */
  message(owner: Owner, message: string | Uint8Array): void
  /** What was sent has gone down to the high-water mark again after a `send` that answered 'buffered'. */
  drain(owner: Owner): void
  /** A message begins to come, in place of `message`, where `streamsMessages` asks for it. */
  messageStream?(owner: Owner, message: MessageReader): void
  /** A Pong came; its payload is the receiver's own. */
  pong?(owner: Owner, payload: Uint8Array): void
  /** The connection leaves the open state: no message follows. */
  closing?(owner: Owner): void
  /** The peer did not do its part of the closing within `closeTimeoutMs`: the transport is dropped, and `closed` follows. */
  closeTimedOut?(owner: Owner): void
  /** What went wrong: the peer broke a rule, or the network failed. `closed` follows. */
  error(owner: Owner, error: ProtocolError | TransportError): void
  /** The transport is gone; once, and last. */
  closed(owner: Owner, result: CloseResult): void
}

/** How a connection ended: the peer's status, or 1006 where no Close came (RFC 6455 §7.1.5). */
export interface CloseResult extends CloseStatus {
  /** Whether both Closes had passed (§7.1.4). */
  readonly wasClean: boolean
}

/**
 * What became of a message: handed on; taken, but more waits than the high-water mark; not taken, as too much waits
 * already; or not taken, as the connection is closing or closed.
 */
export type SendResult = 'sent' | 'buffered' | 'dropped' | 'closed'

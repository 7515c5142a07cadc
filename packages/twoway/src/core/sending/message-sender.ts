import type { ConnectionPorts } from '../connection-types.js'
import { TransportError } from '../errors.js'
import type { Limits } from '../limits.js'
import { Opcode } from '../opcode.js'
import type { BroadcastMessage } from './broadcast-message.js'
import type { BufferBudget } from './buffer-budget.js'
import type { MessageEncoder } from './message-encoder.js'
import { byReferenceBytes, type Outbox } from './outbox.js'
import { type OutgoingLane, OutgoingMessage, type OutgoingOptions } from './outgoing-message.js'
import { SendLine } from './send-line.js'

const finBit = 0x80

/** Whose messages a sender sends. */
export interface SenderOwner {
  /** What waits may have gone, as when the network takes it. Called in a task of its own. */
  settle(): void
  /** A message can't be completed. */
  fail(code: number, reason: string): void
}

/**
 * The messages that a connection sends, in their order: framed at once, changed by an extension before that, or in line
 * behind one that goes out in pieces. It knows what waits for the network, and who was promised to hear that it has gone.
 */
export class MessageSender {
  readonly #outbox: Outbox
  readonly #encoder: MessageEncoder | undefined
  readonly #ports: ConnectionPorts
  readonly #limits: Limits
  readonly #budget: BufferBudget | undefined
  readonly #owner: SenderOwner
  /** What is sent while a message goes out in pieces. */
  #line: SendLine | undefined
  /** Whether nothing comes between a message and its frame: no extension, no line. */
  #framesAtOnce: boolean
  /** What counts in the budget. */
  #counted = 0
  #owesDrain = false
  #whenPiecesSent: (() => void)[] | undefined

  constructor(
    outbox: Outbox,
    encoder: MessageEncoder | undefined,
    ports: ConnectionPorts,
    limits: Limits,
    budget: BufferBudget | undefined,
    owner: SenderOwner,
  ) {
    this.#outbox = outbox
    this.#encoder = encoder
    this.#framesAtOnce = encoder === undefined
    this.#ports = ports
    this.#limits = limits
    this.#budget = budget
    this.#owner = owner
  }

  /** Octets not yet handed to the network: of frames, and of messages that are not framed yet. */
  get waitingBytes(): number {
    const framed = this.#outbox.waitingBytes
    return this.#framesAtOnce ? framed : framed + this.#unframedBytes()
  }

  /** Octets framed since the start, and those of messages that are not framed yet. */
  get appendedBytes(): number {
    const framed = this.#outbox.appendedBytes
    return this.#framesAtOnce ? framed : framed + this.#unframedBytes() + (this.#encoder?.savedBytes ?? 0)
  }

  get isAboveMark(): boolean {
    return this.waitingBytes > this.#limits.highWaterMarkBytes
  }

  /** Whether no further message is to be taken. */
  get isFull(): boolean {
    const waiting = this.waitingBytes
    if (waiting > this.#limits.maxBufferedBytes) return true
    return waiting > this.#limits.highWaterMarkBytes && this.#budget?.isExceeded === true
  }

  /** Whether a message goes out in pieces. */
  get isInPieces(): boolean {
    return this.#line !== undefined
  }

  /** Whether someone waits for room: to be told of it, or to go on with a message in pieces. */
  get isAwaited(): boolean {
    return this.#owesDrain || this.#line !== undefined
  }

  /** Whether someone was promised to be told when no more than the high-water mark waits. */
  get owesDrain(): boolean {
    return this.#owesDrain
  }

  /** Takes a message, and promises a drain where more than the high-water mark waits then. */
  send(
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): 'sent' | 'buffered' {
    if (this.#line !== undefined) this.#enqueue(this.#line, message, compress, broadcast)
    else this.#transmit(message, compress, broadcast)
    const waiting = this.waitingBytes
    if (waiting <= this.#limits.highWaterMarkBytes) return 'sent'
    this.#count(waiting)
    this.#owesDrain = true
    return 'buffered'
  }

  /** As `Connection.sendInPieces` says. */
  sendInPieces(options: OutgoingOptions, onClosed: (error: Error) => void): OutgoingMessage {
    const message = new OutgoingMessage(this.#lane(), options, onClosed)
    if (this.#line !== undefined) {
      this.#line.addOutgoing(message)
    } else {
      this.#framesAtOnce = false
      this.#line = new SendLine(message, {
        transmit: (next, compress, broadcast) => this.#transmit(next, compress, broadcast),
        afterwards: (action) => this.afterwards(action),
      })
    }
    return message
  }

  askForDrain(): void {
    this.#owesDrain = true
  }

  /** Whether no more than the high-water mark waits, and someone was promised to be told; the promise is kept now. */
  takeDrain(): boolean {
    if (this.isAboveMark) return false
    this.#count(0)
    const owed = this.#owesDrain
    this.#owesDrain = false
    return owed
  }

  /** The network may have taken what waited: a message in pieces goes on. */
  proceed(): void {
    this.#line?.proceed()
  }

  /** Runs an action once all messages that an extension changes are framed: now, where they are. */
  afterwards(action: () => void): void {
    if (this.#encoder === undefined) action()
    else this.#encoder.afterwards(action)
  }

  /** Runs an action once no message goes out in pieces: now, where none does; also where they will not go. */
  afterPieces(action: () => void): void {
    if (this.#line === undefined) {
      action()
      return
    }
    this.#whenPiecesSent ??= []
    this.#whenPiecesSent.push(action)
  }

  /** No further message is sent: those in line will not be. */
  close(): void {
    this.#line?.close(new TransportError('the connection closed before what was sent had gone'))
    this.#endLine()
  }

  /** Drops the messages that are not framed yet. */
  cancel(): void {
    this.#encoder?.cancel()
  }

  /** The network is gone: nothing counts any more. */
  release(): void {
    this.cancel()
    this.#count(0)
  }

  #transmit(
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): void {
    if (this.#encoder !== undefined) this.#encoder.send(message, compress, broadcast)
    else if (broadcast !== undefined) this.#outbox.addFrame(broadcast.frame, broadcast.joint)
    else if (typeof message === 'string') this.#outbox.addText(finBit | Opcode.text, message)
    else this.#outbox.addBytes(finBit | Opcode.binary, message, 0, message.length)
  }

  /** Short bytes may be changed after `send`, so they wait as a copy. */
  #enqueue(
    line: SendLine,
    message: string | Uint8Array,
    compress: boolean | undefined,
    broadcast: BroadcastMessage | undefined,
  ): void {
    const { payload } = this.#ports
    const isText = typeof message === 'string'
    const octets = isText ? payload.byteLength(message) : message.length
    const isKept = isText || octets >= byReferenceBytes
    const own = broadcast?.kept ?? (isKept ? message : payload.copy(message, 0, octets))
    line.add({ message: own, octets, compress, broadcast })
  }

  #unframedBytes(): number {
    return (this.#encoder?.waitingBytes ?? 0) + (this.#line?.waitingBytes ?? 0)
  }

  #lane(): OutgoingLane {
    const { payload, clock, scratchPool } = this.#ports
    return {
      outbox: this.#outbox,
      payload,
      clock,
      scratchPool,
      highWaterMarkBytes: this.#limits.highWaterMarkBytes,
      extension: this.#encoder?.extension,
      fail: (code, reason) => this.#owner.fail(code, reason),
      leave: (message) => {
        if (this.#line?.leave(message)) this.#endLine()
        clock.task(() => this.#owner.settle())
      },
    }
  }

  #endLine(): void {
    this.#line = undefined
    this.#framesAtOnce = this.#encoder === undefined
    const actions = this.#whenPiecesSent ?? []
    this.#whenPiecesSent = undefined
    for (const action of actions) action()
  }

  #count(waiting: number): void {
    if (waiting === this.#counted) return
    this.#budget?.change(this.#counted, waiting)
    this.#counted = waiting
  }
}

import type { ConnectionPorts } from '../connection-types.js'
import type { Extension } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import type { BroadcastMessage } from './broadcast-message.js'
import { byReferenceBytes, type Outbox, type OutboxOwner } from './outbox.js'

interface WaitingMessage {
  readonly message: string | Uint8Array
  readonly length: number
  readonly compress: boolean | undefined
  readonly broadcast: BroadcastMessage | undefined
}

const finBit = 0x80

/** Has an extension change messages before they are framed. They keep their order, also where one takes longer. */
export class MessageEncoder {
  readonly extension: Extension
  readonly #outbox: Outbox
  readonly #ports: ConnectionPorts
  readonly #keepsBytes: boolean
  readonly #owner: OutboxOwner
  /** The message that is being encoded, first, and those behind it; undefined while none takes longer. */
  #waiting: WaitingMessage[] | undefined
  #waitingBytes = 0
  #savedBytes = 0
  #isCancelled = false
  /** What runs once none waits. */
  #afterwards: (() => void)[] | undefined

  /**
   * @param keepsBytes whether long bytes stay unchanged after `send`, or belong to their sender again
   * @param owner told as of a flush when messages that waited were framed
   */
  constructor(extension: Extension, outbox: Outbox, ports: ConnectionPorts, keepsBytes: boolean, owner: OutboxOwner) {
    this.extension = extension
    this.#outbox = outbox
    this.#ports = ports
    this.#keepsBytes = keepsBytes
    this.#owner = owner
  }

  /** Octets of messages that are not framed yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** What messages that waited were longer than the frames that became of them. */
  get savedBytes(): number {
    return this.#savedBytes
  }

  /**
   * @param compress what the sender wants of this message, if anything
   * @param broadcast the message, where it goes to others too
   */
  send(message: string | Uint8Array, compress: boolean | undefined, broadcast?: BroadcastMessage): void {
    if (this.#waiting !== undefined) this.#wait(message, this.#lengthOf(message), compress, broadcast)
    else this.#encode(message, compress, broadcast)
  }

  /** Runs an action once all that was sent before is framed: now, where it is. */
  afterwards(action: () => void): void {
    if (this.#waiting === undefined) {
      action()
      return
    }
    this.#afterwards ??= []
    this.#afterwards.push(action)
  }

  /** Drops what is not framed, and the actions that wait for it. */
  cancel(): void {
    this.extension.close()
    this.#waiting = undefined
    this.#waitingBytes = 0
    this.#afterwards = undefined
    this.#isCancelled = true
  }

  /** Frames a message, or returns false where that is done later. */
  #encode(message: string | Uint8Array, compress: boolean | undefined, broadcast?: BroadcastMessage): boolean {
    if (broadcast !== undefined && this.#isShared(broadcast, compress)) {
      return this.#encodeShared(broadcast, compress)
    }
    if (broadcast !== undefined) return this.#encode(broadcast.kept, compress)
    const opcode = typeof message === 'string' ? Opcode.text : Opcode.binary
    // A text's length in octets takes a pass over it; it is at most three times its length.
    const most = typeof message === 'string' ? 3 * message.length : message.length
    const length = this.extension.wants(most, compress) ? this.#lengthOf(message) : 0
    if (!this.extension.wants(length, compress)) {
      if (typeof message === 'string') this.#outbox.addText(finBit | opcode, message)
      else this.#outbox.addBytes(finBit | opcode, message, 0, message.length)
      return true
    }
    return this.#encodeChanged(opcode, message, length)
  }

  /** On its own, as a function that makes a closure makes a context for it each time it is called. */
  #encodeChanged(opcode: number, message: string | Uint8Array, length: number): boolean {
    const chunk = length <= byReferenceBytes ? this.#ports.scratchPool.take() : undefined
    const bytes = this.#bytesOf(message, length, chunk)
    const encoded = this.extension.encode(bytes, 0, length, true, length - 1, (later) => {
      this.#frameLate(length, () => this.#frame(opcode, bytes, length, later, chunk))
    })
    if (encoded === 'later') {
      if (this.#waiting === undefined) this.#wait('', length, undefined)
      return false
    }
    this.#frame(opcode, bytes, length, encoded, chunk)
    return true
  }

  /** Whether a broadcast is framed alike for all who share an encoder with this connection, or who leave it as it is. */
  #isShared(broadcast: BroadcastMessage, compress: boolean | undefined): boolean {
    return this.extension.shared !== undefined || !this.extension.wants(broadcast.length, compress)
  }

  #encodeShared(broadcast: BroadcastMessage, compress: boolean | undefined): boolean {
    const { shared, messageBits } = this.extension
    if (shared === undefined || !this.extension.wants(broadcast.length, compress)) {
      this.#outbox.addFrame(broadcast.frame, broadcast.joint)
      return true
    }
    const frame = broadcast.encodedFrame(shared, messageBits, (later) => {
      if (!this.#isCancelled) this.#frameLate(broadcast.length, () => this.#outbox.addFrame(later))
    })
    if (frame === 'later') {
      if (this.#waiting === undefined) this.#wait('', broadcast.length, undefined)
      return false
    }
    this.#outbox.addFrame(frame, broadcast.joint)
    return true
  }

  /** What took longer is done: its frame goes out, and what waited behind it goes on. */
  #frameLate(length: number, frame: () => void): void {
    const framedBefore = this.#outbox.appendedBytes
    frame()
    this.#leave(length, framedBefore)
    this.#encodeWaiting()
    this.#owner.flushed()
  }

  #encodeWaiting(): void {
    for (let next = this.#waiting?.[0]; next !== undefined; next = this.#waiting?.[0]) {
      const framedBefore = this.#outbox.appendedBytes
      if (!this.#encode(next.message, next.compress, next.broadcast)) return
      this.#leave(next.length, framedBefore)
    }
    const actions = this.#afterwards ?? []
    this.#afterwards = undefined
    for (const action of actions) action()
  }

  /** The first of those that wait is framed; there is none where all were dropped meanwhile. */
  #leave(length: number, framedBefore: number): void {
    if (this.#waiting === undefined) return
    this.#waiting.shift()
    this.#waitingBytes -= length
    this.#savedBytes += length - (this.#outbox.appendedBytes - framedBefore)
    if (this.#waiting.length === 0) this.#waiting = undefined
  }

  #frame(
    opcode: number,
    bytes: Uint8Array,
    length: number,
    encoded: Uint8Array | undefined,
    chunk: Uint8Array | undefined,
  ): void {
    if (encoded === undefined) {
      this.#outbox.addBytes(finBit | opcode, bytes, 0, length)
    } else {
      // What the extension returned is valid for now only, and long bytes are not copied by the outbox.
      const own = encoded.length < byReferenceBytes ? encoded : this.#ports.payload.copy(encoded, 0, encoded.length)
      this.#outbox.addBytes(finBit | (this.extension.messageBits << 4) | opcode, own, 0, own.length)
    }
    if (chunk !== undefined) this.#ports.scratchPool.give(chunk)
  }

  /** A message as octets that stay unchanged: in a chunk where it is short. */
  #bytesOf(message: string | Uint8Array, length: number, chunk: Uint8Array | undefined): Uint8Array {
    if (typeof message === 'string') {
      const bytes = chunk ?? this.#ports.payload.allocate(length)
      this.#ports.payload.encodeInto(message, bytes, 0)
      return bytes
    }
    if (chunk === undefined) return this.#keepsBytes ? message : this.#ports.payload.copy(message, 0, length)
    chunk.set(message)
    return chunk
  }

  #wait(
    message: string | Uint8Array,
    length: number,
    compress: boolean | undefined,
    broadcast?: BroadcastMessage,
  ): void {
    const isKept = typeof message === 'string' || (this.#keepsBytes && length >= byReferenceBytes)
    const own = broadcast?.kept ?? (isKept ? message : this.#ports.payload.copy(message, 0, length))
    this.#waiting ??= []
    this.#waiting.push({ message: own, length, compress, broadcast })
    this.#waitingBytes += length
  }

  #lengthOf(message: string | Uint8Array): number {
    return typeof message === 'string' ? this.#ports.payload.byteLength(message) : message.length
  }
}

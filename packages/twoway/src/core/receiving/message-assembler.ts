import type { Payload } from '../../ports/payload.js'
import { ProtocolError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { copyBytes } from '../payload/copy-bytes.js'
import type { ScratchPool } from '../sending/scratch-pool.js'
import { Spares } from '../spares.js'
import type { MessageSink } from './message-sink.js'

/** The form in which a text is delivered: as a string, as checked UTF-8, or as bytes that are not checked (§8.1 is then up to the owner). */
export type TextForm = 'string' | 'bytes' | 'uncheckedBytes'

/** The first capacity for a fragmented message; it doubles as needed. */
const firstCapacity = 1024

/**
 * Limits an allocation for an announced length to this multiple of the received bytes: announcing costs a peer nothing.
 */
const maxAllocationFactor = 32

/** Assemblers that were given back. More connections seldom have an incomplete message in one turn. */
const spares = new Spares<MessageAssembler>(64)

/**
 * Assembles messages from the payloads of their frames, RFC 6455 §5.4. One growing buffer makes many small fragments
 * take no more memory than their bytes, except for a pool chunk until the read ends.
 *
 * Limits are checked before each allocation. Text is validated as it arrives and fails at the first invalid byte
 * (§8.1). A text becomes a string, binary becomes bytes that the receiver owns.
 */
export class MessageAssembler implements MessageSink {
  #pool: ScratchPool
  #maxBytes: number
  #textForm: TextForm
  #underWay = false
  #isText = false
  #fin = false
  #buffer: Uint8Array | undefined
  /** Whether the buffer belongs to the pool. */
  #isPooled = false
  #length = 0
  #utf8State = 0
  #messageBytes = 0
  /** Whether all gathered bytes are known to be ASCII. */
  #isAscii = true

  /**
   * @param scratchPool lends buffers for long texts, which are copied to a string in the end, and chunks for short
   * messages in several frames, until the read ends
   */
  constructor(scratchPool: ScratchPool, maxMessageBytes: number, textForm: TextForm = 'string') {
    this.#textForm = textForm
    this.#pool = scratchPool
    this.#maxBytes = maxMessageBytes
  }

  /** An assembler without a message, with the parameters of the constructor: one that was given back, or a new one. */
  static take(scratchPool: ScratchPool, maxMessageBytes: number, textForm: TextForm = 'string'): MessageAssembler {
    const assembler = spares.take()
    if (assembler === undefined) return new MessageAssembler(scratchPool, maxMessageBytes, textForm)
    assembler.#pool = scratchPool
    assembler.#maxBytes = maxMessageBytes
    assembler.#textForm = textForm
    return assembler
  }

  /** Takes back an assembler that has no message under way and has not failed. The caller must not use it any more. */
  static give(assembler: MessageAssembler): void {
    spares.give(assembler)
  }

  // The pool has it. A field of our own would cost every connection its memory.
  #payload(): Payload {
    return this.#pool.payload
  }

  /** Bytes of memory that an incomplete message takes. */
  get heldBytes(): number {
    return this.#buffer?.length ?? 0
  }

  get messageBytes(): number {
    return this.#messageBytes
  }

  get isText(): boolean {
    return this.#isText
  }

  get isUnderWay(): boolean {
    return this.#underWay
  }

  /**
   * Begins a data frame after its header.
   * @param arrivesAs number of bytes that `add` will get for this frame: its length, or undefined if an extension
   * changes it
   */
  beginFrame(opcode: number, fin: boolean, arrivesAs: number | undefined): void {
    if (opcode === Opcode.continuation) {
      if (!this.#underWay) throw new ProtocolError('continuationWithoutMessage')
    } else {
      if (this.#underWay) throw new ProtocolError('messageWithinMessage', `opcode ${opcode}`)
      this.#underWay = true
      this.#isText = opcode === Opcode.text
    }
    this.#fin = fin
    if (arrivesAs !== undefined) this.#checkLength(arrivesAs)
  }

  /**
   * Adds a piece of the current frame's payload; `remaining` bytes of the frame follow. Returns the message if this
   * completes it.
   * @param isAscii whether the piece is known to be ASCII
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    remaining: number,
    isAscii = false,
  ): string | Uint8Array | undefined {
    const completes = this.#fin && remaining === 0
    if (completes && this.#length === 0) return this.#takeWhole(bytes, start, end, isAscii)
    this.#gather(bytes, start, end, remaining, isAscii)
    return completes ? this.finish() : undefined
  }

  /**
   * Adds a piece of a message that an extension decoded; `last` at the end of the message. Returns the message if this
   * completes it.
   */
  addDecoded(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined {
    this.#fin = last
    this.#checkLength(end - start)
    return this.add(bytes, start, end, 0)
  }

  /** Completes the message and returns it. */
  finish(): string | Uint8Array {
    if (this.#utf8State !== 0) throw new ProtocolError('textNotUtf8', 'it ends within a character')
    const buffer = this.#buffer ?? this.#payload().allocate(0)
    const message = this.#makesString()
      ? this.#payload().decode(buffer, 0, this.#length, this.#isAscii)!
      : this.#bytes(buffer)
    if (message === buffer) this.#buffer = undefined
    this.#messageBytes = this.#length
    this.release()
    return message
  }

  /**
   * Returns the pool's chunk between reads, except during asynchronous decoding: otherwise an unfinished message would
   * hold more memory than its peer has sent.
   */
  readEnds(): void {
    if (!this.#isInChunk()) return
    this.#moveTo(this.#payload().allocate(Math.min(this.#maxBytes, Math.max(this.#length, firstCapacity))), false)
  }

  /** Drops the current message. */
  release(): void {
    if (this.#isPooled) this.#pool.give(this.#buffer!)
    else if (this.#buffer !== undefined) this.#pool.giveBuffer(this.#buffer)
    this.#underWay = false
    this.#buffer = undefined
    this.#isPooled = false
    this.#length = 0
    this.#utf8State = 0
    this.#isAscii = true
  }

  /** The whole message arrived in one piece, so nothing is gathered. */
  #takeWhole(bytes: Uint8Array, start: number, end: number, isAscii: boolean): string | Uint8Array {
    this.#underWay = false
    this.#messageBytes = end - start
    if (!this.#makesString()) {
      if (this.#mustCheck(isAscii) && this.#payload().validate(0, bytes, start, end) !== 0) {
        throw new ProtocolError('textNotUtf8')
      }
      return this.#payload().copy(bytes, start, end)
    }
    const text = this.#payload().decode(bytes, start, end, isAscii)
    if (text === undefined) throw new ProtocolError('textNotUtf8')
    return text
  }

  #gather(bytes: Uint8Array, start: number, end: number, remaining: number, isAscii: boolean): void {
    const length = end - start
    if (length === 0) return
    this.#checkLength(length)
    if (this.#mustCheck(isAscii && this.#utf8State === 0)) {
      this.#isAscii = false
      this.#utf8State = this.#payload().validate(this.#utf8State, bytes, start, end)
      if (this.#utf8State < 0) throw new ProtocolError('textNotUtf8')
    }
    this.#reserve(this.#length + length, remaining)
    copyBytes(bytes, start, end, this.#buffer!, this.#length)
    this.#length += length
  }

  #makesString(): boolean {
    return this.#isText && this.#textForm === 'string'
  }

  #mustCheck(isValid: boolean): boolean {
    return this.#isText && !isValid && this.#textForm !== 'uncheckedBytes'
  }

  #checkLength(more: number): void {
    if (this.#length + more > this.#maxBytes) {
      throw new ProtocolError('messageTooBig', `${this.#length + more} bytes, at most ${this.#maxBytes} are accepted`)
    }
  }

  #bytes(buffer: Uint8Array): Uint8Array {
    const isOwn = !this.#isPooled && this.#length === buffer.length
    return isOwn ? buffer : this.#payload().copy(buffer, 0, this.#length)
  }

  /**
   * Grows the buffer: to the exact length once the last frame has begun and enough of it has arrived, else at least to
   * the double, up to the limit. Frames of one read are gathered in a pool chunk first, which avoids moving the bytes
   * each time (`npm run bench`, row `fragments`).
   */
  #reserve(needed: number, remaining: number): void {
    const capacity = this.#buffer?.length ?? 0
    if (needed <= capacity) return
    const { chunkBytes } = this.#pool
    const known = needed + remaining
    const grown = Math.max(firstCapacity, Math.min(known, maxAllocationFactor * needed))
    if (this.#buffer === undefined && !this.#fin && known <= chunkBytes) {
      this.#moveTo(this.#pool.take(), true)
      return
    }
    const wanted = this.#fin ? Math.min(known, grown) : Math.min(this.#maxBytes, Math.max(grown, 2 * capacity))
    const isPooled = (this.#makesString() || this.#payload().copiesMessages === true) && wanted > chunkBytes
    if (isPooled) this.#moveTo(this.#pool.takeLong(wanted), true)
    // If the next piece completes the message, its buffer has the exact length and needs no copy.
    else this.#moveTo(this.#pool.takeBuffer(wanted, wanted === known ? wanted : 2 * wanted), false)
  }

  #moveTo(buffer: Uint8Array, isPooled: boolean): void {
    if (this.#buffer !== undefined) copyBytes(this.#buffer, 0, this.#length, buffer, 0)
    // A long buffer that was outgrown is not worth keeping.
    if (this.#isInChunk()) this.#pool.give(this.#buffer!)
    this.#buffer = buffer
    this.#isPooled = isPooled
  }

  #isInChunk(): boolean {
    return this.#isPooled && this.#buffer!.length === this.#pool.chunkBytes
  }
}

import type { Payload } from '../../ports/payload.js'
import { ProtocolError } from '../errors.js'
import { Opcode } from '../opcode.js'
import { copyBytes } from '../payload/copy-bytes.js'
import type { ScratchPool } from '../sending/scratch-pool.js'
import type { MessageSink } from './message-sink.js'

/** What a fragmented message starts with; it grows by doubling. */
const firstCapacity = 1024

/** How much is allocated for what a frame announces, as a multiple of what has come: to announce costs a peer nothing. */
const maxAllocationFactor = 32

/**
 * Puts a message together from the payloads of its frames, RFC 6455 §5.4, in one growing buffer, so that a message
 * of many small fragments takes no more memory than its bytes, but for a chunk of the pool until the read ends.
 *
 * Limits are checked before anything is allocated. Text is checked as it arrives and fails at the first byte that
 * is not UTF-8 (§8.1). A message is a string for text and bytes of its own for binary.
 */
export class MessageAssembler implements MessageSink {
  readonly #payload: Payload
  readonly #pool: ScratchPool
  readonly #maxBytes: number
  #underWay = false
  #isText = false
  #fin = false
  #buffer: Uint8Array | undefined
  /** Whether the buffer is the pool's, to be given back. */
  #isPooled = false
  #length = 0
  #utf8State = 0
  /** Whether all that is gathered is known to be ASCII. */
  #isAscii = true

  /**
   * @param scratchPool where a long text is gathered, as the string that becomes of it has memory of its own, and what
   * fits a chunk of a message of several frames, until the read ends
   */
  constructor(payload: Payload, scratchPool: ScratchPool, maxMessageBytes: number) {
    this.#payload = payload
    this.#pool = scratchPool
    this.#maxBytes = maxMessageBytes
  }

  /** Bytes of memory taken for a message that is not complete. */
  get heldBytes(): number {
    return this.#buffer?.length ?? 0
  }

  get isUnderWay(): boolean {
    return this.#underWay
  }

  /**
   * A data frame's header came.
   * @param arrivesAs the bytes that `add` will be given for this frame: its length, or undefined where an extension
   * changes them
   */
  beginFrame(opcode: number, fin: boolean, arrivesAs: number | undefined): void {
    if (opcode === Opcode.continuation) {
      if (!this.#underWay) throw new ProtocolError('continuationWithoutMessage')
    } else {
      if (this.#underWay) throw new ProtocolError('messageWithinMessage')
      this.#underWay = true
      this.#isText = opcode === Opcode.text
    }
    this.#fin = fin
    if (arrivesAs !== undefined) this.#checkLength(arrivesAs)
  }

  /**
   * Takes a piece of the payload of the frame begun last; `remaining` bytes of that frame are still to come.
   * Returns the message where the piece completes it.
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
   * Takes a piece of payload that is no frame's own: what came out of an extension. `last` with the message's end.
   * Returns the message where the piece completes it.
   */
  addDecoded(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined {
    this.#fin = last
    this.#checkLength(end - start)
    return this.add(bytes, start, end, 0)
  }

  /** Ends the message and returns it. */
  finish(): string | Uint8Array {
    if (this.#utf8State !== 0) throw new ProtocolError('textNotUtf8', 'it ends within a character')
    const buffer = this.#buffer ?? this.#payload.allocate(0)
    const message = this.#isText ? this.#payload.decode(buffer, 0, this.#length, this.#isAscii)! : this.#bytes(buffer)
    if (message === buffer) this.#buffer = undefined
    this.release()
    return message
  }

  /**
   * No chunk of the pool is held from one read to the next, but while a piece is decoded that takes longer: whoever sends
   * half a message would hold more than he sent.
   */
  readEnds(): void {
    if (!this.#isInChunk) return
    this.#moveTo(this.#payload.allocate(Math.min(this.#maxBytes, Math.max(this.#length, firstCapacity))), false)
  }

  /** Forgets the message under way. */
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

  /** The whole message arrived in one piece: nothing needs to be gathered. */
  #takeWhole(bytes: Uint8Array, start: number, end: number, isAscii: boolean): string | Uint8Array {
    this.#underWay = false
    if (!this.#isText) return this.#payload.copy(bytes, start, end)
    const text = this.#payload.decode(bytes, start, end, isAscii)
    if (text === undefined) throw new ProtocolError('textNotUtf8')
    return text
  }

  #gather(bytes: Uint8Array, start: number, end: number, remaining: number, isAscii: boolean): void {
    const length = end - start
    if (length === 0) return
    this.#checkLength(length)
    if (this.#isText && !(isAscii && this.#utf8State === 0)) {
      this.#isAscii = false
      this.#utf8State = this.#payload.validate(this.#utf8State, bytes, start, end)
      if (this.#utf8State < 0) throw new ProtocolError('textNotUtf8')
    }
    this.#reserve(this.#length + length, remaining)
    copyBytes(bytes, start, end, this.#buffer!, this.#length)
    this.#length += length
  }

  #checkLength(more: number): void {
    if (this.#length + more > this.#maxBytes) {
      throw new ProtocolError('messageTooBig', `${this.#length + more} bytes, where ${this.#maxBytes} are taken`)
    }
  }

  #bytes(buffer: Uint8Array): Uint8Array {
    const isOwn = !this.#isPooled && this.#length === buffer.length
    return isOwn ? buffer : this.#payload.copy(buffer, 0, this.#length)
  }

  /**
   * Makes room: exactly what the message needs where its last frame has begun and enough of it has come, else by doubling
   * or more, up to the limit. What
   * several frames bring in one read is gathered in a chunk of the pool first: 16 KiB in 16 of them would be moved, and
   * leave garbage behind, four times.
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
    const isPooled = this.#isText && wanted > chunkBytes
    if (isPooled) this.#moveTo(this.#pool.takeLong(wanted), true)
    // What comes next may complete the message: then its buffer is exactly as long, and needs no copy.
    else this.#moveTo(this.#pool.takeBuffer(wanted, wanted === known ? wanted : 2 * wanted), false)
  }

  #moveTo(buffer: Uint8Array, isPooled: boolean): void {
    if (this.#buffer !== undefined) copyBytes(this.#buffer, 0, this.#length, buffer, 0)
    // What is longer than a chunk and was too short is not worth keeping.
    if (this.#isInChunk) this.#pool.give(this.#buffer!)
    this.#buffer = buffer
    this.#isPooled = isPooled
  }

  get #isInChunk(): boolean {
    return this.#isPooled && this.#buffer!.length === this.#pool.chunkBytes
  }
}

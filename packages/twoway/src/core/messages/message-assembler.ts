import type { Payload } from '../../ports/payload.js'
import { copyOctets } from '../copy-octets.js'
import { ProtocolError } from '../errors.js'
import { Opcode } from '../frames/opcode.js'
import type { ScratchPool } from '../scratch-pool.js'
import type { MessageSink } from './message-sink.js'

/** What a fragmented message starts with; it grows by doubling. */
const firstCapacity = 1024

/**
 * Puts a message together from the payloads of its frames, RFC 6455 §5.4, in one growing buffer, so that a message
 * of many small fragments takes no more memory than its bytes.
 *
 * Limits are checked before anything is allocated. Text is checked as it arrives and fails at the first octet that
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
  #isPooled = false
  #length = 0
  #utf8State = 0
  /** Whether all that is gathered is known to be ASCII. */
  #isAscii = true

  /** @param scratchPool where a long text is gathered, as the string that becomes of it has memory of its own */
  constructor(payload: Payload, scratchPool: ScratchPool, maxMessageBytes: number) {
    this.#payload = payload
    this.#pool = scratchPool
    this.#maxBytes = maxMessageBytes
  }

  /** Octets held for a message that is not complete. */
  get heldBytes(): number {
    return this.#buffer?.length ?? 0
  }

  /**
   * A data frame's header came.
   * @param arrivesAs the octets that `add` will be given for this frame: its length, or undefined where an extension
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
   * Takes a piece of the payload of the frame begun last; `remaining` octets of that frame are still to come.
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
    const length = this.#length
    if (!this.#isText) {
      this.release()
      return length === buffer.length ? buffer : this.#payload.copy(buffer, 0, length)
    }
    const text = this.#payload.decode(buffer, 0, length, this.#isAscii)!
    this.release()
    return text
  }

  /** Forgets the message under way. */
  release(): void {
    if (this.#isPooled) this.#pool.give(this.#buffer!)
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
    copyOctets(bytes, start, end, this.#buffer!, this.#length)
    this.#length += length
  }

  #checkLength(more: number): void {
    if (this.#length + more > this.#maxBytes) {
      throw new ProtocolError('messageTooBig', `${this.#length + more} octets, where ${this.#maxBytes} are taken`)
    }
  }

  /** Makes room: exactly what the message needs where its last frame has begun, else by doubling up to the limit. */
  #reserve(needed: number, remaining: number): void {
    const capacity = this.#buffer?.length ?? 0
    if (needed <= capacity) return
    const known = needed + remaining
    const wanted = this.#fin ? known : Math.min(this.#maxBytes, Math.max(known, 2 * capacity, firstCapacity))
    const isPooled = this.#isText && wanted > this.#pool.chunkBytes
    const buffer = isPooled ? this.#pool.takeLong(wanted) : this.#payload.allocate(wanted)
    if (this.#buffer !== undefined) buffer.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = buffer
    this.#isPooled = isPooled
  }
}

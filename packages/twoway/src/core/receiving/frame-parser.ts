import type { Payload } from '../../ports/payload.js'
import { ProtocolError } from '../errors.js'
import { definedOpcodes, isControl, Opcode } from '../opcode.js'

/** The longest header: two bytes, a 64-bit length, a masking key. */
const longestHeader = 14

/**
 * Reads frames out of bytes as they arrive, RFC 6455 §5.2, a step at a time.
 *
 * A step covers a frame's header, where one begins, and what has arrived of its payload, unmasked in place.
 * The fields describe the last step; nothing is allocated but, once, a place for a header that is cut.
 * After a ProtocolError the parser must not be used again.
 */
export class FrameParser {
  /** The frame's first byte, taken apart. */
  fin = false
  reservedBits = 0
  opcode = 0
  /** The length of the frame's whole payload, in bytes. */
  length = 0
  /** Whether the frame's header was read in this step. */
  begins = false
  /** The payload read in this step: `bytes[start, end)`. The next step begins at `end`. */
  start = 0
  end = 0
  /** Whether the payload read in this step is known to be ASCII. */
  isAscii = false
  /** Bytes of the frame's payload still to come; 0 where the frame is complete. */
  remaining = 0

  readonly #expectsMask: boolean
  readonly #payload: Payload
  readonly #messageBits: number
  #maskingKey = 0
  #stash: Uint8Array | undefined
  #stashed = 0

  /**
   * @param role whose frames these are not: a server reads masked frames, a client unmasked ones (§5.1)
   * @param messageBits the reserved bits that an extension uses on the first frame of a message: 4 is RSV1
   */
  constructor(role: 'client' | 'server', payload: Payload, messageBits = 0) {
    this.#expectsMask = role === 'server'
    this.#payload = payload
    this.#messageBits = messageBits
  }

  /** Whether a frame has begun of which the rest has not come. */
  get isWithinFrame(): boolean {
    return this.remaining > 0 || this.#stashed > 0
  }

  /**
   * Takes one step into `bytes[at, end)`, which is not empty.
   * Returns false where that ends within a header: then all of it was taken, and no field has a meaning.
   */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    this.begins = this.remaining === 0
    if (this.begins) {
      const payloadAt = this.#stashed === 0 ? this.#readHeader(bytes, at, end) : this.#readCutHeader(bytes, at, end)
      if (payloadAt < 0) return false
      this.#readPayload(bytes, payloadAt, end)
    } else {
      this.#readPayload(bytes, at, end)
    }
    return true
  }

  #readPayload(bytes: Uint8Array, at: number, end: number): void {
    const until = this.remaining < end - at ? at + this.remaining : end
    if (this.#expectsMask && until > at) {
      this.isAscii = this.#payload.unmask(bytes, at, until, this.#maskingKey, this.length - this.remaining)
    }
    this.start = at
    this.end = until
    this.remaining -= until - at
  }

  /** Returns where the payload begins, or -1 where the header is cut; then it is stashed. */
  #readHeader(bytes: Uint8Array, at: number, end: number): number {
    const size = this.#parseHeader(bytes, at, end)
    if (size > 0) return at + size
    this.#stash ??= new Uint8Array(longestHeader)
    while (at < end) this.#stash[this.#stashed++] = bytes[at++]!
    return -1
  }

  #readCutHeader(bytes: Uint8Array, at: number, end: number): number {
    const stash = this.#stash!
    while (at < end) {
      stash[this.#stashed++] = bytes[at++]!
      if (this.#parseHeader(stash, 0, this.#stashed) > 0) {
        this.#stashed = 0
        return at
      }
    }
    return -1
  }

  /** Checks what there is of a header, and returns its size once it is complete, else 0. */
  #parseHeader(bytes: Uint8Array, at: number, end: number): number {
    const first = bytes[at]!
    const opcode = first & 0x0f
    const reservedBits = (first >> 4) & 0b111
    const fin = first >= 0x80
    if (reservedBits !== 0) this.#checkReservedBits(reservedBits, opcode)
    if (((definedOpcodes >> opcode) & 1) === 0) throw new ProtocolError('reservedOpcode', `0x${opcode.toString(16)}`)
    if (isControl(opcode) && !fin) throw new ProtocolError('controlFragmented')
    if (end - at < 2) return 0

    const second = bytes[at + 1]!
    const masked = second >= 0x80
    let length = second & 0x7f
    let size = 2
    if (masked !== this.#expectsMask) throw new ProtocolError(masked ? 'frameMasked' : 'frameNotMasked')
    if (isControl(opcode) && length > 125) throw new ProtocolError('controlTooLong')
    if (length === 126) {
      size = 4
      if (end - at < size) return 0
      length = (bytes[at + 2]! << 8) | bytes[at + 3]!
      if (length < 126) throw new ProtocolError('lengthNotMinimal', `${length} in 16 bits`)
    } else if (length === 127) {
      size = 10
      if (end - at < size) return 0
      const high = readUint32(bytes, at + 2)
      if (high >= 2 ** 31) throw new ProtocolError('lengthOver63Bits')
      length = high * 2 ** 32 + readUint32(bytes, at + 6)
      if (length < 2 ** 16) throw new ProtocolError('lengthNotMinimal', `${length} in 64 bits`)
    }
    if (masked) {
      if (end - at < size + 4) return 0
      const key = at + size
      this.#maskingKey = bytes[key]! | (bytes[key + 1]! << 8) | (bytes[key + 2]! << 16) | (bytes[key + 3]! << 24)
      size += 4
    }
    this.fin = fin
    this.reservedBits = reservedBits
    this.opcode = opcode
    this.length = length
    this.remaining = length
    return size
  }

  #checkReservedBits(bits: number, opcode: number): void {
    const startsMessage = opcode === Opcode.text || opcode === Opcode.binary
    if ((bits & ~this.#messageBits) !== 0 || !startsMessage) {
      const names = ['RSV1', 'RSV2', 'RSV3'].filter((_, index) => bits & (4 >> index))
      throw new ProtocolError('reservedBits', names.join(', '))
    }
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

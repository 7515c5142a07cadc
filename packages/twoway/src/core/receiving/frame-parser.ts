import type { Payload } from '../../ports/payload.js'
import { ProtocolError } from '../errors.js'
import { definedOpcodes, isControl, Opcode } from '../opcode.js'
import { Spares } from '../spares.js'

/** Two bytes, a 64-bit length and a masking key. */
const longestHeader = 14

/** Parsers that were given back. More connections seldom have an incomplete frame in one turn. */
const spares = new Spares<FrameParser>(64)

/**
 * Parses frames as bytes arrive, RFC 6455 §5.2, in steps.
 *
 * A step reads a frame's header, if one begins, and the received part of its payload, which it unmasks in place. The
 * fields describe the last step. The only allocation is one buffer for split headers. After a ProtocolError the parser
 * must not be used.
 */
export class FrameParser {
  /** The parts of the frame's first byte. */
  fin = false
  reservedBits = 0
  opcode = 0
  /** Length of the frame's whole payload in bytes. */
  length = 0
  /** Whether this step read the frame's header. */
  begins = false
  /** The payload that this step read: `bytes[start, end)`. The next step begins at `end`. */
  start = 0
  end = 0
  /** Whether the payload of this step is known to be ASCII. */
  isAscii = false
  /** Bytes of the frame's payload that have not arrived; 0 if the frame is complete. */
  remaining = 0

  #expectsMask: boolean
  #payload: Payload
  #messageBits: number
  #maskingKey = 0
  #splitHeader: Uint8Array | undefined
  #splitLength = 0

  /**
   * @param role of this endpoint: a server requires masked frames, a client unmasked ones (§5.1)
   * @param messageBits reserved bits that an extension uses on a message's first frame: 4 is RSV1
   */
  constructor(role: 'client' | 'server', payload: Payload, messageBits = 0) {
    this.#expectsMask = role === 'server'
    this.#payload = payload
    this.#messageBits = messageBits
  }

  /** A parser that expects the start of a frame, with the parameters of the constructor: one that was given back, or a new one. */
  static take(role: 'client' | 'server', payload: Payload, messageBits = 0): FrameParser {
    const parser = spares.take()
    if (parser === undefined) return new FrameParser(role, payload, messageBits)
    parser.#expectsMask = role === 'server'
    parser.#payload = payload
    parser.#messageBits = messageBits
    // A client's payloads are not masked, so its parser never finds out.
    parser.isAscii = false
    return parser
  }

  /** Takes back a parser that is not within a frame and has not failed. The caller must not use it any more. */
  static give(parser: FrameParser): void {
    spares.give(parser)
  }

  /** Whether a frame is incomplete. */
  get isWithinFrame(): boolean {
    return this.remaining > 0 || this.#splitLength > 0
  }

  /**
   * Takes one step into `bytes[at, end)`, which must not be empty. Returns false if the header is still incomplete at
   * `end`: all bytes are consumed then, and the fields are undefined.
   */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    this.begins = this.remaining === 0
    if (this.begins) {
      const payloadAt =
        this.#splitLength === 0 ? this.#readHeader(bytes, at, end) : this.#readSplitHeader(bytes, at, end)
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

  /** Returns where the payload begins, or -1 if the header is split. Its part is kept then. */
  #readHeader(bytes: Uint8Array, at: number, end: number): number {
    const size = this.#parseHeader(bytes, at, end)
    if (size > 0) return at + size
    this.#splitHeader ??= new Uint8Array(longestHeader)
    while (at < end) this.#splitHeader[this.#splitLength++] = bytes[at++]!
    return -1
  }

  #readSplitHeader(bytes: Uint8Array, at: number, end: number): number {
    const splitHeader = this.#splitHeader!
    while (at < end) {
      splitHeader[this.#splitLength++] = bytes[at++]!
      if (this.#parseHeader(splitHeader, 0, this.#splitLength) > 0) {
        this.#splitLength = 0
        return at
      }
    }
    return -1
  }

  /** Checks the received part of a header. Returns its size if it is complete, else 0. */
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

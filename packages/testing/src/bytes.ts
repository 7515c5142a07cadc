/** The bytes that a hexadecimal text names; it may contain spaces. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** The parts of a frame that differ from a complete one with its own length. */
export interface FrameForm {
  readonly fin?: boolean
  /** 4 is RSV1. */
  readonly reservedBits?: number
  readonly masked?: boolean
  readonly maskingKey?: Uint8Array
  /** The form of the length: 7, 16 or 64 bits; the shortest by default. */
  readonly lengthBits?: 7 | 16 | 64
  /** The length that the header announces; the payload's own by default. */
  readonly length?: number | bigint
}

interface FrameParts extends FrameForm {
  readonly opcode: number
  readonly payload?: Uint8Array | string
}

const fixedKey = fromHex('37fa213d')

/** A frame as RFC 6455 §5.2 defines it, or one that breaks its rules where the form asks for it. It shares no code with the library's writer. */
export function frame({
  fin = true,
  reservedBits = 0,
  opcode,
  payload = '',
  masked = false,
  maskingKey = fixedKey,
  lengthBits,
  length,
}: FrameParts): Uint8Array {
  const data = typeof payload === 'string' ? utf8(payload) : payload
  const announced = BigInt(length ?? data.length)
  const bits = lengthBits ?? (announced < 126n ? 7 : announced < 65536n ? 16 : 64)
  const header = new Uint8Array(bits === 7 ? 2 : bits === 16 ? 4 : 10)
  const view = new DataView(header.buffer)
  view.setUint8(0, (fin ? 0x80 : 0) | (reservedBits << 4) | opcode)
  view.setUint8(1, (masked ? 0x80 : 0) | (bits === 7 ? Number(announced) : bits === 16 ? 126 : 127))
  if (bits === 16) view.setUint16(2, Number(announced))
  if (bits === 64) view.setBigUint64(2, announced)
  if (!masked) return concat(header, data)
  const maskedData = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at++) maskedData[at] = data[at]! ^ maskingKey[at & 3]!
  return concat(header, maskingKey, maskedData)
}

/** A frame as a client sends it: masked, unless the form says otherwise. */
export function clientFrame(opcode: number, payload: Uint8Array | string = '', form: FrameForm = {}): Uint8Array {
  return frame({ masked: true, ...form, opcode, payload })
}

/** The octets of a text in hex; spaces may stand anywhere. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], (octet) => Number.parseInt(octet, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, '0')).join('')
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

interface FrameParts {
  readonly fin?: boolean
  /** 4 is RSV1. */
  readonly reservedBits?: number
  readonly opcode: number
  readonly payload?: Uint8Array | string
  readonly masked?: boolean
  /** The form of the length: 7, 16 or 64 bits; the shortest by default. */
  readonly lengthBits?: 7 | 16 | 64
}

const maskingKey = fromHex('37fa213d')

/** A frame as RFC 6455 §5.2 has it, or, where it is asked for, one that breaks its rules. Written apart from the library's own writer. */
export function frame({
  fin = true,
  reservedBits = 0,
  opcode,
  payload = '',
  masked = false,
  lengthBits,
}: FrameParts): Uint8Array {
  const data = typeof payload === 'string' ? utf8(payload) : payload
  const bits = lengthBits ?? (data.length < 126 ? 7 : data.length < 65536 ? 16 : 64)
  const length = bits === 7 ? [data.length] : [bits === 16 ? 126 : 127]
  for (let at = bits / 8 - 1; bits > 7 && at >= 0; at--) length.push(Math.floor(data.length / 2 ** (8 * at)) % 256)
  length[0]! |= masked ? 0x80 : 0
  const head = Uint8Array.from([(fin ? 0x80 : 0) | (reservedBits << 4) | opcode, ...length])
  if (!masked) return concat(head, data)
  return concat(
    head,
    maskingKey,
    data.map((octet, index) => octet ^ maskingKey[index % 4]!),
  )
}

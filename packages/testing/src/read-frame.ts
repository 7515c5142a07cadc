export interface ReceivedFrame {
  readonly fin: boolean
  readonly reservedBits: number
  readonly masked: boolean
  readonly opcode: number
  /** Unmasked, and a copy. */
  readonly payload: Buffer
  /** The position behind the frame. */
  readonly end: number
}

/** Reads the frame that starts at a position, or returns undefined where it is incomplete. It shares no code with the library's parser. */
export function readFrame(bytes: Uint8Array, start = 0): ReceivedFrame | undefined {
  const available = bytes.length - start
  if (available < 2) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, available)
  const masked = view.getUint8(1) >= 0x80
  const short = view.getUint8(1) & 0x7f
  const lengthEnd = short < 126 ? 2 : short === 126 ? 4 : 10
  const header = lengthEnd + (masked ? 4 : 0)
  if (available < header) return undefined
  const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2))
  if (available < header + length) return undefined
  const payload = Buffer.from(bytes.subarray(start + header, start + header + length))
  if (masked) for (let at = 0; at < length; at++) payload[at]! ^= view.getUint8(lengthEnd + (at & 3))
  return {
    fin: view.getUint8(0) >= 0x80,
    reservedBits: (view.getUint8(0) >> 4) & 7,
    masked,
    opcode: view.getUint8(0) & 0x0f,
    payload,
    end: start + header + length,
  }
}

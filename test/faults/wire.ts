import { randomBytes } from 'node:crypto'

/** What of a frame differs from what a client that keeps the rules sends. */
export interface FrameForm {
  readonly fin?: boolean
  readonly reservedBits?: number
  readonly masked?: boolean
  /** The form of the length: the shortest by default. */
  readonly lengthBits?: 7 | 16 | 64
  /** The length that is told: the payload's own by default. */
  readonly length?: number
}

/** The octets of a frame, by the letter of RFC 6455 §5.2 or as it is asked for. Written apart from the library's own writer. */
export function frame(opcode: number, payload: string | Uint8Array = '', form: FrameForm = {}): Buffer {
  const data = Buffer.from(payload as Uint8Array)
  const { fin = true, reservedBits = 0, masked = true, length = data.length } = form
  const bits = form.lengthBits ?? (length < 126 ? 7 : length < 65536 ? 16 : 64)
  const head = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10)
  head[0] = (fin ? 0x80 : 0) | (reservedBits << 4) | opcode
  head[1] = (masked ? 0x80 : 0) | (bits === 7 ? length : bits === 16 ? 126 : 127)
  if (bits === 16) head.writeUInt16BE(length, 2)
  if (bits === 64) head.writeBigUInt64BE(BigInt(length), 2)
  if (!masked) return Buffer.concat([head, data])
  const key = randomBytes(4)
  for (let at = 0; at < data.length; at++) data[at]! ^= key[at & 3]!
  return Buffer.concat([head, key, data])
}

export const text = 1
export const binary = 2
export const close = 8
export const ping = 9
export const pong = 10

/** The lines of a request that keeps every rule, but for what is changed: `undefined` leaves a field out. */
export function requestLines(
  port: number,
  changes: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): string[] {
  const fields = {
    Host: `127.0.0.1:${port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...changes,
  }
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `${name}: ${each}`),
  )
}

/** The octets of a request: a start line, and what `requestLines` gives. */
export function request(lines: readonly string[], startLine = 'GET / HTTP/1.1'): string {
  return `${[startLine, ...lines].join('\r\n')}\r\n\r\n`
}

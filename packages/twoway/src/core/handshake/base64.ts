import { decodeLatin1, encodeLatin1 } from '../http/latin1.js'

const digits = encodeLatin1('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const padding = 0x3d

/** Encodes bytes as padded base64, RFC 4648 §4. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = new Uint8Array(4 * Math.ceil(bytes.length / 3))
  writeBase64(bytes, text, 0)
  return decodeLatin1(text, 0, text.length)
}

/** Writes that base64 to `target` from `at` on. */
export function writeBase64(bytes: Uint8Array, target: Uint8Array, at: number): void {
  const { length } = bytes
  for (let from = 0, to = at; from < length; from += 3, to += 4) {
    const rest = length - from
    const group = (bytes[from]! << 16) | (rest > 1 ? bytes[from + 1]! << 8 : 0) | (rest > 2 ? bytes[from + 2]! : 0)
    target[to] = digits[group >> 18]!
    target[to + 1] = digits[(group >> 12) & 63]!
    target[to + 2] = rest > 1 ? digits[(group >> 6) & 63]! : padding
    target[to + 3] = rest > 2 ? digits[group & 63]! : padding
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The base64 of some octets, padded, RFC 4648 §4. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const octets = bytes.length - at
    text += alphabet[group >> 18]! + alphabet[(group >> 12) & 63]!
    text += octets > 1 ? alphabet[(group >> 6) & 63] : '='
    text += octets > 2 ? alphabet[group & 63] : '='
  }
  return text
}

/**
 * The octets that a base64 text stands for, or undefined where it is not the one text that encoding them gives:
 * other characters, missing padding and pad bits that are not zero are refused, as RFC 4648 §3.5 lets a decoder do.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = /^([A-Za-z0-9+/]*)={0,2}$/.exec(text)?.[1]
  if (digits === undefined) return undefined
  const bytes = new Uint8Array(Math.floor((digits.length * 6) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of digits) {
    bits = ((bits << 6) | alphabet.indexOf(digit)) & 0xfff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = bits >> held
  }
  return encodeBase64(bytes) === text ? bytes : undefined
}

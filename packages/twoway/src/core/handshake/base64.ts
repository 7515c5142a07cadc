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

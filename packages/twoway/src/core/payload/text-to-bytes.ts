import type { Payload } from '../../ports/payload.js'

/**
 * A text in UTF-8, in a buffer of its own; a lone surrogate becomes U+FFFD.
 * @param length in bytes, where it is known
 */
export function textToBytes(payload: Payload, text: string, length = payload.byteLength(text)): Uint8Array {
  const bytes = payload.allocate(length)
  payload.encodeInto(text, bytes, 0)
  return bytes
}

import type { Payload } from '../../ports/payload.js'

/**
 * Encodes a text as UTF-8 in a buffer of its own; a lone surrogate becomes U+FFFD.
 * @param length in bytes, if known
 */
export function textToBytes(payload: Payload, text: string, length = payload.byteLength(text)): Uint8Array {
  const bytes = payload.allocate(length)
  payload.encodeInto(text, bytes, 0)
  return bytes
}

import type { Payload } from '../../ports/payload.js'

/** A text in UTF-8, in a buffer of its own; a lone surrogate becomes U+FFFD. */
export function textToBytes(payload: Payload, text: string): Uint8Array {
  const bytes = payload.allocate(payload.byteLength(text))
  payload.encodeInto(text, bytes, 0)
  return bytes
}

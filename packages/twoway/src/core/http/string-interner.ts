import { decodeLatin1 } from './latin1.js'

/** A power of two. Together with `longestText`, it bounds the memory of the table to 128 KiB. */
const slots = 512
const longestText = 256

/**
 * Decodes Latin-1 texts and returns the same string for the same bytes. Handshakes repeat most texts: field names, and
 * values from a browser, a host name or a proxy. So a connection keeps little more of its handshake than its key, and
 * known texts need no decoding.
 *
 * A text is stored when it comes the second time in a row, so that unique texts, such as keys and cookies, displace
 * nothing.
 */
export class StringInterner {
  readonly #texts: string[] = new Array(slots).fill('')
  /** The hash of the last text looked up in each slot. */
  readonly #hashes = new Int32Array(slots)

  /** The text of `bytes[start, end)`, one character per byte. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start
    if (length > longestText) return decodeLatin1(bytes, start, end)
    // FNV-1a. A peer that forces collisions only loses the sharing.
    let hash = length
    for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    const slot = (hash ^ (hash >>> 16)) & (slots - 1)
    const known = this.#texts[slot]!
    if (isTextOf(known, bytes, start, length)) return known
    const text = decodeLatin1(bytes, start, end)
    if (this.#hashes[slot] === hash) this.#texts[slot] = text
    this.#hashes[slot] = hash
    return text
  }
}

function isTextOf(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let at = 0; at < length; at += 1) if (text.charCodeAt(at) !== bytes[start + at]) return false
  return true
}

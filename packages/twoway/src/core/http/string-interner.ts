import { decodeLatin1 } from './latin1.js'

/** A power of two. With `longestText` it bounds what is kept: 128 KiB. */
const slots = 512
const longestText = 256

/**
 * Reads texts of which most were read before, and hands out the same string for the same bytes: field names, and what
 * a browser, a host name or a proxy puts in every handshake. A connection then keeps of its own little more than its key
 * (40 bytes of heap in place of 700), and a text that is known is compared in a third of the time of making another.
 *
 * A text is kept from the second time on that it came, so that keys and cookies, which differ, drive nothing out.
 */
export class StringInterner {
  readonly #texts: string[] = new Array(slots).fill('')
  /** Of the text that each slot was asked for last. */
  readonly #hashes = new Int32Array(slots)

  /** The text of `bytes[start, end)`, a byte a character. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start
    if (length > longestText) return decodeLatin1(bytes, start, end)
    // FNV-1a. Whoever makes hashes collide gets strings of his own.
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

import { copyBytes } from '../../core/payload/copy-bytes.js'

/**
 * The most bytes of a write that are copied to one place first. Bun has no writev: a call of the system for the header alone
 * takes longer than the copy of a payload of this length.
 */
export const joinedBytes = 128 << 10

let joining: Uint8Array | undefined

/** Room for `joinedBytes`, which all sockets share: a socket takes bytes, or leaves them, within the call. */
export function joiningRoom(): Uint8Array {
  joining ??= new Uint8Array(joinedBytes)
  return joining
}

/** The bytes that the kernel has not taken, in order. It does not copy them. */
export class WriteQueue {
  #bytes = 0
  /** Undefined once nothing will be written any more. */
  #entries: Uint8Array[] | undefined = []

  /** Bytes that wait. They stay counted after `drop`. */
  get bytes(): number {
    return this.#bytes
  }

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length
    if (bytes.length > 0) this.#entries?.push(bytes)
  }

  /** Forgets the entries, but not their number of bytes. */
  drop(): void {
    this.#entries = undefined
  }

  /**
   * The bytes for the next write, valid until the next call. Short entries are joined. That also keeps a rule of OpenSSL,
   * which has encrypted the bytes of a write that was not taken: the next write must repeat them, and be no shorter.
   */
  next(): Uint8Array {
    const entries = this.#entries!
    const first = entries[0]!
    if (entries.length === 1 || first.length >= joinedBytes) return first
    const room = joiningRoom()
    let at = 0
    for (const bytes of entries) {
      const length = Math.min(bytes.length, joinedBytes - at)
      copyBytes(bytes, 0, length, room, at)
      at += length
      if (at === joinedBytes) break
    }
    return room.subarray(0, at)
  }

  /** The first bytes have been written. */
  taken(length: number): void {
    const entries = this.#entries!
    this.#bytes -= length
    let whole = 0
    let rest = length
    while (rest > 0 && entries[whole]!.length <= rest) rest -= entries[whole++]!.length
    if (whole > 0) entries.splice(0, whole)
    if (rest > 0) entries[0] = entries[0]!.subarray(rest)
  }
}

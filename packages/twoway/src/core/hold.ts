import type { Payload } from '../ports/payload.js'

/**
 * Bytes that arrived and could not be parsed yet, as copies, in their order: what a paused connection leaves of a
 * read, and a read that comes while another is being parsed.
 */
export class Hold {
  readonly #payload: Payload
  #bytes: Uint8Array | undefined
  #end = 0

  constructor(payload: Payload) {
    this.#payload = payload
  }

  get length(): number {
    return this.#end
  }

  /** Adds a copy of `bytes[start, end)` behind what is held. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.#put(this.#end, bytes, start, end)
  }

  /** Adds a copy of `bytes[start, end)` before what is held. */
  prepend(bytes: Uint8Array, start: number, end: number): void {
    this.#put(0, bytes, start, end)
  }

  /** Hands over all that is held; its length is the `length` read before. */
  take(): Uint8Array {
    const bytes = this.#bytes!
    this.clear()
    return bytes
  }

  clear(): void {
    this.#bytes = undefined
    this.#end = 0
  }

  #put(at: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length === 0) return
    const held = this.#bytes
    const needed = this.#end + length
    const room =
      held !== undefined && needed <= held.length ? held : this.#payload.allocate(Math.max(needed, 2 * this.#end))
    if (held !== undefined) {
      if (room !== held) room.set(held.subarray(0, at))
      room.set(held.subarray(at, this.#end), at + length)
    }
    room.set(bytes.subarray(start, end), at)
    this.#bytes = room
    this.#end = needed
  }
}

import type { Payload } from '../../ports/payload.js'

/**
 * Bytes that arrived and could not be parsed yet, as copies, in their order: what a paused connection leaves of a
 * read, and a read that comes while another is being parsed.
 */
export class InputBuffer {
  readonly #payload: Payload
  #bytes: Uint8Array | undefined
  #taken: Uint8Array | undefined
  #start = 0
  #end = 0

  constructor(payload: Payload) {
    this.#payload = payload
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** Bytes of memory that are taken for what is held. */
  get capacity(): number {
    return this.#bytes?.length ?? 0
  }

  /** Adds a copy of `bytes[start, end)` behind what is held. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.#put(this.length, bytes, start, end)
  }

  /**
   * Adds `bytes[start, end)` before what is held: a copy, but for the rest of what was taken last where nothing is held,
   * so that a connection that stops after each of many small messages does not copy the others each time.
   */
  prepend(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#taken && this.length === 0) this.#keep(bytes, start, end)
    else this.#put(0, bytes, start, end)
  }

  /** Hands over all that is held: the range that `start` and `end` were before, in bytes that are the caller's. */
  take(): Uint8Array {
    const bytes = this.#bytes!
    this.clear()
    this.#taken = bytes
    return bytes
  }

  /** Where what is held stands in the bytes that `take` hands over. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Forgets what is held, and what was taken. */
  clear(): void {
    this.#keep(undefined, 0, 0)
  }

  /** What is held is this. */
  #keep(bytes: Uint8Array | undefined, start: number, end: number): void {
    this.#bytes = bytes
    this.#taken = undefined
    this.#start = start
    this.#end = end
  }

  /** Puts a range among what is held, `at` bytes from its beginning. */
  #put(at: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length === 0) return
    const held = this.#bytes?.subarray(this.#start, this.#end)
    const needed = this.length + length
    if (held !== undefined && at === held.length && this.#end + length <= this.#bytes!.length) {
      this.#bytes!.set(bytes.subarray(start, end), this.#end)
      this.#end += length
      return
    }
    const room = this.#payload.allocate(Math.max(needed, 2 * this.length))
    if (held !== undefined) {
      room.set(held.subarray(0, at))
      room.set(held.subarray(at), at + length)
    }
    room.set(bytes.subarray(start, end), at)
    this.#keep(room, 0, needed)
  }
}

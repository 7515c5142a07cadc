import type { Payload } from '../../ports/payload.js'

/**
 * Copies of received bytes that were not processed yet, in order: the rest of a read after a pause, a read that came
 * during parsing, or compressed data that is gathered.
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

  /** Size of the buffer in bytes. */
  get capacity(): number {
    return this.#bytes?.length ?? 0
  }

  /** Appends a copy of `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    this.#put(this.length, bytes, start, end)
  }

  /**
   * Puts `bytes[start, end)` in front. Copies them, unless the buffer is empty and they are the rest of what was taken
   * last: a connection that stops after each of many small messages must not copy the others each time.
   */
  prepend(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#taken && this.length === 0) this.#keep(bytes, start, end)
    else this.#put(0, bytes, start, end)
  }

  /**
   * Hands over all bytes: the range from `start` to `end`, read before the call, of a buffer that the caller owns then.
   */
  take(): Uint8Array {
    const bytes = this.#bytes!
    this.clear()
    this.#taken = bytes
    return bytes
  }

  /** The start of the range in the buffer that `take` returns. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** Drops all bytes, and the reference to what was taken. */
  clear(): void {
    this.#keep(undefined, 0, 0)
  }

  /** Replaces the contents. */
  #keep(bytes: Uint8Array | undefined, start: number, end: number): void {
    this.#bytes = bytes
    this.#taken = undefined
    this.#start = start
    this.#end = end
  }

  /** Inserts a range, `at` bytes behind the beginning. */
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

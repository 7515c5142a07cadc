import type { Payload } from '../../ports/payload.js'

/** What one turn of one connection usually sends; a longer frame goes out on its own. */
const defaultChunkBytes = 16 << 10

/** Chunks kept for reuse: as many connections seldom send within one turn. */
const maxKept = 64

/**
 * Longer chunks kept: the longest of those that are given back. The pages of a new one cost more than what is done with
 * it: an echo of 1 MiB of text takes 1.0 ms with them kept, 1.4 without.
 */
const maxLongKept = 4

/**
 * Bytes of messages' buffers that are kept. Those of messages that will not be complete stay in memory until V8 collects
 * garbage, and where a server is at the limit of what it holds, the next message that begins ends another one.
 */
const maxBufferBytes = 8 << 20

/**
 * Bytes up to which a view of what a chunk begins with is kept for the next time: to make one takes 50 ns, a tenth of
 * what an echo takes beside the system's calls.
 */
const longestKeptView = 2 << 10

/** Buffers shared by the connections of a server or client, so that an idle connection holds none. */
export class ScratchPool {
  readonly chunkBytes: number
  /** The longest that is kept: room for a text of 1 MiB, whatever it consists of. */
  readonly longestBytes = 4 << 20
  readonly #payload: Payload
  readonly #free: Uint8Array[] = []
  /** The chunk whose views are kept: the first, which is in use the most. */
  #viewed: Uint8Array | undefined
  readonly #views = new Array<Uint8Array | undefined>(longestKeptView + 1).fill(undefined)
  /** By length, the shortest first. */
  readonly #freeLong: Uint8Array[] = []
  /** Buffers of messages, the one given back last at the end. */
  readonly #freeBuffers: Uint8Array[] = []
  #freeBufferBytes = 0

  constructor(payload: Payload, chunkBytes = defaultChunkBytes) {
    this.#payload = payload
    this.chunkBytes = chunkBytes
  }

  /** A chunk. */
  take(): Uint8Array {
    return this.#free.pop() ?? this.#payload.allocate(this.chunkBytes)
  }

  /** The first `length` bytes of a chunk. */
  head(chunk: Uint8Array, length: number): Uint8Array {
    if (length > longestKeptView) return chunk.subarray(0, length)
    this.#viewed ??= chunk
    if (chunk !== this.#viewed) return chunk.subarray(0, length)
    const kept = this.#views[length]
    if (kept !== undefined) return kept
    const view = chunk.subarray(0, length)
    this.#views[length] = view
    return view
  }

  /** A chunk of at least `length` bytes, which is more than `chunkBytes`. */
  takeLong(length: number): Uint8Array {
    const index = this.#freeLong.findIndex((chunk) => chunk.length >= length)
    return index < 0 ? this.#payload.allocate(length) : this.#freeLong.splice(index, 1)[0]!
  }

  /** A buffer for a message that becomes its receiver's: one of `least` to `most` bytes that was given back, or a new one of `least`. */
  takeBuffer(least: number, most: number): Uint8Array {
    const index =
      least < this.chunkBytes ? -1 : this.#freeBuffers.findIndex(({ length }) => length >= least && length <= most)
    if (index < 0) return this.#payload.allocate(least)
    const buffer = this.#freeBuffers.splice(index, 1)[0]!
    this.#freeBufferBytes -= buffer.length
    return buffer
  }

  /** Gives back the buffer of a message that will not be complete: nothing reads from it any more. */
  giveBuffer(buffer: Uint8Array): void {
    if (buffer.length < this.chunkBytes || buffer.length > this.longestBytes) return
    this.#freeBuffers.push(buffer)
    this.#freeBufferBytes += buffer.length
    while (this.#freeBufferBytes > maxBufferBytes || this.#freeBuffers.length > maxKept) {
      this.#freeBufferBytes -= this.#freeBuffers.shift()!.length
    }
  }

  /** Gives a chunk back, of either length, that nothing reads from any more. */
  give(chunk: Uint8Array): void {
    if (chunk.length > this.chunkBytes) this.#keepLong(chunk)
    else if (this.#free.length < maxKept) this.#free.push(chunk)
  }

  #keepLong(chunk: Uint8Array): void {
    if (chunk.length > this.longestBytes) return
    const longer = this.#freeLong.findIndex((other) => other.length > chunk.length)
    this.#freeLong.splice(longer < 0 ? this.#freeLong.length : longer, 0, chunk)
    if (this.#freeLong.length > maxLongKept) this.#freeLong.shift()
  }
}

import type { Payload } from '../../ports/payload.js'
import { Spares } from '../spares.js'

/** About what one connection sends in a turn. Longer frames get a buffer of their own. */
const defaultChunkBytes = 16 << 10

/** Chunks that are kept for reuse. More connections seldom send within one turn. */
const maxKept = 64

/**
 * Long chunks that are kept: the longest of those given back. Fresh memory pages cost more than the work on them (`npm
 * run bench`, row `text-1m`).
 */
const maxLongKept = 4

/**
 * Total bytes of kept message buffers. Buffers of abandoned messages stay in memory until V8 collects them; without
 * reuse, a server at its memory limit would evict a message for each new one.
 */
const maxBufferBytes = 8 << 20

/**
 * Views of a chunk's beginning are kept up to this length, as creating one costs a noticeable part of a short echo
 * (`npm run bench:micro -- echo`).
 */
const longestKeptView = 2 << 10

/** Buffers that the connections of a server or client share, so that an idle connection holds none. */
export class ScratchPool {
  /** Allocates the buffers. */
  readonly payload: Payload
  readonly chunkBytes: number
  /** The longest chunk that is kept: enough for any text of 1 MiB. */
  readonly longestBytes = 4 << 20
  readonly #chunks = new Spares<Uint8Array>(maxKept)
  /** The chunk whose views are kept: the first one, which is in use most. */
  #viewed: Uint8Array | undefined
  readonly #views = new Array<Uint8Array | undefined>(longestKeptView + 1).fill(undefined)
  /** By length, shortest first. */
  readonly #freeLong: Uint8Array[] = []
  /** Buffers of messages, the latest at the end. */
  readonly #freeBuffers: Uint8Array[] = []
  #freeBufferBytes = 0

  constructor(payload: Payload, chunkBytes = defaultChunkBytes) {
    this.payload = payload
    this.chunkBytes = chunkBytes
  }

  take(): Uint8Array {
    return this.#chunks.take() ?? this.payload.allocate(this.chunkBytes)
  }

  /** A view of the first `length` bytes of a chunk. */
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

  /** A chunk of at least `length` bytes, where `length` exceeds `chunkBytes`. */
  takeLong(length: number): Uint8Array {
    const index = this.#freeLong.findIndex((chunk) => chunk.length >= length)
    return index < 0 ? this.payload.allocate(length) : this.#freeLong.splice(index, 1)[0]!
  }

  /**
   * A buffer for a message, which the receiver will own: a used one of `least` to `most` bytes, or a new one of `least`
   * bytes.
   */
  takeBuffer(least: number, most: number): Uint8Array {
    const index =
      least < this.chunkBytes ? -1 : this.#freeBuffers.findIndex(({ length }) => length >= least && length <= most)
    if (index < 0) return this.payload.allocate(least)
    const buffer = this.#freeBuffers.splice(index, 1)[0]!
    this.#freeBufferBytes -= buffer.length
    return buffer
  }

  /** Takes back the buffer of an abandoned message. Nothing may read from it any more. */
  giveBuffer(buffer: Uint8Array): void {
    if (buffer.length < this.chunkBytes || buffer.length > this.longestBytes) return
    this.#freeBuffers.push(buffer)
    this.#freeBufferBytes += buffer.length
    while (this.#freeBufferBytes > maxBufferBytes || this.#freeBuffers.length > maxKept) {
      this.#freeBufferBytes -= this.#freeBuffers.shift()!.length
    }
  }

  /** Takes back a chunk, short or long. Nothing may read from it any more. */
  give(chunk: Uint8Array): void {
    if (chunk.length > this.chunkBytes) this.#keepLong(chunk)
    else this.#chunks.give(chunk)
  }

  #keepLong(chunk: Uint8Array): void {
    if (chunk.length > this.longestBytes) return
    const longer = this.#freeLong.findIndex((other) => other.length > chunk.length)
    this.#freeLong.splice(longer < 0 ? this.#freeLong.length : longer, 0, chunk)
    if (this.#freeLong.length > maxLongKept) this.#freeLong.shift()
  }
}

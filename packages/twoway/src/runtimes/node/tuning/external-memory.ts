import type { YoungGeneration } from './young-generation.js'

/** The young generation is collected each time this many bytes of messages were allocated. */
const stepBytes = 16 << 20

/** At this many bytes outside of its heap, V8 marks the whole heap. */
const lastStepBytes = 64 << 20

/** The filler is at most half as long as the messages that it frees, so it costs less than a tenth of their cost. */
const bytesAgainstGarbage = 2

/**
 * Counts the bytes of messages outside of V8's heap. After the first 16 MiB, it makes glibc keep freed memory
 * (freed-memory.ts). After each further 16 MiB of buffers, it makes V8 collect its young generation: V8 does so when
 * that is full, so this class fills it.
 *
 * Since Node 24, V8 collects too late without this: a process that handles long messages has little else on its heap,
 * and at 64 MiB outside of the heap V8 marks all of it, in other threads. The rows binary-1m and binary-64k of the
 * benchmark show the difference.
 */
export class ExternalMemory {
  readonly #young: YoungGeneration | undefined
  readonly #keepFreedMemory: () => boolean
  #untilKept = stepBytes
  #bytes = 0
  #dueAt = stepBytes
  /** Whether glibc was made to keep freed memory. */
  keepsFreedMemory = false
  /** How often the young generation was filled. */
  collections = 0

  /**
   * @param young the young generation to collect; undefined if V8 collects it in time without help
   * @param keepFreedMemory makes glibc keep freed memory, and returns whether that is possible
   */
  constructor(young: YoungGeneration | undefined, keepFreedMemory: () => boolean) {
    this.#young = young
    this.#keepFreedMemory = keepFreedMemory
  }

  /** A buffer was allocated. */
  countBuffer(length: number): void {
    this.countText(length)
    this.#bytes += length
    if (this.#young !== undefined && this.#bytes >= this.#dueAt) this.#collect(this.#young)
  }

  /** A text was decoded to memory outside of the heap, which no collection of the young generation frees. */
  countText(length: number): void {
    if (this.#untilKept <= 0) return
    this.#untilKept -= length
    if (this.#untilKept <= 0) this.keepsFreedMemory = this.#keepFreedMemory()
  }

  #collect(young: YoungGeneration): void {
    const isTooLate = this.#bytes >= lastStepBytes
    if (!isTooLate) {
      const room = young.room()
      if (room * bytesAgainstGarbage > this.#bytes) {
        // The generation has grown because the heap holds more than messages. Those other objects may still fill it.
        this.#dueAt += stepBytes
        return
      }
      young.fill(room)
      this.collections += 1
    }
    this.#bytes = 0
    this.#dueAt = stepBytes
  }
}

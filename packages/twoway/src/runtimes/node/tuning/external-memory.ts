import type { YoungGeneration } from './young-generation.js'

/** Bytes of messages after which unused ones are to be freed. */
const stepBytes = 16 << 20

/** At this many bytes V8 marks its whole heap by itself. */
const lastStepBytes = 64 << 20

/** Garbage may be half as long as the messages that it frees: that keeps its cost below a tenth of theirs. */
const bytesAgainstGarbage = 2

/**
 * Counts the bytes of messages outside of V8's heap, and acts on them. After the first 16 MiB glibc is brought to keep
 * freed memory (freed-memory.ts). After each further 16 MiB of buffers V8 is made to collect its young generation: it
 * collects that when it is full, so it is filled.
 *
 * From Node 24 on V8 does not come to a collection by itself in time: a process of long messages has little else on its
 * heap, and at 64 MiB outside of it V8 marks the whole heap, by threads of its own. The rows binary-1m and binary-64k of
 * the benchmark show the difference.
 */
export class ExternalMemory {
  readonly #young: YoungGeneration | undefined
  readonly #keepFreedMemory: () => boolean
  #untilKept = stepBytes
  #bytes = 0
  #dueAt = stepBytes
  /** Whether freed memory was brought to be kept. */
  keepsFreedMemory = false
  /** How often the young generation was filled. */
  collections = 0

  /**
   * @param young what is to be collected, or undefined where V8 collects it in time by itself
   * @param keepFreedMemory has freed memory kept, and returns whether that is possible
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
        // It has grown, as there is more on the heap than messages. That may fill it yet.
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

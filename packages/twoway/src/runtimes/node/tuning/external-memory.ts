import type { YoungGeneration } from './young-generation.js'

/**
 * The young generation is collected after this many bytes of messages. V8 collects it after 32 MiB, except in Node 24. Shorter
 * steps let more messages live through two collections, and only marking the heap frees such messages.
 */
const stepBytes = 24 << 20

/** At this many bytes outside of its heap, V8 marks the whole heap. */
const lastStepBytes = 64 << 20

/** A collection works on at most half as many bytes of heap as those of the messages, so it costs less than a tenth of their cost. */
const bytesAgainstWork = 2

/**
 * Counts the bytes of messages outside of V8's heap. After the first 24 MiB, it makes glibc keep freed memory
 * (freed-memory.ts). After each 24 MiB of buffers, it makes V8 collect its young generation (young-generation.ts).
 *
 * Without this, V8 collects too late: a process that handles long messages has little else on its heap, and at 64 MiB
 * outside of the heap V8 marks all of it, in other threads. Before Node 24, that depends on the heap: V8 collects in time
 * while the code of a program is small. The rows binary-1m and binary-64k of the
 * benchmark show the difference.
 */
export class ExternalMemory {
  readonly #findYoung: () => YoungGeneration
  #young: YoungGeneration | undefined
  readonly #keepFreedMemory: () => boolean
  #untilKept = stepBytes
  #bytes = 0
  #dueAt = stepBytes
  /** Whether glibc was made to keep freed memory. */
  keepsFreedMemory = false
  /** The number of collections of the young generation. */
  collections = 0

  /**
   * @param findYoung finds the young generation to collect
   * @param keepFreedMemory makes glibc keep freed memory, and returns whether that is possible
   */
  constructor(findYoung: () => YoungGeneration, keepFreedMemory: () => boolean) {
    this.#findYoung = findYoung
    this.#keepFreedMemory = keepFreedMemory
  }

  /** A buffer was allocated. */
  countBuffer(length: number): void {
    this.countText(length)
    this.#bytes += length
    if (this.#bytes >= this.#dueAt) this.#collect()
  }

  /** A text was decoded to memory outside of the heap, which no collection of the young generation frees. */
  countText(length: number): void {
    if (this.#untilKept <= 0) return
    this.#untilKept -= length
    if (this.#untilKept <= 0) this.keepsFreedMemory = this.#keepFreedMemory()
  }

  #collect(): void {
    const isTooLate = this.#bytes >= lastStepBytes
    if (!isTooLate) {
      this.#young ??= this.#findYoung()
      const work = this.#young.work()
      if (work * bytesAgainstWork > this.#bytes) {
        // The generation has grown because the heap holds more than messages. Those other objects may still fill it.
        this.#dueAt += stepBytes
        return
      }
      this.#young.collect(work)
      this.collections += 1
    }
    this.#bytes = 0
    this.#dueAt = stepBytes
  }
}

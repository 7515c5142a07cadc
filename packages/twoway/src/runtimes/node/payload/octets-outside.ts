import type { YoungGeneration } from '../tuning/young-generation.js'

/** Octets of messages after which those that nobody uses any more are to be freed. */
const stepBytes = 16 << 20

/** At so many V8 has marked the whole heap. */
const lastStepBytes = 64 << 20

/** A tenth of what it costs to receive and send a message is the most that garbage may add: 1 MiB of it takes 75 us. */
const octetsAgainstGarbage = 2

/**
 * Counts octets that are allocated for messages outside of V8's heap. After 16 MiB of them their memory is worth keeping
 * (freed-memory.ts), and each 16 MiB of buffers V8 is made to collect its young generation. It has no call for that, but
 * does it when the generation is full, so that it is filled.
 *
 * From Node 24 on V8 does not come to it by itself: where messages are long there is little else on the heap, and at
 * 64 MiB outside of it V8 marks all of the heap, by threads of its own. To free 64 messages of 1 MiB took 16 ms of
 * processor time so, and takes 4 by what is done here. An echo of 1 MiB takes 0.60 ms where it took 0.81, one of 64 KiB
 * 31 us where it took 43.
 */
export class OctetsOutside {
  readonly #young: YoungGeneration | undefined
  readonly #keepFreedMemory: () => void
  #untilKept = stepBytes
  #octets = 0
  #dueAt = stepBytes

  /** @param young what is to be collected, or undefined where V8 comes to it by itself */
  constructor(young: YoungGeneration | undefined, keepFreedMemory: () => void) {
    this.#young = young
    this.#keepFreedMemory = keepFreedMemory
  }

  /** A buffer was allocated. */
  count(length: number): void {
    this.countText(length)
    this.#octets += length
    if (this.#young !== undefined && this.#octets >= this.#dueAt) this.#collect(this.#young)
  }

  /** A text was decoded to memory outside of the heap, which no collection of the young generation frees. */
  countText(length: number): void {
    if (this.#untilKept <= 0) return
    this.#untilKept -= length
    if (this.#untilKept <= 0) this.#keepFreedMemory()
  }

  #collect(young: YoungGeneration): void {
    const isTooLate = this.#octets >= lastStepBytes
    if (!isTooLate) {
      const room = young.room()
      if (room * octetsAgainstGarbage > this.#octets) {
        // It has grown, as there is more on the heap than messages. That may fill it yet.
        this.#dueAt += stepBytes
        return
      }
      young.fill(room)
    }
    this.#octets = 0
    this.#dueAt = stepBytes
  }
}

import process from 'node:process'
import type { MemoryTuning, MemoryTuningCounts } from '../../../ports/memory-tuning.js'
import { ExternalMemory } from './external-memory.js'
import { keepFreedMemory } from './freed-memory.js'
import { heapText, prefersHeap } from './heap-text.js'
import { findYoungGeneration } from './young-generation.js'

/** Values of TWOWAY_TUNE_MEMORY that switch the tuning off, in upper or lower case. */
const no: ReadonlySet<string> = new Set(['0', 'false', 'off', 'no'])

/**
 * Switches everything on or off that tunes the memory of long messages. The payload port reports each long message to
 * it. While it is off, it counts nothing, fills no young generation and reads no text in V8's format.
 */
export class NodeMemoryTuning implements MemoryTuning {
  readonly #external: ExternalMemory
  #isOn: boolean
  #heapTexts = 0

  constructor(isOn: boolean, external: ExternalMemory) {
    this.#isOn = isOn
    this.#external = external
  }

  /** A buffer was allocated for a message. */
  countBuffer(length: number): void {
    if (this.#isOn) this.#external.countBuffer(length)
  }

  /** A text was decoded to memory outside of V8's heap. */
  countText(length: number): void {
    if (this.#isOn) this.#external.countText(length)
  }

  /** The text of an ASCII range on V8's heap, or undefined if Node should decode it. */
  decodeToHeap(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (!this.#isOn || !prefersHeap(end - start)) return undefined
    this.#heapTexts += 1
    return heapText(bytes, start, end)
  }

  switchOff(): void {
    this.#isOn = false
  }

  counts(): MemoryTuningCounts {
    const { keepsFreedMemory, collections } = this.#external
    return {
      on: Number(this.#isOn),
      freedMemoryKept: Number(keepsFreedMemory),
      youngCollections: collections,
      heapTexts: this.#heapTexts,
    }
  }
}

/** Whether the environment allows tuning: it does unless TWOWAY_TUNE_MEMORY switches it off. */
export function isTuningWanted(environment: NodeJS.ProcessEnv): boolean {
  return !no.has(environment.TWOWAY_TUNE_MEMORY?.trim().toLowerCase() ?? '')
}

const isNode = !('bun' in process.versions || 'deno' in process.versions)

/** The tuning of this thread. */
export const memoryTuning = new NodeMemoryTuning(
  isNode && isTuningWanted(process.env),
  new ExternalMemory(findYoungGeneration, keepFreedMemory),
)

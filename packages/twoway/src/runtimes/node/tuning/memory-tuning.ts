import process from 'node:process'
import type { MemoryTuning, MemoryTuningCounts } from '../../../ports/memory-tuning.js'
import { ExternalMemory } from './external-memory.js'
import { keepFreedMemory } from './freed-memory.js'
import { heapText, prefersHeap } from './heap-text.js'
import { youngGeneration } from './young-generation.js'

/** What TWOWAY_TUNE_MEMORY says to switch the tuning off, in any case. */
const no: ReadonlySet<string> = new Set(['0', 'false', 'off', 'no'])

/**
 * The one switch over all that is done for the memory of long messages. The payload port tells it of each long message;
 * while it is off, nothing is done that a program without this library would not see: no counting, no filling, no wire
 * format.
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

  /** The text of an ASCII range on V8's heap, or undefined where Node is to decode it. */
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

/** Whether the environment lets memory be tuned: it does unless TWOWAY_TUNE_MEMORY says no. */
export function isTuningWanted(environment: NodeJS.ProcessEnv): boolean {
  return !no.has(environment.TWOWAY_TUNE_MEMORY?.trim().toLowerCase() ?? '')
}

const isNode = !('bun' in process.versions || 'deno' in process.versions)
const nodeVersion = Number.parseInt(process.versions.node, 10)

/** The one of this thread. */
export const memoryTuning = new NodeMemoryTuning(
  isNode && isTuningWanted(process.env),
  new ExternalMemory(nodeVersion < 24 ? undefined : youngGeneration, keepFreedMemory),
)

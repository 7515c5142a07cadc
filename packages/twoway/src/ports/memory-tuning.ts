/** The runtime's process-wide tuning for the memory of long messages: docs/explanation/memory.md. */
export interface MemoryTuning {
  /** Stops tuning in this thread for good. Earlier effects are not undone. */
  switchOff(): void
  /** The effects so far, as a new object. */
  counts(): MemoryTuningCounts
}

/** Effects of memory tuning in one thread. */
export interface MemoryTuningCounts extends Readonly<Record<string, number>> {
  /** 1 while memory is tuned; 0 if the option, the environment or the runtime disables it. */
  readonly on: number
  /** 1 once glibc is set to keep freed memory for later allocations. */
  readonly freedMemoryKept: number
  /** Number of collections of V8's young generation that were forced. */
  readonly youngCollections: number
  /** Number of texts that were decoded to V8's heap instead of external memory. */
  readonly heapTexts: number
}

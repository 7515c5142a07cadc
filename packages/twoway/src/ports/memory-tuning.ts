/** What a runtime does, for the whole process, so that the memory of long messages costs less: docs/memory.md. */
export interface MemoryTuning {
  /** Ends it for this thread, for good: nothing more is done, and what was done is not undone. */
  switchOff(): void
  /** What was done so far. A new object each time. */
  counts(): MemoryTuningCounts
}

/** What was done for the memory of long messages, in one thread of a process. */
export interface MemoryTuningCounts extends Readonly<Record<string, number>> {
  /** 1 while memory is tuned; 0 where the option, the environment or the runtime says no. */
  readonly on: number
  /** 1 once glibc was brought to keep freed memory for what is allocated next. */
  readonly freedMemoryKept: number
  /** How often V8 was made to collect its young generation. */
  readonly youngCollections: number
  /** Texts that were decoded to V8's heap where Node would have put them outside of it. */
  readonly heapTexts: number
}

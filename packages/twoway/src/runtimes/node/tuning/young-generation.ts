import process from 'node:process'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

/** V8's young generation, and a way to have V8 collect it. */
export interface YoungGeneration {
  /** Bytes of heap that a collection now would write or read, at most. */
  work(): number
  /** @param work the bytes that `work` has just returned */
  collect(work: number): void
}

/** Collects at once. V8's own function. */
type Collect = (options: { readonly type: 'minor' }) => void

const elements = 4096
const elementBytes = 8

/** No code reads it, but the compiler must not optimize it away. */
const garbage: unknown[] = []

/** Fills the young generation, because V8 collects it when it is full. */
export const filledGeneration: YoungGeneration = {
  work: () => youngSpace()?.space_available_size ?? 0,
  collect(room) {
    for (let left = room; left >= 0; left -= elements * elementBytes) garbage[0] = new Array(elements)
    garbage[0] = undefined
  },
}

/** V8's threads that scavenge, and those that free the memory of buffers. */
const threads = ['parallel-scavenge', 'concurrent-array-buffer-sweeping']
const withoutThreads = threads.map((name) => `--no-${name}`).join(' ')
const withThreads = threads.map((name) => `--${name}`).join(' ')

/** Options of Node that set the same flags, with dashes or underscores. NODE_OPTIONS does not take them. */
const threadOptions =
  /^--?(?:no[-_]?)?(?:parallel[-_]scavenge|concurrent[-_](?:array[-_]buffer[-_])?sweeping|single[-_]threaded(?:[-_]gc)?|predictable)(?:=|$)/

/** The way that costs least: V8's own function, in a tenth of the time that it takes to fill the generation. */
export function findYoungGeneration(): YoungGeneration {
  const collect = findCollect()
  if (collect === undefined) return filledGeneration
  return {
    work: () => youngSpace()?.space_used_size ?? 0,
    collect: maySetFlags() ? () => collectOnThisThread(collect) : () => collect({ type: 'minor' }),
  }
}

/**
 * A generation with little in it is collected before V8's other threads have woken up. They would also free the messages
 * too late: right after a collection, V8 decides by the memory in use whether to mark the whole heap. The rows binary-1m
 * and binary-64k of the benchmark show the difference.
 */
function collectOnThisThread(collect: Collect): void {
  setFlagsFromString(withoutThreads)
  try {
    collect({ type: 'minor' })
  } finally {
    setFlagsFromString(withThreads)
  }
}

/**
 * Whether the flags of these threads can be set and reset. They belong to the process, and V8 does not report them: options of
 * the process are left as they are, and a worker thread does not know those.
 */
function maySetFlags(): boolean {
  return isMainThread && !process.execArgv.some((option) => threadOptions.test(option))
}

/**
 * V8 gives the function to each new context while a flag is set. The flag is set for the making of one such context, as other
 * code should not find the function, and V8 compares its flags when it reads a cache of code.
 */
function findCollect(): Collect | undefined {
  const isSet = 'gc' in globalThis
  try {
    if (!isSet) setFlagsFromString('--expose-gc')
    const found: unknown = runInNewContext('gc')
    return typeof found === 'function' ? (found as Collect) : undefined
  } catch {
    return undefined
  } finally {
    if (!isSet) setFlagsFromString('--no-expose-gc')
  }
}

function youngSpace(): { space_available_size: number; space_used_size: number } | undefined {
  return getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
}

import { totalmem } from 'node:os'
import process from 'node:process'

/** Bytes of memory that this process may use: the machine's memory, or the limit of its cgroup if that is lower. */
export function processMemory(): number {
  // Without a limit, the value is 0 or above the machine's memory. Deno has no such function.
  const held = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0
  return held > 0 ? Math.min(held, totalmem()) : totalmem()
}

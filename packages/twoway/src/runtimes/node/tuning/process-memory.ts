import { totalmem } from 'node:os'
import process from 'node:process'

/** Bytes of memory that this process may use: the machine's, or what the system holds it to (a cgroup), where that is less. */
export function processMemory(): number {
  // 0, or more than there is, where nothing holds it. Deno has no such function.
  const held = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0
  return held > 0 ? Math.min(held, totalmem()) : totalmem()
}

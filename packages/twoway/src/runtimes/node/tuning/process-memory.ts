import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import process from 'node:process'
import { containerMemory } from './container-memory.js'
import { workersBesideThis } from './worker-share.js'

let known: number | undefined

/**
 * Bytes of memory that this process may use: those of the machine, or of its container (a cgroup) if that is less. A worker
 * of `serveWorkers` has a share of them. Read once, at the start of the first server.
 */
export function processMemory(): number {
  known ??= Math.floor(allowedMemory() / workersBesideThis())
  return known
}

function allowedMemory(): number {
  // 0, or more than there is, if nothing limits it. Deno has no such function.
  const constrained = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0
  return Math.min(totalmem(), containerMemory(readSystemFile), constrained > 0 ? constrained : Number.POSITIVE_INFINITY)
}

/** The part of Deno's namespace that asks for a permission without asking the user. */
interface DenoPermissions {
  readonly permissions: {
    querySync(permission: { readonly name: 'read'; readonly path: string }): { readonly state: string }
  }
}

function readSystemFile(path: string): string | undefined {
  try {
    // Deno would ask the user of a terminal for a permission that it lacks.
    const { Deno } = globalThis as { readonly Deno?: DenoPermissions }
    if (Deno !== undefined && Deno.permissions.querySync({ name: 'read', path }).state !== 'granted') return undefined
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

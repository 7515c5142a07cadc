import { openSync, readSync } from 'node:fs'
import process from 'node:process'
import { getHeapStatistics } from 'node:v8'

/**
 * The memory of this process, even if it has no descriptor left: `process.memoryUsage` opens a file of Linux
 * and throws EMFILE then. The file is opened here, as the process starts, and stays open.
 */
const status = process.platform === 'linux' ? openSync('/proc/self/status', 'r') : undefined
const buffer = Buffer.alloc(8192)

/** Bytes of objects and buffers, including garbage until a collection. */
export function heldBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

export function residentBytes(): number {
  if (status === undefined) return process.memoryUsage.rss()
  const text = buffer.toString('latin1', 0, readSync(status, buffer, 0, buffer.length, 0))
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/self/status says nothing of VmRSS: ${text}`)
  return Number(kibibytes) * 1024
}

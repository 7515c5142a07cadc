import { Buffer } from 'node:buffer'
import { openSync, readSync } from 'node:fs'
import process from 'node:process'

/**
 * Kept open: `process.memoryUsage` opens a file of Linux at each call, and throws EMFILE if the process has no descriptor
 * left, which is when its metrics are wanted most.
 */
const status = process.platform === 'linux' ? openSync('/proc/self/status', 'r') : undefined
const text = Buffer.alloc(8192)

/** Bytes of resident memory of the process, also if it has no descriptor left. */
export function residentBytes(): number {
  if (status === undefined) return process.memoryUsage.rss()
  const length = readSync(status, text, 0, text.length, 0)
  const kibibytes = /^VmRSS:\s*(\d+) kB$/m.exec(text.toString('latin1', 0, length))?.[1]
  return kibibytes === undefined ? process.memoryUsage.rss() : Number(kibibytes) * 1024
}

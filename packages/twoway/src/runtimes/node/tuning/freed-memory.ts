import { Buffer } from 'node:buffer'
import process from 'node:process'

/**
 * A little below 32 MiB, from which on glibc keeps its thresholds: glibc adds a header to the length and rounds it up to
 * a page.
 */
const teachingBytes = (32 << 20) - (64 << 10)

/** Variables that set the thresholds of glibc. With any of them, glibc does not adapt its thresholds (mallopt(3)). */
const settingVariables = ['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_', 'MALLOC_MMAP_MAX_']
const settingTunables = /glibc\.malloc\.(?:mmap_threshold|trim_threshold|top_pad|mmap_max)=/

/**
 * Makes glibc keep freed memory for later allocations. glibc then returns memory to the system only when more than
 * 64 MiB at the end of its heap are free. This affects the whole process. Returns false, and does nothing, on systems
 * other than Linux, if the environment sets glibc's thresholds, or if the process may not allocate 32 MiB. The call has
 * no effect on 32-bit systems and on other allocators.
 *
 * By default glibc keeps 128 KiB. The memory of all messages that one collection frees then goes back to the system,
 * which has to find and clear each page of the next messages again. glibc raises this threshold to twice the longest
 * block that it got from the system and freed, up to blocks of 32 MiB (mallopt(3), M_MMAP_THRESHOLD). So this function
 * allocates a block of nearly that length and leaves it to the next collection. The block costs nothing because no code
 * writes to it.
 *
 * The row binary-1m of the benchmark shows the difference. MALLOC_MMAP_THRESHOLD_=33554432 and
 * MALLOC_TRIM_THRESHOLD_=67108864 in the environment do the same from the start of the process.
 */
export function keepFreedMemory(): boolean {
  if (process.platform !== 'linux' || isSetByEnvironment()) return false
  try {
    Buffer.allocUnsafeSlow(teachingBytes)
    return true
  } catch {
    // ulimit -v
    return false
  }
}

function isSetByEnvironment(): boolean {
  const { env } = process
  return settingVariables.some((name) => env[name] !== undefined) || settingTunables.test(env.GLIBC_TUNABLES ?? '')
}

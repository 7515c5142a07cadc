import { Buffer } from 'node:buffer'
import process from 'node:process'

/** A little below the 32 MiB from which glibc learns nothing, as it adds a header and fills up to a page. */
const teachingBytes = (32 << 20) - (64 << 10)

/** Variables by which somebody has set what glibc would learn; with any of them it learns nothing (mallopt(3)). */
const settingVariables = ['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_', 'MALLOC_MMAP_MAX_']
const settingTunables = /glibc\.malloc\.(?:mmap_threshold|trim_threshold|top_pad|mmap_max)=/

/**
 * Has glibc keep memory that was freed for what is allocated next, and give it back to the system only once more than
 * 64 MiB lie free at the end of its heap. That goes for the whole process. Returns false where nothing is done: on other
 * systems than Linux, where the environment sets glibc's thresholds, or where the process may not allocate 32 MiB. Other
 * allocators than glibc's and 32-bit systems take no notice.
 *
 * At first glibc keeps 128 KiB, so that the memory of all messages that a collection has freed at once goes back, and
 * each page of the next ones is the system's to find and clear anew. What it keeps is twice the longest block of the
 * system's that was ever freed, where that is up to 32 MiB long (mallopt(3), M_MMAP_THRESHOLD). So a block of that length
 * is allocated, which costs nothing as nobody writes to it, and left to the next collection.
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

import { Buffer } from 'node:buffer'

/** A little below the 32 MiB from which glibc learns nothing, as it adds a header and fills up to a page. */
const lesson = (32 << 20) - (64 << 10)

/**
 * Has glibc keep memory that was freed for what is allocated next, as long as less than 64 MiB lie free at its end.
 * Elsewhere nothing changes.
 *
 * At first it keeps 128 KiB and gives the rest back to the system, so that all messages that a collection has freed at
 * once are given back, and each page of the next ones is the system's to find and clear anew. What it keeps is twice the
 * longest block of the system's that was ever freed, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD). So a block of that
 * length is allocated, which costs nothing as nobody writes to it, and left to the next collection.
 *
 * An echo of 1 MiB takes 0.6 ms so in place of 2.2 on Node 20, and of 1.3 on Node 26, on a virtual machine where a page
 * is dear (`npm run bench -- --rows binary-1m`); MALLOC_TRIM_THRESHOLD_ in the environment does the same, and undoes it.
 */
export function keepFreedMemory(): void {
  if (process.platform === 'linux') Buffer.allocUnsafeSlow(lesson)
}

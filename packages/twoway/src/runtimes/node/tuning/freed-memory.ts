import { Buffer } from 'node:buffer'

/** A little below the 32 MiB from which glibc learns nothing, as it adds a header and fills up to a page. */
const lesson = (32 << 20) - (64 << 10)

/**
 * Has glibc keep memory that was freed for what is allocated next, and give it back to the system only once more than
 * 64 MiB lie free at the end of its heap. That goes for the whole process. On 32-bit systems and elsewhere than on Linux
 * with glibc nothing changes.
 *
 * At first glibc keeps 128 KiB, so that the memory of all messages that a collection has freed at once goes back, and
 * each page of the next ones is the system's to find and clear anew. What it keeps is twice the longest block of the
 * system's that was ever freed, where that is up to 32 MiB long (mallopt(3), M_MMAP_THRESHOLD). So a block of that length is
 * allocated, which costs nothing as nobody writes to it, and left to the next collection.
 *
 * An echo of 1 MiB takes 0.6 ms so in place of 2.2 on Node 20, and of 1.3 on Node 26, on a virtual machine where a page
 * is dear (`npm run bench -- --rows binary-1m`). MALLOC_MMAP_THRESHOLD_=33554432 and MALLOC_TRIM_THRESHOLD_=67108864 in
 * the environment do the same from the start; with any of the two set, this does nothing.
 */
export function keepFreedMemory(): void {
  if (process.platform !== 'linux') return
  try {
    Buffer.allocUnsafeSlow(lesson)
  } catch {
    // The process may not have so much (ulimit -v): nothing is learnt.
  }
}

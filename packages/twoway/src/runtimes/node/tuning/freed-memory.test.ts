import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { keepFreedMemory } from './freed-memory.js'

const messageBytes = 16 << 20
const pages = messageBytes >> 12
interface Report {
  readonly header?: { readonly glibcVersionRuntime?: string }
}
const report = process.report?.getReport() as Report | undefined
const isGlibc = report?.header?.glibcVersionRuntime !== undefined && !('bun' in process.versions)

/** Pages that the system has to find for one message, which is freed afterwards. */
async function faultsOfMessage(): Promise<number> {
  const before = process.resourceUsage().minorPageFault
  Buffer.allocUnsafeSlow(messageBytes).fill(1)
  const faults = process.resourceUsage().minorPageFault - before
  await freed()
  return faults
}

/** V8 frees memory in another thread. */
async function freed(): Promise<void> {
  for (let turn = 0; turn < 1000 && process.memoryUsage().arrayBuffers >= messageBytes; turn += 1) {
    globalThis.gc!()
    await setImmediate()
  }
  // That thread counts memory as free just before it frees it. A collection begins once it is done.
  globalThis.gc!()
}

test('makes the next message use the memory of one that was freed', { skip: !isGlibc }, async (context) => {
  keepFreedMemory()
  await freed()
  // The memory of the first message comes from the system.
  if ((await faultsOfMessage()) < pages / 2) {
    context.skip('the system does not find memory by pages of 4 KiB')
    return
  }
  // With glibc's default threshold, the first message's memory would have gone back to the system.
  const faults = await faultsOfMessage()
  assert.ok(faults < pages / 4, `${faults} of ${pages} pages had to be found`)
})

test('does nothing where the environment sets the thresholds of glibc', () => {
  const settings: readonly (readonly [string, string])[] = [
    ['MALLOC_MMAP_THRESHOLD_', '131072'],
    ['MALLOC_TRIM_THRESHOLD_', '131072'],
    ['MALLOC_TOP_PAD_', '0'],
    ['MALLOC_MMAP_MAX_', '65536'],
    ['GLIBC_TUNABLES', 'glibc.malloc.check=1:glibc.malloc.mmap_threshold=131072'],
  ]
  for (const [name, value] of settings) {
    const before = process.env[name]
    process.env[name] = value
    try {
      assert.equal(keepFreedMemory(), false, name)
    } finally {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    }
  }
})

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

/** How many pages the system has to find for a message, which is freed then. */
async function faultsOfMessage(): Promise<number> {
  const before = process.resourceUsage().minorPageFault
  Buffer.allocUnsafeSlow(messageBytes).fill(1)
  const faults = process.resourceUsage().minorPageFault - before
  await freed()
  return faults
}

/** V8 frees by a thread of its own. */
async function freed(): Promise<void> {
  for (let turn = 0; turn < 1000 && process.memoryUsage().arrayBuffers >= messageBytes; turn += 1) {
    globalThis.gc!()
    await setImmediate()
  }
}

test('has the memory of a message that was freed used for the next', { skip: !isGlibc }, async (context) => {
  keepFreedMemory()
  await freed()
  // The first comes from the system.
  if ((await faultsOfMessage()) < pages / 2) {
    context.skip('the system does not find memory by pages of 4 KiB')
    return
  }
  // Without the lesson the first would have gone back to it.
  const faults = await faultsOfMessage()
  assert.ok(faults < pages / 4, `${faults} of ${pages} pages had to be found`)
})

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
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

/** The pages that two messages needed, one after the other, in a process that keeps freed memory. */
async function faultsInNewProcess(): Promise<readonly [number, number]> {
  const child = fork(fileURLToPath(import.meta.url), ['measure'], { execArgv: ['--expose-gc'] })
  const [faults] = await once(child, 'message')
  return faults
}

if (process.argv[2] === 'measure') {
  keepFreedMemory()
  await freed()
  process.send!([await faultsOfMessage(), await faultsOfMessage()])
  process.disconnect()
} else {
  test('makes the next message use the memory of one that was freed', { skip: !isGlibc }, async (context) => {
    // With glibc's default threshold, the second message never uses the memory of the first. The thread that frees memory may
    // be late, so one of several processes has to show the reuse.
    let fewest = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 20 && fewest >= pages / 4; attempt += 1) {
      const [first, second] = await faultsInNewProcess()
      // The memory of the first message comes from the system.
      if (first < pages / 2) {
        context.skip('the system does not find memory by pages of 4 KiB')
        return
      }
      fewest = Math.min(fewest, second)
    }
    assert.ok(fewest < pages / 4, `at least ${fewest} of ${pages} pages had to be found`)
  })

  testEnvironment()
}

function testEnvironment(): void {
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
}

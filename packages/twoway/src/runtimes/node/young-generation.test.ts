import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { OctetsOutside, youngGeneration } from './young-generation.js'

const mebibyte = 1 << 20

/** Tells after how many MiB of messages a generation with so much room was filled. */
function filledAt(room: number, mebibytes: number): number[] {
  const filled: number[] = []
  let counted = 0
  const outside = new OctetsOutside({ room: () => room, fill: () => filled.push(counted) })
  while (counted < mebibytes) {
    counted += 1
    outside.count(mebibyte)
  }
  return filled
}

test('fills a small young generation every 16 MiB', () => {
  assert.deepEqual(filledAt(0, 48), [16, 32, 48])
  assert.deepEqual(filledAt(8 * mebibyte, 48), [16, 32, 48])
})

test('fills one that has grown less often, so that garbage is never more than half of the messages', () => {
  assert.deepEqual(filledAt(8 * mebibyte + 1, 64), [32, 64])
  assert.deepEqual(filledAt(24 * mebibyte, 96), [48, 96])
})

test('leaves one that would take too much garbage alone', () => {
  assert.deepEqual(filledAt(24 * mebibyte + 1, 256), [])
})

test('counts a message that is longer than a step once', () => {
  const filled: number[] = []
  const outside = new OctetsOutside({ room: () => 0, fill: (room) => filled.push(room) })
  outside.count(40 * mebibyte)
  outside.count(15 * mebibyte)
  assert.equal(filled.length, 1)
})

test('has V8 collect its young generation by filling it', { skip: 'bun' in process.versions }, async () => {
  const kinds: unknown[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push((entry as unknown as { detail: { kind: number } }).detail.kind)
  })
  observer.observe({ entryTypes: ['gc'] })
  youngGeneration.fill(youngGeneration.room())
  for (let turn = 0; kinds.length === 0 && turn < 1000; turn += 1) await setImmediate()
  observer.disconnect()
  assert.ok(kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR), `collected: ${kinds.join(', ')}`)
})

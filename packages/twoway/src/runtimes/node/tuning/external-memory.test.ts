import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExternalMemory } from './external-memory.js'
import type { YoungGeneration } from './young-generation.js'

const mebibyte = 1 << 20

/** The MiB of messages after which a young generation was collected that takes this much work. */
function collectedAt(work: number, mebibytes: number): number[] {
  const collected: number[] = []
  let counted = 0
  const outside = new ExternalMemory(
    () => ({ work: () => work, collect: () => collected.push(counted) }),
    () => true,
  )
  while (counted < mebibytes) {
    counted += 1
    outside.countBuffer(mebibyte)
  }
  return collected
}

test('collects a small young generation every 24 MiB', () => {
  assert.deepEqual(collectedAt(0, 72), [24, 48, 72])
  assert.deepEqual(collectedAt(12 * mebibyte, 72), [24, 48, 72])
})

test('collects a larger young generation less often, so that the work is at most half of the bytes of the messages', () => {
  assert.deepEqual(collectedAt(12 * mebibyte + 1, 96), [48, 96])
  assert.deepEqual(collectedAt(24 * mebibyte, 96), [48, 96])
})

test('does not collect a young generation that would take too much work', () => {
  assert.deepEqual(collectedAt(24 * mebibyte + 1, 256), [])
})

test('counts a message that is longer than a step once', () => {
  const collected: number[] = []
  const outside = new ExternalMemory(
    () => ({ work: () => 0, collect: (work) => collected.push(work) }),
    () => true,
  )
  outside.countBuffer(40 * mebibyte)
  outside.countBuffer(23 * mebibyte)
  assert.equal(collected.length, 1)
})

test('makes glibc keep freed memory once, after 24 MiB of buffers and texts', () => {
  let found = 0
  let collected = 0
  const find = (): YoungGeneration => {
    found += 1
    return { work: () => 0, collect: () => (collected += 1) }
  }
  const keptAt: number[] = []
  let counted = 0
  const outside = new ExternalMemory(find, () => keptAt.push(counted) > 0)
  while (counted < 100) {
    counted += 2
    outside.countBuffer(mebibyte)
    outside.countText(mebibyte)
  }
  assert.deepEqual(keptAt, [24])
  assert.equal(outside.keepsFreedMemory, true)
  assert.equal(outside.collections, 2)
  assert.deepEqual([found, collected], [1, 2], 'for 50 MiB of buffers; nothing is collected for texts')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExternalMemory } from './external-memory.js'

const mebibyte = 1 << 20

/** The MiB of messages after which a young generation with this much room was filled. */
function filledAt(room: number, mebibytes: number): number[] {
  const filled: number[] = []
  let counted = 0
  const outside = new ExternalMemory({ room: () => room, fill: () => filled.push(counted) }, () => true)
  while (counted < mebibytes) {
    counted += 1
    outside.countBuffer(mebibyte)
  }
  return filled
}

test('fills a small young generation every 16 MiB', () => {
  assert.deepEqual(filledAt(0, 48), [16, 32, 48])
  assert.deepEqual(filledAt(8 * mebibyte, 48), [16, 32, 48])
})

test('fills a larger young generation less often, so the filler is at most half as long as the messages', () => {
  assert.deepEqual(filledAt(8 * mebibyte + 1, 64), [32, 64])
  assert.deepEqual(filledAt(24 * mebibyte, 96), [48, 96])
})

test('does not fill a young generation that would need too much filler', () => {
  assert.deepEqual(filledAt(24 * mebibyte + 1, 256), [])
})

test('counts a message that is longer than a step once', () => {
  const filled: number[] = []
  const outside = new ExternalMemory({ room: () => 0, fill: (room) => filled.push(room) }, () => true)
  outside.countBuffer(40 * mebibyte)
  outside.countBuffer(15 * mebibyte)
  assert.equal(filled.length, 1)
})

test('makes glibc keep freed memory once, after 16 MiB of buffers and texts, also without a young generation to collect', () => {
  const filled: number[] = []
  for (const young of [undefined, { room: () => 0, fill: (room: number) => filled.push(room) }]) {
    const keptAt: number[] = []
    let counted = 0
    const outside = new ExternalMemory(young, () => keptAt.push(counted) > 0)
    while (counted < 100) {
      counted += 2
      outside.countBuffer(mebibyte)
      outside.countText(mebibyte)
    }
    assert.deepEqual(keptAt, [16])
    assert.equal(outside.keepsFreedMemory, true)
    assert.equal(outside.collections, young === undefined ? 0 : 3)
  }
  assert.equal(filled.length, 3, 'for 50 MiB of buffers; nothing is filled for texts')
})

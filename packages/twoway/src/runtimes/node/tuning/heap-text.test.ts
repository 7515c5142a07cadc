import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heapText, prefersHeap } from './heap-text.js'

const mebibyte = 1 << 20
const alphabet = Buffer.from(Array.from({ length: 128 }, (_, code) => code))
const isNode = !('bun' in process.versions || 'deno' in process.versions)

test('returns the same text as Buffer, for any length and after any earlier text', { skip: !isNode }, () => {
  for (const length of [0, 1, 127, 128, 129, 16_383, 16_384, 2 ** 21 - 1, 2 ** 21, 4 * mebibyte, 5, 2 ** 14 + 1]) {
    const bytes = Buffer.alloc(length + 7, alphabet)
    assert.ok(heapText(bytes, 3, length + 3) === bytes.toString('latin1', 3, length + 3), `${length}`)
  }
})

test('is preferred for texts that Node puts outside of the heap, up to 4 MiB, since Node 26', () => {
  const isQuick = isNode && Number.parseInt(process.versions.node, 10) >= 26
  assert.equal(prefersHeap(0xfbee9 - 1), false)
  assert.equal(prefersHeap(0xfbee9), isQuick)
  assert.equal(prefersHeap(4 * mebibyte), isQuick)
  assert.equal(prefersHeap(4 * mebibyte + 1), false)
})

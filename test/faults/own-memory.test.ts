import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { heldBytes, residentBytes } from './own-memory.js'

const mebibyte = 1 << 20

test('reports the same memory as process.memoryUsage', () => {
  globalThis.gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  assert.ok(Math.abs(heldBytes() - heapUsed - external) < mebibyte, `${heldBytes()}, not ${heapUsed + external}`)
  assert.ok(Math.abs(residentBytes() - rss) < 16 * mebibyte, `${residentBytes()}, not ${rss}`)
})

import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { heldBytes, residentBytes } from './own-memory.js'

const mebibyte = 1 << 20

test('tells the memory that process.memoryUsage tells', () => {
  globalThis.gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  assert.ok(Math.abs(heldBytes() - heapUsed - external) < mebibyte, `${heldBytes()}, not ${heapUsed + external}`)
  assert.ok(Math.abs(residentBytes() - rss) < 16 * mebibyte, `${residentBytes()}, not ${rss}`)
})

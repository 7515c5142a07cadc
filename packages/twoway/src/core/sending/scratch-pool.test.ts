import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { webPayload } from '../../runtimes/web/payload.js'
import { ScratchPool } from './scratch-pool.js'

const kib = 1 << 10

describe('ScratchPool', () => {
  it('hands out a returned chunk again', () => {
    const pool = new ScratchPool(webPayload)
    const chunk = pool.take()
    assert.equal(chunk.length, pool.chunkBytes)
    assert.notEqual(pool.take(), chunk)
    pool.give(chunk)
    assert.equal(pool.take(), chunk)
  })

  it('hands out the shortest long chunk that is long enough, or a new one of the length asked for', () => {
    const pool = new ScratchPool(webPayload)
    const chunks = [64, 32, 128].map((size) => pool.takeLong(size * kib))
    assert.deepEqual(
      chunks.map((chunk) => chunk.length),
      [64 * kib, 32 * kib, 128 * kib],
    )
    for (const chunk of chunks) pool.give(chunk)
    assert.equal(pool.takeLong(33 * kib), chunks[0])
    assert.equal(pool.takeLong(64 * kib), chunks[2])
    assert.equal(pool.takeLong(64 * kib + 1).length, 64 * kib + 1)
    assert.equal(pool.takeLong(32 * kib), chunks[1])
  })

  it('keeps the four longest chunks, and none beyond its bound', () => {
    const pool = new ScratchPool(webPayload)
    const chunks = [3, 1, 5, 2, 4].map((size) => pool.takeLong(size * 32 * kib))
    for (const chunk of chunks) pool.give(chunk)
    assert.deepEqual(
      [1, 1, 1, 1].map(() => pool.takeLong(32 * kib).length / (32 * kib)),
      [2, 3, 4, 5],
    )
    for (const [length, isKept] of [
      [pool.longestBytes, true],
      [pool.longestBytes + 1, false],
    ] as const) {
      const chunk = pool.takeLong(length)
      pool.give(chunk)
      assert.equal(pool.takeLong(length) === chunk, isKept)
    }
  })

  it('keeps short views of its first chunk', () => {
    const pool = new ScratchPool(webPayload)
    const [first, other] = [pool.take(), pool.take()]
    for (const chunk of [first, other]) chunk.fill(chunk === first ? 1 : 2)
    for (const length of [0, 1, 300, 2048, 2049, pool.chunkBytes]) {
      const view = pool.head(first, length)
      assert.equal(view.buffer, first.buffer)
      assert.deepEqual(view, first.subarray(0, length))
      assert.equal(pool.head(first, length) === view, length <= 2048)
      assert.deepEqual(pool.head(other, length), other.subarray(0, length))
    }
  })
})

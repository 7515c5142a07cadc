import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { percentile } from './percentile.js'

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)

  for (const [share, value] of [
    [0, 1],
    [0.01, 1],
    [0.5, 50],
    [0.501, 51],
    [0.99, 99],
    [1, 100],
  ] as const) {
    it(`of 1 to 100 for ${share} is ${value}, by the nearest rank`, () =>
      assert.equal(percentile(hundred, share), value))
  }

  it('of one value is that value', () => assert.equal(percentile([7], 0.99), 7))
  it('without values is NaN', () => assert.ok(Number.isNaN(percentile([], 0.5))))

  it('keeps the order of its input', () => {
    const values = [3, 1, 2]
    percentile(values, 0.5)
    assert.deepEqual(values, [3, 1, 2])
  })
})

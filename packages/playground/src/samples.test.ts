import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Samples } from './samples.js'

describe('Samples', () => {
  it('keeps all points up to its limit', () => {
    const samples = new Samples(10)
    for (let at = 0; at < 10; at++) samples.add(at, at * at)
    assert.deepEqual(samples.x, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.deepEqual(samples.y, [0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
  })

  it('keeps the whole length of a longer curve in the same space', () => {
    const samples = new Samples(10)
    for (let at = 0; at < 10_000; at++) samples.add(at, at)
    assert.ok(samples.x.length <= 10)
    assert.equal(samples.x[0], 0)
    assert.ok(samples.x.at(-1)! > 7500)
    assert.deepEqual(samples.y, samples.x)
  })

  it('adds a last point even if others were skipped', () => {
    const samples = new Samples(4)
    for (let at = 0; at < 100; at++) samples.add(at, at)
    samples.addLast(100, 0)
    assert.deepEqual([samples.x.at(-1), samples.y.at(-1)], [100, 0])
    assert.ok(samples.x.length <= 4)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Spares } from './spares.js'

describe('Spares', () => {
  it('has none at first', () => {
    assert.equal(new Spares(2).take(), undefined)
  })

  it('gives out each object once that was given back', () => {
    const spares = new Spares<{ name: string }>(3)
    const given = ['a', 'b', 'c'].map((name) => ({ name }))
    for (const each of given) spares.give(each)
    const taken = [spares.take(), spares.take(), spares.take()]
    assert.deepEqual(new Set(taken), new Set(given))
    assert.equal(spares.take(), undefined)
  })

  it('keeps as many as asked for', () => {
    for (const most of [1, 2, 5]) {
      const spares = new Spares<object>(most)
      for (let count = 0; count < most + 2; count += 1) spares.give({})
      let kept = 0
      while (spares.take() !== undefined) kept += 1
      assert.equal(kept, most)
    }
  })
})

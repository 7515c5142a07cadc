import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DedupeWindow } from './dedupe-window.js'

describe('DedupeWindow', () => {
  it('agrees with a list of the newest ids, over any sequence of calls', () => {
    const step = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), waitMs: fc.nat(5) })
    const limits = fc.record({ count: fc.nat(4), ageMs: fc.nat(12) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), limits, (steps, limits) => {
        const window = new DedupeWindow<number>(limits)
        let model: { id: string; value: number; addedMs: number }[] = []
        let nowMs = 0
        for (const [value, { id, waitMs }] of steps.entries()) {
          nowMs += waitMs
          model = model.filter(({ addedMs }) => nowMs - addedMs <= limits.ageMs)
          const known = model.find((entry) => entry.id === id)
          assert.equal(window.get(id, nowMs), known?.value)
          if (known !== undefined) continue
          window.add(id, value, nowMs)
          model.push({ id, value, addedMs: nowMs })
          if (model.length > limits.count) model.shift()
          assert.equal(window.size, model.length)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('forgets nothing early when the clock goes back', () => {
    const window = new DedupeWindow<number>({ count: 10, ageMs: 100 })
    assert.equal(window.get('a', 1000), undefined)
    assert.equal(window.get('a', 10), undefined)
    window.add('a', 1, 10)
    window.add('b', 2, 10)
    assert.equal(window.get('a', 1100), 1)
    assert.equal(window.get('b', 1100), 2)
    assert.equal(window.get('b', 1101), undefined)
    assert.equal(window.size, 0)
  })
})

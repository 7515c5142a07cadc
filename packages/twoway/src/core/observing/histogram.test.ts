import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  addHistograms,
  type Histogram,
  millisecondBounds,
  noBytes,
  noMilliseconds,
  SizeTally,
  TimeTally,
} from './histogram.js'

/** Counts values the plain way. */
function counted(bounds: readonly number[], values: readonly number[]): readonly number[] {
  const within = bounds.map((bound) => values.filter((value) => value <= bound).length)
  return [...within, values.length].map((count, at, all) => count - (all[at - 1] ?? 0))
}

function of(tally: { add(value: number): void; readonly histogram: Histogram }, values: readonly number[]): Histogram {
  for (const value of values) tally.add(value)
  return tally.histogram
}

describe('SizeTally', () => {
  it('counts each length in the first bucket whose bound it does not exceed', () => {
    const near = noBytes.bounds.flatMap((bound) => [bound - 1, bound, bound + 1])
    const values = [0, 1, 2, ...near, 2 ** 29, 2 ** 31, 2 ** 32]
    const { bounds, counts, sum } = of(new SizeTally(), values)
    assert.deepEqual(counts, counted(bounds, values))
    assert.equal(
      sum,
      values.reduce((one, other) => one + other),
    )
  })

  it('counts arbitrary lengths as a search does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 30 })), (values) => {
        const { bounds, counts } = of(new SizeTally(), values)
        assert.deepEqual(counts, counted(bounds, values))
      }),
    )
  })
})

describe('TimeTally', () => {
  it('counts each time in the first bucket whose bound it does not exceed', () => {
    const values = [0, ...millisecondBounds, ...millisecondBounds.map((bound) => bound + 0.01), 1e9]
    const { bounds, counts, sum } = of(new TimeTally(), values)
    assert.deepEqual(counts, counted(bounds, values))
    assert.equal(Math.round(sum), Math.round(values.reduce((one, other) => one + other)))
  })

  it('gives a histogram that later values do not change', () => {
    const tally = new TimeTally()
    const before = tally.histogram
    tally.add(1)
    assert.deepEqual(before, noMilliseconds)
  })
})

describe('addHistograms', () => {
  it('adds the counts of each bucket, and the sums', () => {
    const one = of(new SizeTally(), [1, 100, 2 ** 25])
    const other = of(new SizeTally(), [2, 3000])
    assert.deepEqual(addHistograms(one, other), of(new SizeTally(), [1, 100, 2 ** 25, 2, 3000]))
  })

  it('keeps the first of two whose bounds differ', () => {
    const one = of(new SizeTally(), [1])
    assert.equal(addHistograms(one, noMilliseconds), one)
  })
})

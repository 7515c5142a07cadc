import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addMetrics, noMetrics } from './add-metrics.js'
import type { ServerMetrics } from './server-metrics.js'

/** Each number another one, from `first` on. */
function metricsFrom(first: number, counts: Readonly<Record<string, number>>): ServerMetrics {
  let next = first
  const fields = Object.entries(noMetrics).map(([name, value]) => [name, typeof value === 'number' ? next++ : counts])
  return Object.fromEntries(fields)
}

describe('addMetrics', () => {
  it('adds each number, and the counts of each name', () => {
    const [one, other] = [metricsFrom(1, { 101: 2, 403: 1 }), metricsFrom(100, { 101: 3, 503: 4 })]
    const sum = addMetrics([one, other])
    for (const name of Object.keys(noMetrics) as (keyof ServerMetrics)[]) {
      const value = one[name]
      assert.deepEqual(
        sum[name],
        typeof value === 'number'
          ? value + (other[name] as number)
          : { ...(noMetrics[name] as object), 101: 5, 403: 1, 503: 4 },
        name,
      )
    }
    assert.deepEqual(one.handshakes, { 101: 2, 403: 1 })
  })

  it('is nothing for none', () => assert.deepEqual(addMetrics([]), noMetrics))
})

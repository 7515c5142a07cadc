import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addHistograms, type Histogram, TimeTally } from '../core/observing/histogram.js'
import type { HubMetrics } from '../core/observing/hub-metrics.js'
import type { TransportPath } from '../ports/transport-report.js'
import { addMetrics, noMetrics } from './add-metrics.js'
import type { ServerMetrics } from './server-metrics.js'

const { transport, histograms, hub, ...numbers } = noMetrics

/** Each number another one, from `first` on. */
function metricsFrom(first: number, counts: Readonly<Record<string, number>>): ServerMetrics {
  let next = first
  const fields = Object.entries(numbers).map(([name, value]) => [name, typeof value === 'number' ? next++ : counts])
  return { ...Object.fromEntries(fields), histograms, transport, hub } as unknown as ServerMetrics
}

function reported(path: TransportPath, ...reasons: readonly string[]): ServerMetrics {
  return { ...noMetrics, transport: { path, reasons } }
}

describe('addMetrics', () => {
  it('adds each number, and the counts of each name', () => {
    const [one, other] = [metricsFrom(1, { 101: 2, 403: 1 }), metricsFrom(100, { 101: 3, 503: 4 })]
    const sum = addMetrics([one, other])
    for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
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

  it('reports the common transport path, or a mixed one, and each reason once', () => {
    const slow = reported('stream', 'a', 'b')
    assert.deepEqual(addMetrics([slow, slow]).transport, { path: 'stream', reasons: ['a', 'b'] })
    assert.deepEqual(addMetrics([slow, noMetrics]).transport, slow.transport)
    const mixed = addMetrics([reported('handle'), slow, noMetrics, reported('stream', 'b', 'c')])
    assert.deepEqual(mixed.transport, { path: 'mixed', reasons: ['a', 'b', 'c'] })
  })

  it('adds histograms, and those of each handler', () => {
    const times = (...values: readonly number[]): Histogram => {
      const tally = new TimeTally()
      for (const value of values) tally.add(value)
      return tally.histogram
    }
    const [one, other] = [
      { ...histograms, roundTripMs: times(1), handlerMs: { open: times(2), message: times(3) } },
      { ...histograms, roundTripMs: times(5), handlerMs: { message: times(4), close: times(6) } },
    ].map((each) => ({ ...noMetrics, histograms: each }))
    const sum = addMetrics([one!, other!]).histograms
    assert.deepEqual(sum, {
      ...histograms,
      roundTripMs: times(1, 5),
      handlerMs: { open: times(2), message: times(3, 4), close: times(6) },
    })
  })

  it('is empty for no servers', () => assert.deepEqual(addMetrics([]), noMetrics))

  it('adds the metrics of hubs, with the histograms of each operation', () => {
    const tally = new TimeTally()
    tally.add(3)
    const { histogram } = tally
    const hubOf = (count: number, reason: string, operation: string): HubMetrics => ({
      ...{ clients: count, subscriptions: count, topics: count, stale: 1, published: count, stored: count },
      ...{ delivered: count, recovered: count, gapsFound: count, gapsFilled: count, brokerReads: count },
      malformed: count,
      notRecovered: { [reason]: count },
      brokerFailures: { publish: count },
      errors: {},
      brokerMs: { publish: histogram, [operation]: histogram },
    })
    const [one, other] = [hubOf(1, 'expired', 'read'), hubOf(10, 'rewound', 'head')]
    const sum = addMetrics([{ ...noMetrics, hub: one }, noMetrics, { ...noMetrics, hub: other }]).hub
    const both = addHistograms(histogram, histogram)
    assert.deepEqual(sum, {
      ...hubOf(11, '', ''),
      stale: 2,
      notRecovered: { expired: 1, rewound: 10 },
      brokerMs: { publish: both, read: histogram, head: histogram },
    })
    assert.equal(addMetrics([noMetrics, noMetrics]).hub, undefined)
  })
})

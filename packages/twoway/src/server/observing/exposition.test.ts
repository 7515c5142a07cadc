import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseExposition } from 'twoway-testing/exposition.js'
import { SizeTally, TimeTally } from '../../core/observing/histogram.js'
import { noMetrics } from '../add-metrics.js'
import type { ServerMetrics } from '../server-metrics.js'
import { openMetrics, prometheus } from './exposition.js'

const sizes = new SizeTally()
for (const size of [0, 16, 17, 5000, 1 << 25]) sizes.add(size)
const times = new TimeTally()
for (const time of [0.01, 3, 60_000]) times.add(time)

/** Metrics in which each field has a value. */
const busy: ServerMetrics = {
  ...noMetrics,
  connections: 2,
  receivedBytes: 12_345_678_901,
  receiveBytesLimit: Number.POSITIVE_INFINITY,
  roundTrips: 3,
  roundTripMs: 60_003.01,
  handshakes: { 101: 7, 403: 1 },
  errors: { handlerFailed: 1 },
  histograms: {
    roundTripMs: times.histogram,
    receivedMessageBytes: sizes.histogram,
    sentMessageBytes: sizes.histogram,
    handlerMs: { message: times.histogram, open: times.histogram },
  },
  transport: { path: 'handle', reasons: [] },
}

const formats = [
  ['prometheus', prometheus],
  ['openMetrics', openMetrics],
] as const

for (const [format, write] of formats) {
  describe(`the text of ${format}`, () => {
    it('is strict, for a new server and for a busy one', () => {
      for (const metrics of [noMetrics, busy]) parseExposition(write(metrics), format)
    })

    it('has the values of the metrics', () => {
      const families = parseExposition(write(busy), format)
      const total = format === 'prometheus' ? '_total' : ''
      const valuesOf = (name: string) => families.get(name)!.samples.map(({ labels, value }) => [labels, value])
      assert.deepEqual(valuesOf('twoway_connections'), [[{}, 2]])
      assert.deepEqual(valuesOf(`twoway_received_bytes${total}`), [[{}, 12_345_678_901]])
      assert.deepEqual(valuesOf('twoway_receive_limit_bytes'), [[{}, Number.POSITIVE_INFINITY]])
      assert.deepEqual(valuesOf(`twoway_handshakes${total}`), [
        [{ status: '101' }, 7],
        [{ status: '403' }, 1],
      ])
      assert.deepEqual(valuesOf('twoway_transport'), [[{ path: 'handle' }, 1]])
    })

    it('has buckets that contain the smaller ones, with times in seconds', () => {
      const families = parseExposition(write(busy), format)
      const trips = families.get('twoway_round_trip_seconds')!.samples
      const at = (le: string) => trips.find(({ labels }) => labels.le === le)?.value
      assert.deepEqual([at('5e-05'), at('0.0025'), at('0.005'), at('10.0'), at('+Inf')], [1, 1, 2, 2, 3])
      assert.ok(Math.abs(trips.find(({ name }) => name.endsWith('_sum'))!.value - 60.00301) < 1e-9)
      const lengths = families.get('twoway_received_message_bytes')!.samples
      assert.deepEqual(
        lengths.filter(({ name }) => name.endsWith('_bucket')).map(({ labels, value }) => [labels.le, value]),
        [
          ['16.0', 2],
          ['64.0', 3],
          ['256.0', 3],
          ['1024.0', 3],
          ['4096.0', 3],
          ['16384.0', 4],
          ['65536.0', 4],
          ['262144.0', 4],
          ['1.048576e+06', 4],
          ['4.194304e+06', 4],
          ['1.6777216e+07', 4],
          ['+Inf', 5],
        ],
      )
      assert.deepEqual(
        [...new Set(families.get('twoway_handler_seconds')!.samples.map(({ labels }) => labels.handler))],
        ['message', 'open'],
      )
    })

    it('has each metric once for several servers, whose labels tell them apart', () => {
      const text = write(
        [
          { metrics: busy, labels: { server: 'chat' } },
          { metrics: noMetrics, labels: { server: 'admin' } },
        ],
        { labels: { region: 'eu' } },
      )
      assert.deepEqual(parseExposition(text, format).get('twoway_connections')!.samples, [
        { name: 'twoway_connections', labels: { region: 'eu', server: 'chat' }, value: 2 },
        { name: 'twoway_connections', labels: { region: 'eu', server: 'admin' }, value: 0 },
      ])
    })

    it('escapes any value of a label', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), (value) => {
          if (value.includes('\r')) return
          const families = parseExposition(write(busy, { labels: { server: value } }), format)
          assert.equal(families.get('twoway_connections')!.samples[0]!.labels.server, value)
        }),
      )
      const families = parseExposition(write({ ...busy, errors: { 'a\\n"\n': 1 } }), format)
      const [errors] = [...families.values()].filter(({ name }) => name.startsWith('twoway_errors'))
      assert.equal(errors!.samples[0]!.labels.code, 'a\\n"\n')
    })

    it('adds the counts of workers', () => {
      const workers = {
        ...busy,
        workers: [{ state: 'listening' }, { state: 'draining' }],
        workerExits: 3,
        missedBroadcasts: 1,
      }
      const families = parseExposition(write(workers), format)
      assert.deepEqual(
        families.get('twoway_workers')!.samples.map(({ labels, value }) => [labels.state, value]),
        [
          ['listening', 1],
          ['draining', 1],
        ],
      )
      const total = format === 'prometheus' ? '_total' : ''
      assert.equal(families.get(`twoway_worker_exits${total}`)!.samples[0]!.value, 3)
      assert.equal(parseExposition(write(busy), format).has('twoway_workers'), false)
    })

    it('refuses labels that a scrape could not read', () => {
      for (const name of ['', '1a', 'a-b', '__name', 'le', 'status', 'é']) {
        assert.throws(
          () => write(busy, { labels: { [name]: 'x' } }),
          { name: 'UsageError', code: 'optionInvalid' },
          name,
        )
      }
      assert.throws(() => write(busy, { labels: { server: 5 as never } }), { name: 'UsageError' })
      assert.throws(() => write([{ metrics: busy }, { metrics: noMetrics }]), /several servers have the same labels/)
    })
  })
}

describe('the parser of these tests', () => {
  const wrong: readonly (readonly [what: string, text: string])[] = [
    ['no end of a line', '# HELP a b\n# TYPE a gauge\na 1'],
    ['a sample before TYPE', '# HELP a b\na 1\n# TYPE a gauge\n'],
    ['no HELP', '# TYPE a gauge\na 1\n'],
    ['a counter without _total', '# HELP a b\n# TYPE a counter\na 1\n'],
    ['a gauge with _total', '# HELP a_total b\n# TYPE a_total gauge\na_total 1\n'],
    ['an unknown escape', '# HELP a b\n# TYPE a gauge\na{b="\\t"} 1\n'],
    ['a bare quote', '# HELP a b\n# TYPE a gauge\na{b="""} 1\n'],
    ['a series twice', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
    ['a metric in two places', '# HELP a b\n# TYPE a gauge\na 1\n# HELP c d\n# TYPE c gauge\na{b="c"} 1\n'],
    ['Infinity', '# HELP a b\n# TYPE a gauge\na Infinity\n'],
    [
      'buckets that do not add up',
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
    ['no bucket +Inf', '# HELP a b\n# TYPE a histogram\na_bucket{le="1.0"} 2\na_sum 1\na_count 2\n'],
  ]
  for (const [what, text] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => parseExposition(text, 'prometheus')))
  }

  it('refuses OpenMetrics without # EOF', () => {
    assert.throws(() => parseExposition('# HELP a b\n# TYPE a gauge\na 1\n', 'openMetrics'), /EOF/)
  })
})

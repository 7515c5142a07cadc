import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Contender } from './contender.js'
import type { Measurement } from './load/load.js'
import { mediansOf, type Result, ratiosOf } from './results.js'
import { rivals } from './rival.js'
import { rows } from './row.js'

const [row] = rows

function measurement(cost: number, p50: number | undefined = 10 * cost): Measurement {
  return { cost, perSecond: 1e6 / cost, p50, p99: p50, memory: 1, busy: 1, generatorBusy: 1 }
}

function result(id: string, runtime: string, costs: readonly number[]): Result {
  const rival = rivals.find((each) => each.id === id)!
  const contender: Contender = { id: `${id} ${runtime}`, name: id, rival, runtime, program: '', args: [] }
  return { row: row!, contender, measurements: costs.map((cost) => measurement(cost)), failure: undefined }
}

describe('results', () => {
  it('are summed up by medians, with the range of costs', () => {
    const { cost, costMin, costMax, perSecond, p50 } = mediansOf(result('twoway', 'Node 26.0.0', [4, 1, 2, 100]))
    assert.deepEqual([cost, costMin, costMax, perSecond, p50], [3, 1, 100, 375_000, 30])
  })

  it('have no latency where nothing answers', () => {
    const idle = { ...result('twoway', 'Node 26.0.0', []), measurements: [{ ...measurement(1), p50: undefined }] }
    assert.equal(mediansOf(idle).p50, undefined)
  })

  it('of Twoway on another runtime are compared with its own, without an aim', () => {
    const ratios = ratiosOf([
      result('twoway', 'Node 26.0.0', [1]),
      result('twoway-bun', 'Bun 1.0.0', [2]),
      result('ws', 'Node 26.0.0', [3]),
      result('bun', 'Bun 1.0.0', [4]),
      result('deno', 'Deno 2.0.0', [5]),
    ])
    assert.deepEqual(
      ratios
        .filter(({ ours }) => ours.name === 'twoway-bun')
        .map(({ theirs, ratio, aim }) => [theirs.name, ratio, aim]),
      [['bun', 0.5, undefined]],
    )
    assert.deepEqual(
      ratios.filter(({ ours }) => ours.name === 'twoway').map(({ theirs }) => theirs.name),
      ['ws', 'bun', 'deno'],
    )
  })

  it('are compared round by round, Node with the same Node, and with the aim', () => {
    const ratios = ratiosOf([
      result('twoway', 'Node 26.0.0', [1, 20, 3]),
      result('ws-bufferutil', 'Node 26.0.0', [2, 40, 3]),
      result('ws', 'Node 20.0.0', [1]),
      result('bun', 'Bun 1.0.0', [4, 5]),
      result('deno', 'Deno 2.0.0', []),
    ])
    assert.deepEqual(
      ratios.map(({ theirs, ratio, aim }) => [theirs.name, ratio, aim]),
      [
        ['ws-bufferutil', 0.5, row!.aims!['ws-bufferutil']],
        ['bun', (1 / 4 + 20 / 5) / 2, row!.aims!.bun],
      ],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HistoryBudget } from './history-budget.js'
import { TopicRing } from './topic-ring.js'

const limits = { count: 10, bytes: 100, ageMs: 1000 }

describe('HistoryBudget', () => {
  it('drops the messages of the topic whose last message is oldest, and keeps its head', () => {
    const budget = new HistoryBudget(100)
    const rings = ['a', 'b', 'c'].map((epoch) => new TopicRing<string>(epoch, limits, budget))
    const append = (ring: number, bytes: number, mark = 'm') => rings[ring]!.append('x', { bytes, mark, nowMs: 0 })
    append(0, 40)
    append(1, 40)
    append(0, 10)
    const head = rings[1]!.head
    append(2, 20)
    assert.deepEqual(
      rings.map(({ bytes }) => bytes),
      [50, 0, 20],
    )
    assert.equal(budget.used, 70)
    assert.deepEqual(rings[1]!.head, head)
    assert.deepEqual(rings[1]!.since(head, 0), { recovered: true, head, messages: [] })
    append(1, 100)
    assert.equal(budget.used, 100)
    assert.deepEqual(
      rings.map(({ bytes }) => bytes),
      [0, 100, 0],
    )
  })

  it('counts what a ring drops by its own limits, and forgets a ring that is gone', () => {
    const budget = new HistoryBudget(1000)
    const ring = new TopicRing<string>('a', { ...limits, count: 2 }, budget)
    for (let index = 0; index < 5; index += 1) ring.append('x', { bytes: 10, mark: `${index}`, nowMs: 0 })
    assert.equal(budget.used, 20)
    ring.trim(2000)
    assert.equal(budget.used, 0)
    ring.append('x', { bytes: 10, mark: 'm', nowMs: 2000 })
    budget.removed(ring)
    budget.removed(ring)
    assert.equal(budget.used, 0)
  })
})

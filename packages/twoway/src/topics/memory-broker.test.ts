import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import type { BrokerTopicEvents } from '../ports/broker/broker.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from './memory-broker.js'

const silent: BrokerTopicEvents = { stored() {}, volatile() {} }

function makeBroker(maxTopics = 100): { broker: MemoryBroker; clock: FakeClock } {
  const clock = new FakeClock()
  const history = { count: 200, bytes: 10_000, ageMs: 60_000 }
  const dedupe = { count: 1000, ageMs: 60_000 }
  const broker = new MemoryBroker({
    history,
    dedupe,
    maxTopics,
    totalBytes: 1 << 26,
    clock,
    random: webRandom,
    payload: webPayload,
  })
  return { broker, clock }
}

brokerContract('memory', async () => {
  const { broker } = makeBroker()
  return { connect: async () => broker, close: async () => {} }
})

describe('MemoryBroker', () => {
  it('forgets the topic that was unused longest, and gives it another epoch', async () => {
    const { broker } = makeBroker(2)
    const a = await broker.open('a', silent)
    const position = await a.publish('1')
    const b = await broker.open('b', silent)
    b.leave()
    a.leave()
    const kept = await (await broker.open('c', silent)).head()
    assert.deepEqual(await (await broker.open('a', silent)).head(), position)
    assert.notEqual(kept.epoch, position.epoch)
    await assert.rejects(broker.open('b', silent), /takes 2 topics/)
    assert.deepEqual(await (await broker.open('c', silent)).head(), kept)
  })

  it('tells a client of a forgotten topic that its epoch is unknown', async () => {
    const { broker } = makeBroker(1)
    const a = await broker.open('a', silent)
    const position = await a.publish('1')
    a.leave()
    const b = await broker.open('b', silent)
    b.leave()
    const again = await (await broker.open('a', silent)).since(position, 10)
    assert.equal(again.recovered === false && again.reason, 'unknown-epoch')
  })

  it('counts a text in UTF-8 bytes, and drops the oldest messages beyond the limit', async () => {
    const { broker } = makeBroker()
    const topic = await broker.open('a', silent)
    const start = await topic.head()
    const first = await topic.publish('é'.repeat(2500))
    await topic.publish('é'.repeat(2500))
    assert.equal((await topic.since(start, 10)).recovered, true)
    await topic.publish('1')
    assert.equal((await topic.since(start, 10)).recovered, false)
    assert.equal((await topic.since(first, 10)).recovered, true)
  })

  it('forgets messages and ids by their age', async () => {
    const { broker, clock } = makeBroker()
    const topic = await broker.open('a', silent)
    const start = await topic.head()
    const position = await topic.publish('1', 'id')
    clock.advance(60_000)
    assert.deepEqual(await topic.publish('1', 'id'), position)
    assert.equal((await topic.since(start, 10)).recovered, true)
    clock.advance(1)
    assert.equal((await topic.since(start, 10)).recovered, false)
    assert.equal((await topic.since(position, 10)).recovered, true)
    assert.equal((await topic.publish('1', 'id')).offset, 2)
  })
})

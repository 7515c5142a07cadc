import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { settle } from 'twoway-testing/harnesses/hub-harness.js'
import { makeStorage } from 'twoway-testing/memory-storage.js'
import { ClusterTopic } from './cluster-topic.js'

const checkEveryMs = 3000

/** A node's topic, with what it has delivered, and another node that publishes to it. */
async function makeNode(storage = makeStorage(), isAway = false) {
  const clock = new FakeClock()
  const broker = new FaultyBroker(storage)
  broker.isAway = isAway
  const seen: unknown[] = []
  const topic = new ClusterTopic(
    broker,
    'a',
    { clock, count: 100, bytes: 1 << 20 },
    {
      stored: ({ content }) => seen.push(content),
      volatile: (content) => seen.push(`volatile ${content}`),
      gap: () => seen.push('gap'),
      failed: () => seen.push('failed'),
    },
  )
  const other = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
  await settle()
  const check = async (): Promise<void> => {
    clock.advance(checkEveryMs)
    await settle()
  }
  return { clock, broker, seen, topic, other, check }
}

describe('the topic of a Socket.IO cluster', () => {
  it('delivers messages of all nodes in order, and those that are not stored', async () => {
    const { seen, topic, other } = await makeNode()
    await topic.publish('1')
    await other.publish('2')
    topic.send('3')
    await topic.publish('4')
    assert.deepEqual(seen, ['1', '2', 'volatile 3', '4'])
  })

  it('reads missing messages before it delivers later ones', async () => {
    const { broker, seen, other } = await makeNode()
    broker.loses = ({ content }) => content === '2' || content === '3'
    for (const content of ['1', '2', '3', '4', '5']) await other.publish(content)
    await settle()
    assert.deepEqual(seen, ['1', '2', '3', '4', '5'])
  })

  it('finds within two checks that the last message is missing', async () => {
    const { broker, seen, other, check } = await makeNode()
    broker.loses = () => true
    await other.publish('1')
    await check()
    assert.deepEqual(seen, [])
    await check()
    assert.deepEqual(seen, ['1'])
  })

  it('delivers what waits when the broker can be read again', async () => {
    const { broker, seen, other, check } = await makeNode()
    broker.loses = ({ content }) => content === '1'
    broker.failsToRead = true
    for (const content of ['1', '2']) await other.publish(content)
    await check()
    assert.deepEqual(seen, [])
    broker.failsToRead = false
    await check()
    assert.deepEqual(seen, ['1', '2'])
  })

  it('reports a gap, and goes on behind it, if missing messages are gone', async () => {
    const { broker, seen, other } = await makeNode(makeStorage(3))
    broker.loses = () => true
    for (const content of ['1', '2', '3', '4', '5']) await other.publish(content)
    broker.loses = () => false
    await other.publish('6')
    await settle()
    await other.publish('7')
    assert.deepEqual(seen, ['gap', '7'])
  })

  it('reports a gap if the broker comes back without its data', async () => {
    const { broker, seen, topic, other, check } = await makeNode()
    await other.publish('1')
    const { offset, mark } = topic.head
    await broker.replace(makeStorage())
    await check()
    await check()
    await topic.publish('2')
    assert.deepEqual(seen, ['1', 'gap', '2'])
    assert.equal(topic.since(offset, mark), undefined)
  })

  it('has the messages before its start, and says which followed a position', async () => {
    const storage = makeStorage()
    const other = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
    const first = await other.publish('1')
    await other.publish('2')
    const { topic } = await makeNode(storage)
    await other.publish('3')
    const after = (offset: number, mark: string) => topic.since(offset, mark)?.map(({ content }) => content)
    assert.deepEqual(after(0, ''), ['1', '2', '3'])
    assert.deepEqual(after(first.offset, first.mark), ['2', '3'])
    assert.equal(after(first.offset, `${first.mark}x`), undefined)
    assert.equal(after(4, ''), undefined)
  })

  it('catches up with the broker when asked, by one question for many that ask', async () => {
    const { broker, clock, seen, topic, other } = await makeNode()
    broker.loses = () => true
    await other.publish('1')
    const asked = Array.from({ length: 100 }, () => topic.upToHead())
    await Promise.all(asked)
    assert.deepEqual(seen, ['1'])
    const { reads } = broker
    await other.publish('2')
    const again = Array.from({ length: 100 }, () => topic.upToHead())
    await settle()
    assert.deepEqual(seen, ['1'])
    clock.advance(50)
    await Promise.all(again)
    assert.deepEqual(seen, ['1', '2'])
    assert.equal(broker.reads, reads + 1)
  })

  it('rejects who asks to catch up while the broker is away', async () => {
    const { broker, topic, clock } = await makeNode()
    broker.isAway = true
    await assert.rejects(topic.upToHead(), /away/)
    broker.isAway = false
    clock.advance(50)
    await topic.upToHead()
  })

  it('opens when the broker is there, and stores what was published before', async () => {
    const { broker, clock, seen, topic } = await makeNode(makeStorage(), true)
    const published = topic.publish('1')
    clock.advance(200)
    await settle()
    assert.deepEqual(seen, ['failed', 'failed'])
    broker.isAway = false
    clock.advance(400)
    await published
    assert.deepEqual(seen, ['failed', 'failed', '1'])
  })

  it('ends without an open topic, a timer or an event left', async () => {
    const away = await makeNode(makeStorage(), true)
    const published = away.topic.publish('1')
    await Promise.all([assert.rejects(published, /closed/), away.topic.close()])
    const { topic, other, seen, clock } = await makeNode()
    await topic.close()
    await other.publish('1')
    await assert.rejects(topic.publish('2'), /closed/)
    assert.deepEqual([seen, clock.pendingTimers, away.clock.pendingTimers], [[], 0, 0])
  })
})

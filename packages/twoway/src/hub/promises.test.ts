/** A test for each promise of docs/explanation/topics.md, by its number. The other files of this folder test the parts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { type FakeHubSocket, HubHarness, type HubOptions, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { judge } from 'twoway-testing/topic-faults/oracle.js'
import { Simulation } from 'twoway-testing/topic-faults/simulation.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from '../topics/memory-broker.js'

const topics = { 'room.*': { publish: true, presence: true } }

function makeStorage({ clock = new FakeClock(), count = 100, ageMs = 60_000 } = {}): MemoryBroker {
  return new MemoryBroker({
    history: { count, bytes: 1 << 20, ageMs },
    dedupe: { count: 100, ageMs: 60_000 },
    maxTopics: 100,
    totalBytes: 1 << 26,
    clock,
    random: webRandom,
    payload: webPayload,
  })
}

function makeNode(storage = makeStorage(), options: HubOptions = {}): { harness: HubHarness; broker: FaultyBroker } {
  const broker = new FaultyBroker(storage)
  return { harness: new HubHarness({ topics, broker, ...options }), broker }
}

async function subscribe(harness: HubHarness, more: object = {}, token?: string): Promise<FakeHubSocket> {
  const socket = await harness.enter(token)
  socket.say({ t: 'sub', id: 1, topic: 'room.1', ...more })
  await settle()
  return socket
}

/** Resumes at a position, and returns the data that followed or the reason why not. */
async function resume(
  harness: HubHarness,
  position: { epoch: string; offset: number; mark: string },
): Promise<unknown> {
  const socket = await subscribe(harness, { at: [position.epoch, position.offset, position.mark] })
  const [ok, ...messages] = socket.take()
  return ok!.recovered === true ? messages.map(({ data }) => data) : ok!.reason
}

describe('the promises of topics', () => {
  it('1: one order per topic, and a position that is proved by the mark, by the successor, and by the head', async () => {
    const clock = new FakeClock()
    const storage = makeStorage({ clock, count: 2 })
    const { harness } = makeNode(storage)
    const positions = []
    for (const data of [1, 2, 3]) positions.push((await harness.hub.publish('room.1', data))!)
    assert.deepEqual(await resume(harness, positions[0]!), [2, 3])
    assert.equal(await resume(harness, { ...positions[1]!, mark: 'another' }), 'rewound')
    clock.advance(60_001)
    assert.deepEqual(await resume(makeNode(storage).harness, positions[2]!), [])
  })

  it('2: no silent hole while connected', async () => {
    const { harness, broker } = makeNode()
    const socket = await subscribe(harness)
    broker.loses = ({ position: { offset } }) => offset === 1 || offset === 3
    for (const data of [1, 2, 3]) await harness.hub.publish('room.1', data)
    for (let check = 0; check < 2; check += 1) {
      await settle()
      harness.clock.advance(5000)
    }
    await settle()
    const data = socket.take().flatMap((message) => (message.t === 'msg' ? [message.data] : []))
    assert.deepEqual(data, [1, 2, 3])
  })

  it('3: recovered is the truth, with the reason and the position from which messages follow', async () => {
    const { harness } = makeNode(makeStorage({ count: 1 }), { ringCount: 1 })
    const first = (await harness.hub.publish('room.1', 1))!
    for (const data of [2, 3, 4]) await harness.hub.publish('room.1', data)
    const head = (await harness.hub.publish('room.1', 5))!
    const socket = await subscribe(harness, { at: [first.epoch, first.offset, first.mark] })
    assert.deepEqual(socket.take(), [
      { t: 'ok', id: 1, recovered: false, reason: 'expired', count: 0, at: [head.epoch, head.offset, head.mark] },
    ])
    await harness.hub.publish('room.1', 6)
    assert.equal(socket.take()[0]!.prev, head.mark)
  })

  it('4: once to the handler and in order, over reconnections, nodes that die and a broker that fails', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const hasOlderCopies = seed % 3 === 0
      const simulation = new Simulation(seed)
      await simulation.run(10, hasOlderCopies)
      assert.deepEqual(judge(simulation.evidence(hasOlderCopies)), [])
    }
  })

  it('5: an answered publish is stored, and a repeated one takes effect once', async () => {
    const { harness, broker } = makeNode()
    const socket = await harness.enter()
    for (const id of [1, 2]) socket.say({ t: 'pub', id, topic: 'room.1', data: 'x', key: 'k' })
    await settle()
    const [first, second] = socket.take()
    assert.deepEqual(first!.at, second!.at)
    broker.isAway = true
    socket.say({ t: 'pub', id: 3, topic: 'room.1', data: 'y' })
    await settle()
    assert.equal(socket.take()[0]!.code, 'unavailable')
    assert.equal(await harness.hub.publish('room.1', 1, { volatile: true }), undefined)
  })

  it('6: a storm of clients costs the broker one read for each topic, and each message is framed and joined once', async () => {
    const { harness, broker } = makeNode()
    const first = (await harness.hub.publish('room.1', 0))!
    for (let index = 0; index < 50; index += 1) await harness.hub.publish('room.1', index)
    for (let client = 0; client < 100; client += 1) await resume(harness, first)
    assert.equal(broker.reads, 1)
    assert.equal(harness.server.framed, 50)
    assert.equal(harness.server.joined, 1)
  })

  it('7: presence by the lease of a node, per user, and stale while the broker is away', async () => {
    const storage = makeStorage()
    const options = { leaseMs: 3000, authenticate: ({ token }: { token?: unknown }) => ({ user: `${token}` }) }
    const [one, other] = [makeNode(storage, options), makeNode(storage, options)]
    const ann = await subscribe(one.harness, { who: true }, 'ann')
    await subscribe(other.harness, {}, 'bob')
    await subscribe(other.harness, {}, 'bob')
    await settle()
    const shown = () =>
      ann
        .take()
        .flatMap<unknown>(({ t, user, stale }) =>
          t === 'join' || t === 'leave' ? [`${t} ${user}`] : t === 'here' ? [stale] : [],
        )
    assert.deepEqual(shown(), [false, 'join bob'])
    other.broker.isAway = true
    const pass = async (): Promise<void> => {
      for (let second = 0; second < 6; second += 1) {
        one.harness.clock.advance(1000)
        await settle()
      }
    }
    await pass()
    assert.deepEqual(shown(), ['leave bob'])
    one.broker.isAway = true
    await pass()
    assert.deepEqual(shown(), [true])
  })

  it('8: a slow consumer hurts only itself', async () => {
    const { harness } = makeNode()
    const [slow, latest, fast] = [
      await subscribe(harness),
      await subscribe(harness, { slow: 'latest' }),
      await subscribe(harness),
    ]
    for (const socket of [slow, latest]) socket.setRoom(false)
    for (const data of [1, 2, 3]) await harness.hub.publish('room.1', data)
    const data = (socket: FakeHubSocket) =>
      socket.take().flatMap((message) => (message.t === 'msg' ? [message.data] : []))
    assert.deepEqual([data(fast), data(slow), data(latest)], [[1, 2, 3], [1], [1]])
    for (const socket of [slow, latest]) socket.setRoom(true)
    await settle()
    assert.deepEqual([data(slow), data(latest)], [[2, 3], [3]])
  })

  it('9: wildcards, with authorization of each action for each pattern', async () => {
    const harness = new HubHarness({ topics: { 'room.*': {}, 'log.>': { subscribe: false, publish: true } } })
    const socket = await harness.enter()
    const codes = async (...messages: object[]): Promise<unknown[]> => {
      for (const [id, message] of messages.entries()) socket.say({ id, ...message })
      await settle()
      return socket
        .take()
        .toSorted((a, b) => a.id! - b.id!)
        .map(({ code }) => code)
    }
    const subs = ['room.*', 'room.>', 'log.>', '>', 'log.a'].map((topic) => ({ t: 'sub', topic }))
    assert.deepEqual(await codes(...subs), [undefined, 'unknown-topic', 'forbidden', 'unknown-topic', 'forbidden'])
    const pubs = ['room.1', 'log.a.b', 'hall'].map((topic) => ({ t: 'pub', topic }))
    assert.deepEqual(await codes(...pubs), ['forbidden', undefined, 'unknown-topic'])
  })

  it('10: the type says what is at most once, and what is resumable', async () => {
    const { harness, broker } = makeNode(makeStorage(), { topics: { 'room.*': {}, live: { store: false } } })
    assert.equal(broker.delivery satisfies 'resumable', 'resumable')
    assert.equal((await harness.hub.publish('room.1', 1))?.offset, 1)
    assert.equal(await harness.hub.publish('live', 1), undefined)
  })

  it('11: the broker may go away: nothing dies, and everything holds again when it is back', async () => {
    const { harness, broker } = makeNode()
    const socket = await subscribe(harness)
    await harness.hub.publish('room.1', 1)
    socket.take()
    broker.isAway = true
    broker.loses = () => true
    await assert.rejects(harness.hub.publish('room.1', 'refused'))
    harness.clock.advance(60_000)
    await settle()
    broker.isAway = false
    await harness.hub.publish('room.1', 2)
    broker.loses = () => false
    await harness.hub.publish('room.1', 3)
    await settle()
    assert.deepEqual(
      socket.take().map(({ data }) => data),
      [2, 3],
    )
    assert.equal(socket.closeCode(), undefined)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from '../topics/memory-broker.js'

const topics = { 'room.*': { publish: true, presence: true } }
const byToken = ({ token }: { token?: unknown }) => ({ user: `${token}` })

describe('a session', () => {
  it('leaves the presence of its user when it is refused for the credentials of another', async () => {
    const harness = new HubHarness({ topics, authenticate: byToken })
    const ann = await harness.enter('ann')
    ann.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    ann.say({ t: 'auth', id: 2, token: 'eve' })
    await settle()
    assert.equal(ann.closeCode(), 4401)
    assert.deepEqual((await harness.hub.presence('room.1')).members, [])
  })

  it('does not leave and join when it subscribes again, as a resume does', async () => {
    const harness = new HubHarness({ topics, authenticate: byToken })
    const [bob, ann] = [await harness.enter('bob'), await harness.enter('ann')]
    bob.say({ t: 'sub', id: 1, topic: 'room.1', who: true })
    await settle()
    for (const id of [1, 2, 3]) ann.say({ t: 'sub', id, topic: 'room.1' })
    await settle()
    assert.deepEqual(
      bob.take().map(({ t }) => t),
      ['ok', 'here', 'join'],
    )
    ann.say({ t: 'unsub', id: 4, topic: 'room.1' })
    await settle()
    assert.equal(bob.take()[0]!.t, 'leave')
  })

  it('misses no stored message that its connection has dropped, though no drain follows', async () => {
    const harness = new HubHarness({ topics })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    socket.take()
    socket.result = 'dropped'
    for (const data of [1, 2]) await harness.hub.publish('room.1', data)
    socket.result = 'sent'
    harness.clock.advance(1000)
    await settle()
    assert.deepEqual(
      socket.take().map(({ data }) => data),
      [1, 2],
    )
  })

  it('ends if the answer to a question is dropped, as each question gets one', async () => {
    const harness = new HubHarness({ topics, requests: { echo: (data: unknown) => data } })
    const socket = await harness.enter()
    socket.result = 'dropped'
    socket.say({ t: 'req', id: 1, method: 'echo' })
    await settle()
    assert.equal(socket.closeCode(), 1013)
  })

  it('catches up when the broker is back that was away at the first attempt', async () => {
    const storage = new MemoryBroker({
      history: { count: 100, bytes: 1 << 20, ageMs: 60_000 },
      totalBytes: 1 << 20,
      dedupe: { count: 100, ageMs: 60_000 },
      maxTopics: 10,
      clock: new FakeClock(),
      random: webRandom,
      payload: webPayload,
    })
    const broker = new FaultyBroker(storage)
    const harness = new HubHarness({ topics, broker, ringCount: 1 })
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    socket.take()
    socket.setRoom(false)
    for (const data of [1, 2, 3, 4]) await harness.hub.publish('room.1', data)
    broker.failsToRead = true
    socket.setRoom(true)
    await settle()
    broker.failsToRead = false
    harness.clock.advance(5000)
    await settle()
    assert.deepEqual(
      socket.take().map(({ data }) => data),
      [1, 2, 3, 4],
    )
  })

  it('sends the older messages of a subscription no faster than the client takes them', async () => {
    const harness = new HubHarness({ topics })
    for (let index = 0; index < 10; index += 1) await harness.hub.publish('room.1', index)
    const socket = await harness.enter()
    let left = 3
    socket.onMessage = () => {
      left -= 1
      if (left === 0) socket.result = 'buffered'
    }
    socket.say({ t: 'sub', id: 1, topic: 'room.1', last: 10 })
    await settle()
    assert.deepEqual(
      socket.take().map(({ t, data }) => data ?? t),
      ['ok', 0, 1],
    )
    socket.onMessage = () => undefined
    socket.setRoom(true)
    await settle()
    assert.deepEqual(
      socket.take().map(({ data }) => data),
      [2, 3, 4, 5, 6, 7, 8, 9],
    )
  })

  it('keeps nothing of a topic whose presence was only asked for', async () => {
    const storage = new MemoryBroker({
      history: { count: 10, bytes: 1000, ageMs: 1000 },
      totalBytes: 1 << 20,
      dedupe: { count: 10, ageMs: 1000 },
      maxTopics: 20,
      clock: new FakeClock(),
      random: webRandom,
      payload: webPayload,
    })
    const harness = new HubHarness({ topics, broker: storage, maxTopics: 10 })
    const socket = await harness.enter()
    const ask = async (from: number): Promise<(string | undefined)[]> => {
      for (let id = from; id < from + 12; id += 1) socket.say({ t: 'who', id, topic: `room.${id}` })
      await settle()
      await settle()
      return socket.take().map(({ code }) => code)
    }
    const answers = await ask(0)
    assert.equal(answers.filter((code) => code === undefined).length, 10)
    assert.equal(answers.filter((code) => code === 'limit').length, 2)
    harness.clock.advance(10_000)
    await settle()
    assert.equal((await ask(100)).filter((code) => code === undefined).length, 10)
  })

  it('refuses to publish a value that JSON does not have, and goes on', async () => {
    const harness = new HubHarness({ topics })
    for (const value of [undefined, () => 1, Symbol('x'), 1n]) {
      await assert.rejects(harness.hub.publish('room.1', value as never), { code: 'invalid' })
    }
    assert.equal((await harness.hub.publish('room.1', null))!.offset, 1)
  })

  it('is a session of whole messages, though the plain handlers ask for streams', () => {
    const handlers = new HubHarness().hub.handlers({ upgrade: () => ({ messageStream: true, data: 1 }) } as never)
    const answer = handlers.upgrade({ protocols: ['twoway.1'] } as never, {} as never)
    assert.deepEqual(answer, { messageStream: false, data: 1, protocol: 'twoway.1' })
  })
})

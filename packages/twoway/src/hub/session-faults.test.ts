import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { type FromServer, HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from '../topics/memory-broker.js'

const topics = { 'room.*': { publish: true, presence: true } }
const byToken = ({ token }: { token?: unknown }) => ({ user: `${token}` })

function memoryBroker(): MemoryBroker {
  return new MemoryBroker({
    history: { count: 100, bytes: 1 << 20, ageMs: 60_000 },
    totalBytes: 1 << 20,
    dedupe: { count: 100, ageMs: 60_000 },
    maxTopics: 10,
    clock: new FakeClock(),
    random: webRandom,
    payload: webPayload,
  })
}

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
    const broker = new FaultyBroker(memoryBroker())
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
    // A connection takes two of these in a row.
    const long = 'x'.repeat(12 << 10)
    for (let index = 0; index < 10; index += 1) await harness.hub.publish('room.1', `${index} ${long}`)
    const socket = await harness.enter()
    const first = ({ t, data }: FromServer): unknown => (data === undefined ? t : Number.parseInt(`${data}`, 10))
    let left = 3
    socket.onMessage = () => {
      left -= 1
      if (left === 0) socket.result = 'buffered'
    }
    socket.say({ t: 'sub', id: 1, topic: 'room.1', last: 10 })
    await settle()
    assert.deepEqual(socket.take().map(first), ['ok', 0, 1])
    socket.onMessage = () => undefined
    socket.setRoom(true)
    await settle()
    assert.deepEqual(socket.take().map(first), [2, 3, 4, 5, 6, 7, 8, 9])
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

  it('refuses a key of 256 characters, whose message no subscriber could read', async () => {
    const harness = new HubHarness({ topics })
    const [ann, bob] = [await harness.enter(), await harness.enter()]
    bob.say({ t: 'sub', id: 1, topic: 'room.1' })
    await settle()
    bob.take()
    const bytes = new Uint8Array([7])
    for (const length of [255, 256, 70_000]) {
      ann.say({ t: 'vol', topic: 'room.1', bin: true, key: 'k'.repeat(length) })
      ann.say(bytes)
      await settle()
    }
    ann.say({ t: 'pub', id: 9, topic: 'room.1', key: 'k'.repeat(256), data: 1 })
    await settle()
    assert.deepEqual(
      ann.take().map(({ code, id }) => [code, id]),
      [
        ['invalid', undefined],
        ['invalid', undefined],
        ['invalid', 9],
      ],
    )
    const [header, body, ...others] = bob.take()
    assert.equal(header!.key, 'k'.repeat(255))
    assert.deepEqual([body!.bytes, others], [bytes, []])
    await assert.rejects(harness.hub.publish('room.1', 1, { key: 'k'.repeat(256) }), { code: 'invalid' })
  })

  it('refuses bytes of a user whose name does not fit into a heading', async () => {
    const harness = new HubHarness({ topics, authenticate: () => ({ user: 'ü'.repeat(11_000) }) })
    const ann = await harness.enter('ann')
    ann.say({ t: 'pub', id: 1, topic: 'room.1', bin: true })
    ann.say(new Uint8Array([7]))
    await settle()
    assert.deepEqual(
      ann.take().map(({ code }) => code),
      ['invalid'],
    )
  })

  it('stores each of more publishes than the broker may owe an answer', async () => {
    const broker = new FaultyBroker(memoryBroker())
    const harness = new HubHarness({ topics, broker, maxPending: 2 })
    const socket = await harness.enter()
    for (let id = 1; id <= 30; id += 1) socket.say({ t: 'pub', id, topic: 'room.1', data: id })
    for (let turn = 0; turn < 20; turn += 1) await settle()
    assert.deepEqual(
      socket.take().map(({ t, id }) => [t, id]),
      Array.from({ length: 30 }, (_, index) => ['ok', index + 1]),
    )
    assert.equal(socket.isPaused, false)
  })

  it('reports the error of the broker behind an answer that says unavailable, also to the server', async () => {
    const reported: unknown[] = []
    const broker = new FaultyBroker(memoryBroker())
    const harness = new HubHarness({ topics, broker, error: (error: unknown) => reported.push(error) })
    const socket = await harness.enter()
    await harness.hub.publish('room.1', 0)
    broker.isAway = true
    socket.say({ t: 'pub', id: 1, topic: 'room.1', data: 1 })
    await settle()
    assert.equal(socket.take()[0]!.code, 'unavailable')
    assert.deepEqual(
      reported.map((error) => (error as Error).message),
      ['the broker is away'],
    )
    await assert.rejects(harness.hub.publish('room.1', 1), { name: 'HubError', code: 'unavailable' })
    await assert.rejects(
      harness.hub.subscribe('room.9', () => undefined),
      { name: 'HubError', code: 'unavailable' },
    )
  })

  it('reports an error of the gap function of the server, and goes on', async () => {
    const reported: unknown[] = []
    const broker = new FaultyBroker(memoryBroker())
    const harness = new HubHarness({ topics, broker, error: (error: unknown) => reported.push(error) })
    const got: unknown[] = []
    await harness.hub.subscribe(
      'room.1',
      ({ data }) => got.push(data),
      () => {
        throw new Error('of gap')
      },
    )
    await harness.hub.publish('room.1', 1)
    await broker.replace(memoryBroker())
    for (let check = 0; check < 3; check += 1) {
      harness.clock.advance(5000)
      await settle()
    }
    await harness.hub.publish('room.1', 2)
    assert.deepEqual(
      reported.map((error) => (error as Error).message),
      ['of gap'],
    )
    assert.deepEqual(got, [1, 2])
  })

  it('ends the generator of a request whose connection ends while a part waits', async () => {
    let ended = false
    const harness = new HubHarness({
      topics,
      requests: {
        async *parts() {
          try {
            for (;;) yield new Uint8Array(1)
          } finally {
            ended = true
          }
        },
      },
    })
    const socket = await harness.enter()
    // The header of a part is queued, and its bytes are dropped.
    socket.send = (message) => (typeof message === 'string' ? 'buffered' : 'dropped')
    socket.say({ t: 'req', id: 1, method: 'parts' })
    await settle()
    assert.equal(socket.closeCode(), 1013)
    assert.equal(ended, true)
  })

  it('answers a subscription once, where the presence of its topic finds no place', async () => {
    const harness = new HubHarness({ topics, broker: new FaultyBroker(memoryBroker()), maxTopics: 2 })
    const socket = await harness.enter()
    for (const id of [1, 2]) socket.say({ t: 'who', id, topic: `room.${id}` })
    await settle()
    socket.take()
    socket.say({ t: 'sub', id: 3, topic: 'room.3' })
    await settle()
    assert.deepEqual(
      socket.take().map(({ t, id, code }) => [t, id, code]),
      [['error', 3, 'limit']],
    )
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { type FakeHubSocket, HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import type { BrokerContent } from '../ports/broker/broker.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from '../topics/memory-broker.js'
import { encodeContent, withTrace } from './topics/content.js'

const checkEveryMs = 5000

function makeStorage(clock = new FakeClock(), count = 1000): MemoryBroker {
  return new MemoryBroker({
    history: { count, bytes: 1 << 20, ageMs: 60_000 },
    dedupe: { count: 1000, ageMs: 60_000 },
    maxTopics: 2000,
    totalBytes: 1 << 26,
    clock,
    random: webRandom,
    payload: webPayload,
  })
}

/** A hub whose way to the broker has faults, and a subscriber of the topic `a`. */
async function makeNode(
  storage = makeStorage(),
): Promise<{ harness: HubHarness; broker: FaultyBroker; socket: FakeHubSocket; epoch: string }> {
  const broker = new FaultyBroker(storage)
  const harness = new HubHarness({ topics: { '*': { publish: true, presence: true } }, broker, leaseMs: 9000 })
  const socket = await harness.enter()
  socket.say({ t: 'sub', id: 1, topic: 'a' })
  await settle()
  const [ok] = socket.take()
  return { harness, broker, socket, epoch: ok!.at![0] }
}

const shown = (socket: FakeHubSocket): unknown[] =>
  socket.take().map(({ t, data, reason, code }) => (t === 'msg' ? data : (reason ?? code ?? t)))

describe('a publish of the server', () => {
  it('keeps the order of those that come while the topic opens', async () => {
    const { harness } = await makeNode()
    const published: ReturnType<typeof harness.hub.publish>[] = []
    for (let number = 1; number <= 40; number += 1) {
      published.push(harness.hub.publish('b', number))
      await undefined
    }
    const positions = await Promise.all(published)
    assert.deepEqual(
      positions.map((position) => position!.offset),
      Array.from({ length: 40 }, (_, index) => index + 1),
    )
  })

  it('keeps the order of two parts of a program that publish while the topic opens', async () => {
    const { harness } = await makeNode()
    const published: ReturnType<typeof harness.hub.publish>[] = []
    const part = async (): Promise<void> => {
      for (let number = 1; number <= 20; number += 1) {
        published.push(harness.hub.publish('b', number))
        await undefined
      }
    }
    await Promise.all([part(), part()])
    const positions = await Promise.all(published)
    assert.deepEqual(
      positions.map((position) => position!.offset),
      Array.from({ length: 40 }, (_, index) => index + 1),
    )
  })

  it('rejects for a wrong name, a topic without a rule and a wrong key, and throws nothing', async () => {
    const { harness } = await makeNode()
    const { hub } = harness
    for (const again of [false, true]) {
      if (again) await hub.publish('a', 1)
      await assert.rejects(hub.publish('a b', 1), /spaces/)
      await assert.rejects(hub.publish(7 as never, 1), /a topic must be a string, not number/)
      await assert.rejects(hub.publish('a.b', 1), { code: 'unknown-topic' })
      await assert.rejects(hub.publish('a', 1, { key: 'k'.repeat(256) }), { code: 'invalid' })
      await assert.rejects(hub.publish('a', (() => 1) as never), { code: 'invalid' })
    }
    hub.close()
    await assert.rejects(hub.publish('a', 1), { code: 'unavailable' })
  })

  it('lets go of its topic, whether it succeeds or fails', async () => {
    const { harness, broker } = await makeNode()
    const { hub, clock } = harness
    await hub.publish('b', 1)
    await hub.publish('b', 2)
    await hub.publish('b', 3, { volatile: true })
    broker.isAway = true
    await assert.rejects(hub.publish('b', 4), { code: 'unavailable' })
    broker.isAway = false
    assert.equal(hub.metrics().topics, 2)
    clock.advance(checkEveryMs)
    assert.equal(hub.metrics().topics, 1, 'only that of the subscriber')
  })
})

describe('a hub whose broker loses messages', () => {
  it('reads what is missing before it delivers what came later', async () => {
    const { harness, broker, socket } = await makeNode()
    broker.loses = ({ position: { offset } }) => offset === 2 || offset === 3
    for (let index = 1; index <= 5; index += 1) await harness.hub.publish('a', index)
    await settle()
    assert.deepEqual(shown(socket), [1, 2, 3, 4, 5])
    const { gapsFound, gapsFilled } = harness.hub.metrics()
    assert.deepEqual([gapsFound, gapsFilled], [1, 1])
  })

  it('finds that loss in its turn, though the process has more topics than it compares at a time', async () => {
    const { harness, broker, socket } = await makeNode()
    for (let index = 0; index < 1500; index += 1) await harness.hub.subscribe(`more${index}`, () => undefined)
    broker.loses = () => true
    await harness.hub.publish('more1400', 'lost')
    await harness.hub.publish('a', 1)
    const gotten: unknown[] = []
    await harness.hub.subscribe('more1400', ({ data }) => gotten.push(data))
    for (let check = 0; check < 4; check += 1) {
      harness.clock.advance(checkEveryMs)
      await settle()
    }
    assert.deepEqual([shown(socket), gotten], [[1], ['lost']])
  })

  it('finds the loss of the last message, though no other follows', async () => {
    const { harness, broker, socket } = await makeNode()
    await harness.hub.publish('a', 1)
    broker.loses = () => true
    await harness.hub.publish('a', 2)
    assert.deepEqual(shown(socket), [1])
    for (let check = 0; check < 2; check += 1) {
      harness.clock.advance(checkEveryMs)
      await settle()
    }
    assert.deepEqual(shown(socket), [2])
  })

  it('tells of a gap that can not be filled, and goes on behind it', async () => {
    const { harness, broker, socket, epoch } = await makeNode(makeStorage(new FakeClock(), 2))
    broker.loses = ({ position: { offset } }) => offset < 5
    for (let index = 1; index <= 4; index += 1) await harness.hub.publish('a', index)
    const last = (await harness.hub.publish('a', 5))!
    await settle()
    const [gap, ...rest] = socket.take()
    assert.deepEqual(gap, { t: 'gap', topic: 'a', reason: 'expired', at: [epoch, 5, last.mark] })
    assert.deepEqual(rest, [])
    await harness.hub.publish('a', 6)
    assert.deepEqual(shown(socket), [6])
  })

  it('keeps the order while it reads, and fills the gap when the broker is back', async () => {
    const { harness, broker, socket } = await makeNode()
    broker.loses = ({ position: { offset } }) => offset === 1
    broker.failsToRead = true
    await harness.hub.publish('a', 1)
    await harness.hub.publish('a', 2)
    await settle()
    assert.deepEqual(shown(socket), [])
    broker.failsToRead = false
    await harness.hub.publish('a', 3)
    assert.deepEqual(shown(socket), [])
    harness.clock.advance(checkEveryMs)
    await settle()
    assert.deepEqual(shown(socket), [1, 2, 3])
  })

  it('reads what is missing as soon as the broker is back, before it delivers what comes later', async () => {
    const storage = makeStorage()
    const { harness, broker, socket } = await makeNode(storage)
    const other = new HubHarness({ topics: { '*': { publish: true } }, broker: storage })
    await harness.hub.publish('a', 1)
    broker.lose()
    await other.hub.publish('a', 2)
    assert.deepEqual(shown(socket), [1])
    broker.return()
    await other.hub.publish('a', 3)
    await settle()
    assert.deepEqual(shown(socket), [2, 3])
    const { gapsFound, gapsFilled } = harness.hub.metrics()
    assert.deepEqual([gapsFound, gapsFilled], [1, 1])
    broker.lose()
    broker.return()
    await settle()
    assert.deepEqual(harness.hub.metrics().gapsFound, 1)
  })

  it('delivers volatile messages to its own clients while the broker is away', async () => {
    const { harness, broker, socket } = await makeNode()
    const wide = await harness.enter()
    wide.say({ t: 'sub', id: 1, topic: '*' })
    await settle()
    wide.take()
    broker.lose()
    await harness.hub.publish('a', 'by the server', { volatile: true })
    socket.say({ t: 'vol', topic: 'a', data: 'by a client' })
    await settle()
    const dataOf = (each: FakeHubSocket): unknown[] => each.take().map(({ data }) => data)
    assert.deepEqual(dataOf(socket), ['by the server', 'by a client'])
    assert.deepEqual(dataOf(wide), ['by the server', 'by a client'])
    await assert.rejects(harness.hub.publish('a', 'stored'), { code: 'unavailable' })
    broker.return()
    await harness.hub.publish('a', 'once', { volatile: true })
    await settle()
    assert.deepEqual(dataOf(socket), ['once'])
  })

  it('tells the clients of a pattern that a message of a topic is missing', async () => {
    const { harness, broker } = await makeNode()
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: '*' })
    await settle()
    socket.take()
    broker.loses = ({ position: { offset } }) => offset === 2
    for (let index = 1; index <= 3; index += 1) await harness.hub.publish('b', index)
    assert.deepEqual(shown(socket), [1, 'expired', 3])
  })
})

describe('a hub whose broker came back from an older copy', () => {
  it('tells the clients, though offset and epoch fit', async () => {
    const storage = makeStorage()
    const { harness, broker, socket, epoch } = await makeNode(storage)
    // The copy has the same epoch and the first two messages, and then messages of its own.
    const positions = []
    for (let index = 1; index <= 4; index += 1) positions.push((await harness.hub.publish('a', index))!)
    assert.deepEqual(shown(socket), [1, 2, 3, 4])
    const copy = olderCopy(epoch, positions.slice(0, 2))
    await broker.replace(copy)
    for (let check = 0; check < 2; check += 1) {
      harness.clock.advance(checkEveryMs)
      await settle()
    }
    assert.deepEqual(shown(socket), ['rewound'])
    await harness.hub.publish('a', 'new 3')
    assert.deepEqual(shown(socket), ['new 3'])
  })

  it('does not resume a client of the lost messages, even where the offsets have been reached again', async () => {
    const { harness, broker, epoch } = await makeNode()
    const positions = []
    for (let index = 1; index <= 4; index += 1) positions.push((await harness.hub.publish('a', index))!)
    await broker.replace(olderCopy(epoch, positions.slice(0, 2)))
    for (let index = 3; index <= 6; index += 1) await harness.hub.publish('a', `new ${index}`)
    await settle()
    const resumed = async ({ offset, mark }: { offset: number; mark: string }): Promise<unknown> => {
      const socket = await harness.enter()
      socket.say({ t: 'sub', id: 1, topic: 'a', at: [epoch, offset, mark] })
      await settle()
      const [ok, ...messages] = socket.take()
      return ok!.recovered === true ? messages.map(({ data }) => data) : ok!.reason
    }
    assert.equal(await resumed(positions[3]!), 'rewound')
    assert.equal(await resumed(positions[2]!), 'rewound')
  })
})

describe('a hub with a client that has more messages than its process', () => {
  /** A process that lacks the newest of two messages, and the positions of both. */
  async function makeLateNode(storage = makeStorage()) {
    const node = await makeNode(storage)
    const first = (await node.harness.hub.publish('a', 1))!
    node.broker.loses = () => true
    const second = (await node.harness.hub.publish('a', 2))!
    node.broker.loses = () => false
    node.socket.take()
    const resume = async ({ offset, mark }: { offset: number; mark: string }): Promise<FakeHubSocket> => {
      const client = await node.harness.enter()
      client.say({ t: 'sub', id: 1, topic: 'a', at: [node.epoch, offset, mark] })
      await settle()
      return client
    }
    return { ...node, first, second, resume }
  }

  it('has these messages too before it answers, and asks the broker once for all such clients', async () => {
    const { harness, socket, broker, second, resume } = await makeLateNode()
    const before = broker.reads
    const clients = await Promise.all([resume(second), resume(second)])
    for (const client of clients) assert.deepEqual(client.take()[0]?.recovered, true)
    assert.equal(broker.reads - before, 1)
    assert.deepEqual(shown(socket), [2])
    await harness.hub.publish('a', 3)
    for (const client of clients) assert.deepEqual(shown(client), [3])
  })

  it('tells the client when the broker loses what only this client had', async () => {
    const { harness, broker, first, second, resume, epoch } = await makeLateNode()
    const client = await resume(second)
    client.take()
    await broker.replace(olderCopy(epoch, [first]))
    for (let check = 0; check < 2; check += 1) {
      harness.clock.advance(checkEveryMs)
      await settle()
    }
    await harness.hub.publish('a', 'new 2')
    assert.deepEqual(shown(client), ['rewound', 'new 2'])
  })

  it('notices by a client of another life of the topic that its own one is over', async () => {
    for (const offset of [2, 3]) {
      const { harness, broker, socket, first, resume, epoch } = await makeLateNode()
      await harness.hub.publish('a', 3)
      await settle()
      assert.deepEqual(shown(socket), [2, 3])
      const copy = olderCopy(epoch, [first])
      await broker.replace(copy)
      broker.loses = () => true
      const other = new HubHarness({ topics: { '*': { publish: true } }, broker: copy })
      const again = []
      for (const data of ['new 2', 'new 3', 'new 4']) again.push((await other.hub.publish('a', data))!)
      const client = await resume(again[offset - 2]!)
      const [ok, ...messages] = client.take()
      assert.equal(ok?.recovered, true)
      assert.deepEqual(
        messages.map(({ data }) => data),
        ['new 3', 'new 4'].slice(offset - 2),
      )
      assert.deepEqual(shown(socket), ['rewound'])
    }
  })

  it('answers with an error if the broker does not', async () => {
    const { broker, second, resume } = await makeLateNode()
    broker.failsToRead = true
    assert.deepEqual(shown(await resume(second)), ['unavailable'])
  })

  it('answers with an error if its process lacks more messages than it may read, and tells nobody of a gap', async () => {
    const broker = new FaultyBroker(makeStorage())
    const harness = new HubHarness({ topics: { '*': { publish: true } }, broker, historyCount: 2 })
    const [socket, client] = [await harness.enter(), await harness.enter()]
    socket.say({ t: 'sub', id: 1, topic: 'a' })
    await settle()
    socket.take()
    broker.loses = () => true
    const positions = []
    for (let index = 1; index <= 3; index += 1) positions.push((await harness.hub.publish('a', index))!)
    const { epoch, offset, mark } = positions[2]!
    const before = broker.reads
    client.say({ t: 'sub', id: 1, topic: 'a', at: [epoch, offset, mark] })
    await settle()
    assert.deepEqual([shown(client), shown(socket)], [['unavailable'], []])
    assert.equal(broker.reads - before, 1)
  })

  it('answers with an error if the topic gets more messages than its ring has during each answer', async () => {
    const broker = new FaultyBroker(makeStorage())
    const harness = new HubHarness({ topics: { '*': { publish: true } }, broker, ringCount: 1 })
    await harness.hub.subscribe('a', () => undefined)
    const { epoch, offset, mark } = (await harness.hub.publish('a', 'first'))!
    for (let index = 0; index < 2; index += 1) await harness.hub.publish('a', index)
    const publishTwo = async (): Promise<void> => {
      await settle()
      for (let index = 0; index < 2; index += 1) await harness.hub.publish('a', index)
    }
    Object.defineProperty(broker, 'readsUntil', { get: publishTwo })
    const before = broker.reads
    const client = await harness.enter()
    client.say({ t: 'sub', id: 1, topic: 'a', at: [epoch, offset, mark] })
    for (let index = 0; index < 20; index += 1) await settle()
    assert.deepEqual(shown(client), ['unavailable'])
    // Three questions; before the second and the third one, the process reads the messages after its head.
    assert.equal(broker.reads - before, 5)
  })

  it('refuses a position of no message', async () => {
    const { second, resume } = await makeLateNode()
    const client = await resume({ offset: 7, mark: second.mark })
    const [ok] = client.take()
    assert.deepEqual([ok?.recovered, ok?.reason], [false, 'rewound'])
  })
})

describe('a hub that waits for older messages when its broker comes back from an older copy', () => {
  it('delivers none of the messages that the broker has lost', async () => {
    const { harness, broker, socket, epoch } = await makeNode()
    broker.failsToRead = true
    broker.lose()
    broker.return()
    await harness.hub.publish('a', 'lost')
    broker.lose()
    await broker.replace(olderCopy(epoch, []))
    broker.failsToRead = false
    broker.return()
    await settle()
    await harness.hub.publish('a', 'new')
    assert.deepEqual(shown(socket), ['new'])
  })

  it('takes none of them for the newest while it opens a topic', async () => {
    const storage = makeStorage()
    const { harness, broker, epoch } = await makeNode(storage)
    let answer = (): void => undefined
    broker.readsUntil = new Promise((resolve) => (answer = resolve))
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'b' })
    await settle()
    const other = new HubHarness({ topics: { '*': { publish: true } }, broker: storage })
    await other.hub.publish('b', 'lost')
    broker.lose()
    await broker.replace(olderCopy(epoch, []))
    broker.return()
    answer()
    await settle()
    const [ok, ...messages] = socket.take()
    assert.deepEqual([ok?.t, ok?.at?.[1], messages], ['ok', 0, []])
  })
})

describe('a hub whose broker is away', () => {
  it('fails publishes and new topics clearly, and takes them when it is back', async () => {
    const { harness, broker, socket } = await makeNode()
    broker.isAway = true
    socket.say({ t: 'pub', id: 2, topic: 'a', data: 1 })
    socket.say({ t: 'sub', id: 3, topic: 'b' })
    await settle()
    assert.deepEqual(shown(socket), ['unavailable', 'unavailable'])
    await assert.rejects(harness.hub.publish('a', 1))
    broker.isAway = false
    socket.say({ t: 'pub', id: 4, topic: 'a', data: 2 })
    socket.say({ t: 'sub', id: 5, topic: 'b' })
    await settle()
    assert.deepEqual(shown(socket), [2, 'ok', 'ok'])
    assert.equal(socket.closeCode(), undefined)
  })

  it('resumes from its own ring, and does not call a position lost that only the broker can judge', async () => {
    const { harness, broker, epoch } = await makeNode()
    const position = (await harness.hub.publish('a', 1))!
    await harness.hub.publish('a', 2)
    broker.isAway = true
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'a', at: [epoch, 1, position.mark] })
    await settle()
    assert.deepEqual(shown(socket), ['ok', 2])
    socket.say({ t: 'sub', id: 2, topic: 'a', at: [epoch, 1, 'another'] })
    await settle()
    assert.deepEqual(shown(socket), ['unavailable'])
  })

  it('resumes a client that is ahead of the node, though the node gets more messages than the answer has', async () => {
    const { harness, broker, epoch } = await makeNode()
    await harness.hub.publish('a', 1)
    broker.loses = () => true
    const { mark } = (await harness.hub.publish('a', 2))!
    let answer = (): void => undefined
    broker.readsUntil = new Promise((resolve) => (answer = resolve))
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'a', at: [epoch, 2, mark] })
    await settle()
    broker.readsUntil = Promise.resolve()
    broker.loses = () => false
    await harness.hub.publish('a', 3)
    await settle()
    assert.deepEqual(shown(socket), [])
    answer()
    await settle()
    const [ok, ...messages] = socket.take()
    assert.deepEqual([ok!.recovered, messages.map(({ data }) => data)], [true, [3]])
    await harness.hub.publish('a', 4)
    assert.deepEqual(shown(socket), [4])
  })
})

/** A broker whose topics have this epoch and these first messages. */
function olderCopy(epoch: string, kept: readonly { readonly mark: string }[]): MemoryBroker {
  const marks = [epoch, ...kept.map(({ mark }) => mark)].map((tag) => Buffer.from(tag, 'hex'))
  const random = { ...webRandom, bytes: (length: number) => marks.shift() ?? webRandom.bytes(length) }
  const copy = new MemoryBroker({
    history: { count: 1000, bytes: 1 << 20, ageMs: 60_000 },
    dedupe: { count: 1000, ageMs: 60_000 },
    maxTopics: 1000,
    totalBytes: 1 << 26,
    clock: new FakeClock(),
    random,
    payload: webPayload,
  })
  void copy.open('a', { stored: () => undefined, volatile: () => undefined }).then(async (topic) => {
    for (const [index] of kept.entries()) await topic.publish(JSON.stringify({ data: index + 1 }))
    topic.leave()
  })
  return copy
}

describe('a hub whose broker has messages of another program', () => {
  const foreign: readonly BrokerContent[] = [
    'text',
    '',
    '{}',
    '[1]',
    '{"data":1',
    ' {"data":1}',
    '{"data":1}\n',
    '{"from":5,"data":1}',
    '{"key":null,"data":1}',
    // The last of two equal members counts, so these would be messages of the server itself.
    '{"t":"error","code":"forbidden","data":1}',
    '{"topic":"b","data":1}',
    '{"bin":true,"data":1}',
    new Uint8Array(),
    Uint8Array.of(0),
    Uint8Array.of(0, 9, 123, 125),
    Uint8Array.of(0, 2, 91, 93),
    Uint8Array.of(0, 3, 123, 200, 125),
    bytesWith('{"data":1}'),
    '{"data":1,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}',
  ]

  it('tells of a gap in the place of each, reports and counts them, and goes on', async () => {
    const storage = makeStorage()
    const { harness, socket } = await makeNode(storage)
    const topic = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
    for (const content of foreign) {
      await harness.hub.publish('a', 'before')
      await topic.publish(content)
      topic.send(content)
      await harness.hub.publish('a', 'after')
      await settle()
      assert.deepEqual(shown(socket), ['before', 'malformed', 'after'], `${content}`)
    }
    assert.equal(harness.hub.metrics().malformed, 2 * foreign.length)
    assert.equal(harness.reported.length, 2 * foreign.length)
    assert.match(String(harness.reported[0]), /a message of the topic "a" at the broker is none of a hub: text/)
    assert.equal(harness.hub.metrics().gapsFound, 0)
  })

  it('takes what another hub has stored', async () => {
    const storage = makeStorage()
    const { socket } = await makeNode(storage)
    const other = await makeNode(storage)
    for (const data of ['text', null, { a: [1] }, Uint8Array.of(1, 2)]) {
      await other.harness.hub.publish('a', data)
      await other.harness.hub.publish('a', data, { volatile: true, key: 'ключ' })
    }
    const topic = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
    const context = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' }
    topic.send(withTrace(encodeContent({}, 'traced'), context))
    topic.send(withTrace(encodeContent({ from: 'ann' }, Uint8Array.of(1)), context))
    await settle()
    const kinds = socket.take().map(({ t, bytes }) => (bytes === undefined ? t : 'bytes'))
    assert.deepEqual(kinds, [
      ...['msg', 'vol', 'msg', 'vol', 'msg', 'vol', 'msg', 'bytes', 'vol', 'bytes'],
      ...['vol', 'vol', 'bytes'],
    ])
  })

  it('resumes over such a message, and leaves it out of a history', async () => {
    const storage = makeStorage()
    const { harness } = await makeNode(storage)
    const first = (await harness.hub.publish('a', 1))!
    const topic = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
    const foreignAt = await topic.publish('text')
    await harness.hub.publish('a', 3)
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: 'a', at: [first.epoch, first.offset, first.mark] })
    await settle()
    const [ok, gap, last] = socket.take()
    assert.deepEqual([ok!.recovered, ok!.count], [true, 2])
    assert.deepEqual(gap!.at, [foreignAt.epoch, foreignAt.offset, foreignAt.mark])
    assert.equal(last!.prev, foreignAt.mark)
    socket.say({ t: 'hist', id: 2, topic: 'a', last: 10 })
    await settle()
    assert.deepEqual(
      socket.take().map(({ data, t }) => data ?? t),
      [1, 3, 'ok'],
    )
  })

  it('tells the clients of patterns and the server itself', async () => {
    const storage = makeStorage()
    const { harness } = await makeNode(storage)
    const socket = await harness.enter()
    socket.say({ t: 'sub', id: 1, topic: '*' })
    const got: unknown[] = []
    await harness.hub.subscribe(
      'a',
      ({ data }) => got.push(data),
      (name, reason) => got.push(`${name} ${reason}`),
    )
    await settle()
    socket.take()
    const topic = await storage.open('a', { stored: () => undefined, volatile: () => undefined })
    await topic.publish('text')
    await harness.hub.publish('a', 2)
    await settle()
    assert.deepEqual(shown(socket), ['malformed', 2])
    assert.deepEqual(got, ['a malformed', 2])
  })
})

/** Bytes with a heading and without data. */
function bytesWith(heading: string): Uint8Array {
  return Uint8Array.from([0, heading.length, ...Array.from(heading, (character) => character.charCodeAt(0))])
}

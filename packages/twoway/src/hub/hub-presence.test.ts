import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { FaultyBroker } from 'twoway-testing/harnesses/faulty-broker.js'
import { type FakeHubSocket, type FromServer, HubHarness, settle } from 'twoway-testing/harnesses/hub-harness.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { MemoryBroker } from '../topics/memory-broker.js'

const leaseMs = 9000
const options = {
  topics: { 'room.*': { presence: true } },
  authenticate: ({ token }: { token?: unknown }) => ({
    user: `${token}`,
    ...(token === 'ann' && { info: { name: 'Ann' } }),
  }),
  leaseMs,
}

async function join(harness: HubHarness, user: string, who = true): Promise<FakeHubSocket> {
  const socket = await harness.enter(user)
  socket.say({ t: 'sub', id: 1, topic: 'room.1', who })
  await settle()
  return socket
}

const shown = (messages: readonly FromServer[]): string[] =>
  messages.flatMap(({ t, user, members, stale }) => {
    if (t === 'here')
      return [`here ${members!.map((member) => member.user).join(' ')}${stale === true ? ' (stale)' : ''}`]
    return t === 'join' || t === 'leave' ? [`${t} ${user}`] : []
  })

/** Hubs of several processes on one broker. */
function makeNodes(count: number): {
  storage: MemoryBroker
  nodes: HubHarness[]
  brokers: FaultyBroker[]
  advance: (ms: number) => Promise<void>
} {
  const storage = new MemoryBroker({
    history: { count: 10, bytes: 1000, ageMs: 1000 },
    dedupe: { count: 10, ageMs: 1000 },
    maxTopics: 100,
    totalBytes: 1 << 26,
    clock: new FakeClock(),
    random: webRandom,
    payload: webPayload,
  })
  const brokers = Array.from({ length: count }, () => new FaultyBroker(storage))
  const nodes = brokers.map((broker) => new HubHarness({ ...options, broker }))
  const advance = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1000) {
      for (const { clock } of nodes) clock.advance(1000)
      await settle()
    }
  }
  return { storage, nodes, brokers, advance }
}

describe('presence', () => {
  it('names the members at the start, and then who joins and leaves', async () => {
    const harness = new HubHarness(options)
    const ann = await join(harness, 'ann')
    const [, here] = ann.take()
    assert.deepEqual(here, {
      t: 'here',
      topic: 'room.1',
      members: [{ user: 'ann', info: { name: 'Ann' } }],
      version: 1,
      stale: false,
    })
    const bob = await join(harness, 'bob')
    assert.deepEqual(shown(bob.take()), ['here ann bob'])
    assert.deepEqual(ann.take(), [{ t: 'join', topic: 'room.1', user: 'bob', version: 2 }])
    bob.leave()
    assert.deepEqual(ann.take(), [{ t: 'leave', topic: 'room.1', user: 'bob', version: 3 }])
    ann.say({ t: 'unsub', id: 2, topic: 'room.1' })
    await settle()
    assert.deepEqual((await harness.hub.presence('room.1')).members, [])
  })

  it('counts users, not connections', async () => {
    const harness = new HubHarness(options)
    const [bob, first, second] = [await join(harness, 'bob'), await join(harness, 'ann'), await join(harness, 'ann')]
    bob.take()
    first.leave()
    assert.deepEqual(shown(bob.take()), [])
    second.leave()
    assert.deepEqual(shown(bob.take()), ['leave ann'])
  })

  it('frames a change once for all that it is told to', async () => {
    const harness = new HubHarness(options)
    const watchers = await Promise.all(['ann', 'bob', 'cyd'].map((user) => join(harness, user)))
    for (const watcher of watchers) watcher.take()
    const { server } = watchers[0]!
    const before = server.framed
    const dan = await join(harness, 'dan', false)
    dan.leave()
    for (const watcher of watchers) assert.deepEqual(shown(watcher.take()), ['join dan', 'leave dan'])
    assert.equal(server.framed - before, 2)
  })

  it('tells only those who ask', async () => {
    const harness = new HubHarness(options)
    const silent = await join(harness, 'ann', false)
    await join(harness, 'bob')
    assert.deepEqual(shown(silent.take()), [])
    silent.say({ t: 'who', id: 2, topic: 'room.1' })
    await settle()
    assert.deepEqual(
      silent.take()[0]!.members!.map(({ user }) => user),
      ['ann', 'bob'],
    )
  })

  it('names at most maxMembers', async () => {
    const harness = new HubHarness({ ...options, maxMembers: 2 })
    for (const user of ['a', 'b', 'c']) await join(harness, user)
    assert.equal((await harness.hub.presence('room.1')).members.length, 2)
  })
})

describe('presence over several processes', () => {
  it('shows the members of all', async () => {
    const { nodes } = makeNodes(3)
    const ann = await join(nodes[0]!, 'ann')
    const bob = await join(nodes[1]!, 'bob')
    await settle()
    assert.deepEqual(shown(ann.take()), ['here ann', 'join bob'])
    assert.deepEqual(shown(bob.take()), ['here bob ann'])
    const { members } = await nodes[2]!.hub.presence('room.1')
    await settle()
    assert.deepEqual(
      (members.length > 0 ? members : (await nodes[2]!.hub.presence('room.1')).members)
        .map(({ user }) => user)
        .toSorted(),
      ['ann', 'bob'],
    )
    bob.leave()
    await settle()
    assert.deepEqual(shown(ann.take()), ['leave bob'])
  })

  it('keeps a user who is connected to another process too', async () => {
    const { nodes } = makeNodes(2)
    const [bob, ann, tab] = [await join(nodes[0]!, 'bob'), await join(nodes[0]!, 'ann'), await join(nodes[1]!, 'ann')]
    await settle()
    bob.take()
    ann.leave()
    await settle()
    assert.deepEqual(shown(bob.take()), [])
    tab.leave()
    await settle()
    assert.deepEqual(shown(bob.take()), ['leave ann'])
  })

  it('lets the members of a dead process leave when its lease has ended, and not before', async () => {
    const { nodes, brokers, advance } = makeNodes(2)
    const ann = await join(nodes[0]!, 'ann')
    await join(nodes[1]!, 'bob')
    await advance(leaseMs * 2)
    assert.deepEqual(shown(ann.take()), ['here ann', 'join bob'])
    brokers[1]!.isAway = true
    await advance(leaseMs - 3000)
    assert.deepEqual(shown(ann.take()), [])
    await advance(7000)
    assert.deepEqual(shown(ann.take()), ['leave bob'])
  })

  it('drops the members of a process that says goodbye at once', async () => {
    const { nodes } = makeNodes(2)
    const ann = await join(nodes[0]!, 'ann')
    await join(nodes[1]!, 'bob')
    ann.take()
    nodes[1]!.hub.close()
    await settle()
    assert.deepEqual(shown(ann.take()), ['leave bob'])
  })

  it('calls a view stale while the broker is away, instead of empty, and learns anew what it missed', async () => {
    const { nodes, brokers, advance } = makeNodes(2)
    const ann = await join(nodes[0]!, 'ann')
    const bob = await join(nodes[1]!, 'bob')
    ann.take()
    for (const broker of brokers) broker.isAway = true
    await advance(leaseMs * 3)
    assert.deepEqual(shown(ann.take()), ['here ann bob (stale)'])
    bob.leave()
    await join(nodes[1]!, 'cid')
    for (const broker of brokers) broker.isAway = false
    await advance(leaseMs)
    const seen = shown(ann.take())
    assert.equal(seen[0], 'here ann bob')
    assert.deepEqual(seen.slice(1).toSorted(), ['join cid', 'leave bob'])
  })

  it('reports and ignores messages of other programs that use its topics', async () => {
    const foreign = [
      'not JSON',
      'null',
      '5',
      '{}',
      '{"n":5,"op":"alive"}',
      '{"n":"x","op":"dance"}',
      '{"n":"x","op":"join"}',
      '{"n":"x","op":"join","user":5}',
      '{"n":"x","op":"leave","user":null}',
      '{"n":"x","op":"all"}',
      '{"n":"x","op":"all","members":[null]}',
      '{"n":"x","op":"all","members":[{"user":5}]}',
      Uint8Array.of(0xff, 0),
    ]
    for (const name of ['$nodes', '$presence.room.1']) {
      const { storage, nodes } = makeNodes(1)
      const ann = await join(nodes[0]!, 'ann')
      ann.take()
      const topic = await storage.open(name, { stored: () => undefined, volatile: () => undefined })
      for (const content of foreign) topic.send(content)
      await settle()
      assert.equal(nodes[0]!.reported.length, foreign.length)
      assert.match(String(nodes[0]!.reported[0]), new RegExp(`a message of "\\${name}" is none of a hub: not JSON`))
      assert.deepEqual(ann.take(), [])
      await join(nodes[0]!, 'bob')
      assert.deepEqual(shown(ann.take()), ['join bob'])
    }
  })

  it('forgets the members of a process whose farewell was lost', async () => {
    const { nodes, brokers, advance } = makeNodes(2)
    const ann = await join(nodes[0]!, 'ann')
    const bob = await join(nodes[1]!, 'bob')
    ann.take()
    brokers[1]!.isAway = true
    bob.leave()
    await settle()
    brokers[1]!.isAway = false
    await advance(leaseMs * 8)
    assert.deepEqual(shown(ann.take()), ['leave bob'])
  })
})

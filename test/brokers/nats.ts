/** `npm run test:brokers`: the broker on NATS JetStream against Debian's nats-server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { type NatsBroker, natsBroker } from '@twoway/nats'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { startNats } from './nats-server.js'
import type { TestServer } from './test-server.js'

let server: TestServer
const connections: NatsConnection[] = []
before(async () => {
  server = await startNats()
})
after(async () => {
  for (const connection of connections) await connection.close()
  await server.end()
})

async function connected(user?: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const connection = await connect({
    ...options,
    ...(user !== undefined && { user, pass: user }),
    servers: `127.0.0.1:${server.port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  })
  connections.push(connection)
  return connection
}

let names = 0

interface NodeOptions {
  readonly historyCount?: number
  /** A busy machine takes seconds for some messages. Tests of a server that is away set a short time. */
  readonly timeoutMs?: number
}

async function node(name: string, { historyCount = 200, timeoutMs = 20_000 }: NodeOptions = {}): Promise<NatsBroker> {
  return natsBroker({ connection: await connected(), stream: name, prefix: name, historyCount, timeoutMs })
}

const silent = { stored: () => undefined, volatile: () => undefined }

brokerContract('NATS', async () => {
  names += 1
  const name = `contract${names}`
  return {
    connect: () => node(name),
    close: async () => {
      for (const connection of connections.splice(0)) await connection.close()
    },
  }
})

describe('natsBroker', () => {
  it('refuses wrong options', async () => {
    assert.throws(() => natsBroker({ connection: {} as never }), /connection must be a connection to NATS/)
    const connection = await connected()
    assert.throws(
      () => natsBroker({ connection, historyCount: 0 }),
      /historyCount must be a whole number above 0, not 0/,
    )
    assert.throws(() => natsBroker({ connection, stream: 'a.b' }), /stream must be a name without dots/)
    assert.throws(() => natsBroker({ connection, prefix: 'a.>' }), /prefix must be a subject without wildcards/)
  })

  it('says how to make a stream that is there with other subjects', async () => {
    const connection = await connected()
    const config = { name: 'foreign', subjects: ['foreign.x'], storage: 'memory' }
    await connection.request('$JS.API.STREAM.CREATE.foreign', JSON.stringify(config))
    const broker = natsBroker({ connection, stream: 'foreign', prefix: 'foreign' })
    await assert.rejects(broker.open('a', silent), /nats stream add foreign --subjects 'foreign\.s\.>'/)
  })

  it('refuses topics and patterns of a user who may not subscribe to them', async () => {
    await (await node('deaf')).open('a', silent)
    const broker = natsBroker({ connection: await connected('deaf'), stream: 'deaf', prefix: 'deaf' })
    await assert.rejects(broker.open('a', silent), /Permissions Violation/)
    await assert.rejects(broker.watch('*', silent), /Permissions Violation/)
  })

  it('rejects a publish at once for a user who may not publish', async () => {
    await (await node('mute')).open('a', silent)
    const broker = natsBroker({
      connection: await connected('mute'),
      stream: 'mute',
      prefix: 'mute',
      timeoutMs: 60_000,
    })
    const topic = await broker.open('a', silent)
    const refused = /may not publish to "mute\.s\.a": it takes a permission to publish there/
    const start = performance.now()
    await Promise.all(['1', '2', '3'].map((content) => assert.rejects(topic.publish(content), refused)))
    assert.ok(performance.now() - start < 30_000)
    assert.equal((await topic.head()).offset, 0)
  })

  it('takes answers below the prefix of the connection, and rejects at once where the user may not', async () => {
    await (await node('private')).open('a', silent)
    const settings = { stream: 'private', prefix: 'private', timeoutMs: 60_000 }
    const connection = await connected('private', { inboxPrefix: '_MINE' })
    const topic = await natsBroker({ connection, ...settings }).open('a', silent)
    await topic.publish('1')
    await topic.publish('2')
    const { messages } = await topic.last(10)
    assert.deepEqual(
      messages.map(({ content }) => content),
      ['1', '2'],
    )
    const refused = natsBroker({ connection: await connected('private'), ...settings }).open('a', silent)
    await assert.rejects(refused, /may not subscribe to "_INBOX\./)
  })

  it('goes on over messages of other programs in the subject of a topic', async () => {
    const reported: unknown[] = []
    const connection = await connected()
    const broker = natsBroker({ connection, stream: 'stray', prefix: 'stray', error: (error) => reported.push(error) })
    const seen: unknown[] = []
    const topic = await broker.open('a', { ...silent, stored: ({ content }) => seen.push(content) })
    const other = await connected()
    const strays = async (): Promise<void> => {
      other.publish('stray.s.a', 'no message of a hub')
      other.publish('stray.l.a', 'to the subject of RePublish')
      other.publish('stray.v.a', '')
      await other.flush()
      // A name that the client refuses to read.
      const socket = connectSocket(server.port, '127.0.0.1')
      socket.end(
        'CONNECT {"headers":true,"verbose":false}\r\nHPUB stray.s.a 20 21\r\nNATS/1.0\r\na b: c\r\n\r\nx\r\nPING\r\n',
      )
      await once(socket.resume(), 'close')
    }
    await strays()
    const positions = [await topic.publish('1')]
    await strays()
    positions.push(await topic.publish('2'))
    positions.push(await topic.publish('3'))
    await strays()
    // A node that reads them, while the newest message is none of a hub.
    const later = await natsBroker({ connection: await connected(), stream: 'stray', prefix: 'stray' }).open(
      'a',
      silent,
    )
    assert.deepEqual(await later.head(), positions[2])
    positions.push(await later.publish('4'))
    const history = await later.last(10)
    assert.deepEqual(
      history.messages.map(({ position }) => position),
      positions,
    )
    const resumed = await later.since(positions[0]!, 10)
    assert.ok(resumed.recovered)
    assert.deepEqual(
      resumed.messages.map(({ content }) => content),
      ['2', '3', '4'],
    )
    while (seen.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(seen, ['1', '2', '3', '4'])
    assert.match(String(reported[0]), /is none of a hub: another program has published to "stray\.s\.a"/)
  })

  it('begins another life of a topic whose messages those of another program have displaced', async () => {
    const topic = await (await node('displaced', { historyCount: 3 })).open('a', silent)
    const start = await topic.head()
    const stored = await topic.publish('1')
    const other = await connected()
    for (let index = 0; index < 3; index += 1) other.publish('displaced.s.a', '')
    await other.flush()
    const later = await (await node('displaced', { historyCount: 3 })).open('a', silent)
    for (const position of [start, stored]) {
      const resumed = await later.since(position, 10)
      assert.deepEqual([resumed.recovered, 'reason' in resumed && resumed.reason], [false, 'unknown-epoch'])
    }
    const again = await later.publish('2')
    assert.equal(again.offset, 1)
    assert.notEqual(again.epoch, stored.epoch)
    assert.deepEqual(await later.head(), again)
    assert.equal((await later.since(start, 10)).recovered, false)
  })

  it('keeps the connection after an error of an event, and reports it', async () => {
    const reported: unknown[] = []
    const connection = await connected()
    const broker = natsBroker({
      connection,
      stream: 'thrown',
      prefix: 'thrown',
      error: (error) => reported.push(error),
    })
    const thrown = new Error('thrown by an event')
    const fail = (): never => {
      throw thrown
    }
    const failing = await broker.open('a', { stored: fail, volatile: fail, lost: fail, returned: fail })
    await broker.watch('*', { stored: fail, volatile: fail })
    failing.send('1')
    await failing.publish('1')
    await failing.publish('2')
    let tell = (): void => undefined
    const returned = new Promise<void>((resolve) => (tell = resolve))
    await broker.open('b', { ...silent, returned: tell })
    await connection.reconnect()
    await returned
    await failing.publish('3')
    while (reported.length < 10) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual([...new Set(reported)], [thrown])
  })

  it('recovers no position before the first message of a topic that the limit of the stream has emptied', async () => {
    const connection = await connected()
    const broker = natsBroker({ connection, stream: 'full', prefix: 'full', maxBytes: 20_000, timeoutMs: 20_000 })
    const [topic, busy] = [await broker.open('a', silent), await broker.open('b', silent)]
    const start = await topic.head()
    for (const content of ['1', '2', '3']) await topic.publish(content)
    assert.ok((await topic.since(start, 10)).recovered)
    for (let count = 0; count < 100; count += 1) await busy.publish('x'.repeat(200))
    assert.equal((await topic.head()).offset, 0)
    const emptied = await topic.since(start, 10)
    assert.deepEqual([emptied.recovered, 'reason' in emptied && emptied.reason], [false, 'expired'])
    await topic.publish('4')
    assert.equal((await topic.since(start, 10)).recovered, false)
  })

  it('keeps topics apart whose names differ only in lone surrogates', async () => {
    const broker = await node('surrogates')
    const names = ['a\ud800', 'a\ud801', 'a%d800', 'a%']
    for (const name of names) assert.equal((await (await broker.open(name, silent)).publish('')).offset, 1)
    const seen: string[] = []
    let tell = (): void => undefined
    const four = new Promise<void>((resolve) => (tell = resolve))
    await broker.watch('*', {
      ...silent,
      stored: (topic) => {
        if (seen.push(topic) === names.length) tell()
      },
    })
    for (const name of names) await (await broker.open(name, silent)).publish('')
    await four
    assert.deepEqual(seen, names)
  })

  it('stores the bursts of two nodes to two topics once, whole and in the order of each node', async () => {
    const nodes = [await node('bursts', { historyCount: 5000 }), await node('bursts', { historyCount: 5000 })]
    for (const name of ['a', 'b']) {
      const seen: { readonly content: unknown; readonly offset: number; readonly mark: string; previous: string }[] = []
      const watcher = await nodes[0]!.open(name, {
        ...silent,
        stored: ({ position: { offset, mark }, previousMark, content }) =>
          seen.push({ content, offset, mark, previous: previousMark }),
      })
      const busy = await nodes[1]!.open('busy', silent)
      const other = await nodes[1]!.open(name, silent)
      const positions = await Promise.all(
        Array.from({ length: 600 }, async (_, index) => {
          // Some are repeated at the other node, and must not be stored again.
          if (index % 7 === 0) void busy.publish('').catch(() => undefined)
          const [one, two] = index % 2 === 0 ? [watcher, other] : [other, watcher]
          const position = await one.publish(String(index), `id ${index}`)
          if (index % 50 === 0) assert.deepEqual(await two.publish(String(index), `id ${index}`), position)
          return position
        }),
      )
      while (seen.length < 600) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.deepEqual(
        seen.map(({ offset }) => offset),
        Array.from({ length: 600 }, (_, index) => index + 1),
      )
      for (const [index, { previous }] of seen.entries()) assert.equal(previous, seen[index - 1]?.mark ?? '')
      for (const parity of [0, 1]) {
        const own = seen.map(({ content }) => Number(content)).filter((index) => index % 2 === parity)
        assert.deepEqual(
          own,
          [...own].sort((a, b) => a - b),
        )
      }
      for (const { content, offset, mark } of seen) {
        const { offset: told, mark: toldMark } = positions[Number(content)]!
        assert.deepEqual([told, toldMark], [offset, mark])
      }
      const { messages } = await other.last(1000)
      assert.deepEqual(
        messages.map(({ content }) => content),
        seen.map(({ content }) => content),
      )
    }
  })

  it('keeps positions over a server that is killed and started again', { timeout: 60_000 }, async () => {
    const broker = await node('killed', { timeoutMs: 2000 })
    const topic = await broker.open('a', silent)
    const start = await topic.head()
    const stored = await topic.publish('1', 'id')
    await server.kill()
    await assert.rejects(topic.publish('while it is away'))
    await server.run()
    let position = stored
    for (;;) {
      try {
        position = await topic.publish('2', 'id 2')
        break
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    const answer = await topic.since(start, 10)
    assert.ok(answer.recovered)
    assert.deepEqual(answer.messages[0]!.position, stored)
    assert.deepEqual(answer.messages.at(-1)!.position, position)
  })

  it('notices a server that comes back with an older copy of its data', { timeout: 60_000 }, async () => {
    const broker = await node('older', { timeoutMs: 2000 })
    let tell = (): void => undefined
    const seen = new Promise<void>((resolve) => (tell = resolve))
    const topic = await broker.open('a', silent)
    const kept = await topic.publish('1')
    await server.kill()
    server.save()
    await server.run()
    const answering = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      for (;;) {
        try {
          return await ask()
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
    const lost = await answering(() => topic.publish('2', 'id 2'))
    const reader = await broker.open('a', {
      ...silent,
      stored: ({ content }) => {
        if (content === 'after') tell()
      },
    })
    await server.kill()
    server.restore()
    await server.run()
    const refused = await answering(() => topic.since(lost, 100))
    assert.deepEqual(refused, { recovered: false, head: kept, reason: 'rewound' })
    // The number of the lost message is given out again, with another mark.
    const again = await answering(() => topic.publish('after', 'id after'))
    assert.equal(again.offset, lost.offset)
    assert.notEqual(again.mark, lost.mark)
    await seen
    const still = await reader.since(lost, 100)
    assert.deepEqual(still, { recovered: false, head: again, reason: 'rewound' })
    assert.ok((await reader.since(kept, 100)).recovered)
  })
})

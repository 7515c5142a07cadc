/** `npm run test:brokers`: the broker on NATS JetStream against Debian's nats-server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from '@nats-io/nats-core'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { type NatsBroker, natsBroker } from '@twoway/nats'
import type { BrokerContent, ResumableTopic, TopicMessage, TopicPosition } from 'twoway/hub'
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

async function node(name: string, historyCount = 200): Promise<NatsBroker> {
  return natsBroker({ connection: await connected(), stream: name, prefix: name, historyCount, timeoutMs: 2000 })
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
    const topic = await (await node('displaced', 3)).open('a', silent)
    const start = await topic.head()
    const stored = await topic.publish('1')
    const other = await connected()
    for (let index = 0; index < 3; index += 1) other.publish('displaced.s.a', '')
    await other.flush()
    const later = await (await node('displaced', 3)).open('a', silent)
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
    const broker = natsBroker({ connection, stream: 'full', prefix: 'full', maxBytes: 20_000, timeoutMs: 2000 })
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

  describe('with messages that share an entry', () => {
    const positionsOf = (topic: ResumableTopic, contents: readonly string[]): Promise<TopicPosition[]> =>
      Promise.all(contents.map((content) => topic.publish(content)))
    const contentsOf = (messages: readonly { readonly content: unknown }[]): string =>
      messages.map(({ content }) => String(content)).join(' ')
    const entriesOf = async (stream: string): Promise<number> => {
      const answer = await (await connected()).request(`$JS.API.STREAM.INFO.${stream}`)
      return answer.json<{ readonly state: { readonly messages: number } }>().state.messages
    }

    it('delivers and reads them as any others, and resumes within an entry', async () => {
      const [writer, reader] = [await node('shared'), await node('shared')]
      const seen: TopicMessage<BrokerContent>[] = []
      const topic = await writer.open('a', silent)
      const other = await reader.open('a', { ...silent, stored: (message) => seen.push(message) })
      const watched: string[] = []
      await reader.watch('*', { ...silent, stored: (_, { content }) => watched.push(String(content)) })
      const start = await topic.head()
      const positions = [
        ...(await positionsOf(topic, ['1', '2', '3', '4'])),
        await topic.publish('5', 'id'),
        ...(await positionsOf(other, ['6', '7'])),
      ]
      assert.equal(await entriesOf('shared'), 3)
      while (seen.length < 7 || watched.length < 7) await sleep(5)
      assert.equal(contentsOf(seen), '1 2 3 4 5 6 7')
      assert.equal(watched.join(' '), '1 2 3 4 5 6 7')
      assert.deepEqual(
        seen.map(({ position }) => position),
        positions,
      )
      assert.equal(new Set(positions.map(({ mark }) => mark)).size, 7)
      for (const [index, { position, previousMark }] of seen.entries()) {
        assert.equal(position.offset, index + 1)
        assert.equal(previousMark, seen[index - 1]?.position.mark ?? '')
      }
      const later = await (await node('shared')).open('a', silent)
      assert.deepEqual(await later.head(), positions[6])
      for (const [offset, position] of [start, ...positions].entries()) {
        const answer = await later.since(position, 100)
        assert.ok(answer.recovered, `${offset}`)
        assert.deepEqual(answer.messages, seen.slice(offset))
        if (offset < 6) {
          const limited = await later.since(position, 6 - offset)
          assert.ok(!limited.recovered && limited.reason === 'limit')
        }
      }
      for (let most = 1; most <= 8; most += 1) {
        assert.deepEqual((await later.last(most)).messages, seen.slice(-most), `${most}`)
      }
    })

    it('refuses a position within an entry whose mark is another one', async () => {
      const topic = await (await node('marks')).open('a', silent)
      const positions = await positionsOf(topic, ['1', '2', '3'])
      await topic.publish('4')
      const reasonOf = async (position: TopicPosition): Promise<string> => {
        const answer = await topic.since(position, 100)
        return answer.recovered ? 'recovered' : answer.reason
      }
      const [one, two, three] = positions as [TopicPosition, TopicPosition, TopicPosition]
      assert.equal(await reasonOf(two), 'recovered')
      for (const mark of [
        one.mark,
        three.mark,
        two.mark.replace('-', '-0'),
        `${two.mark}0`,
        `${three.mark}.2`,
        '1-.',
        '.',
      ]) {
        assert.equal(await reasonOf({ ...two, mark }), 'rewound', mark)
      }
      assert.equal(await reasonOf({ ...three, mark: two.mark }), 'rewound')
    })

    it('tells a client within an entry that has left the history', async () => {
      const topic = await (await node('left', 2)).open('a', silent)
      const positions = await positionsOf(topic, ['1', '2'])
      await topic.publish('3')
      const answer = await topic.since(positions[0]!, 100)
      assert.ok(answer.recovered)
      assert.equal(contentsOf(answer.messages), '2 3')
      await topic.publish('4')
      const gone = await topic.since(positions[0]!, 100)
      assert.ok(!gone.recovered && gone.reason === 'expired')
      assert.equal(contentsOf((await topic.last(10)).messages), '3 4')
    })

    it('goes on over entries that are cut off', async () => {
      const reported: unknown[] = []
      const broker = natsBroker({
        connection: await connected(),
        stream: 'cut',
        prefix: 'cut',
        error: (error) => reported.push(error),
      })
      const seen: unknown[] = []
      const topic = await broker.open('a', { ...silent, stored: ({ content }) => seen.push(content) })
      await positionsOf(topic, ['1', '2'])
      const other = await connected()
      const { message } = (
        await other.request('$JS.API.STREAM.MSG.GET.cut', JSON.stringify({ last_by_subj: 'cut.s.a' }))
      ).json<{ readonly message: { readonly data: string; readonly hdrs: string } }>()
      const place = /Twoway: (.*)\r\n/.exec(Buffer.from(message.hdrs, 'base64').toString())![1]!
      const data = Buffer.from(message.data, 'base64')
      for (let end = 1; end < data.length; end += 1) {
        const fields = headers()
        fields.set('Twoway', place)
        // A cut behind the first message leaves an entry of one message, whose place is taken.
        if (end !== 7) other.publish('cut.s.a', data.subarray(0, end), { headers: fields })
      }
      await other.flush()
      const [third] = await positionsOf(topic, ['3', '4'])
      assert.equal(third!.offset, 3)
      assert.equal(contentsOf((await topic.last(10)).messages), '1 2 3 4')
      while (seen.length < 4) await sleep(5)
      assert.deepEqual(seen, ['1', '2', '3', '4'])
      assert.match(String(reported[0]), /is none of a hub/)
    })

    it('stores them in their order while another node publishes too', async () => {
      const nodes = [await node('mixed', 5000), await node('mixed', 5000)]
      const seen: string[] = []
      const topics = [
        await nodes[0]!.open('a', { ...silent, stored: ({ content }) => seen.push(String(content)) }),
        await nodes[1]!.open('a', silent),
      ]
      const positions = await Promise.all(
        Array.from({ length: 1000 }, async (_, index) => {
          // Several turns, so that entries of both nodes meet.
          await sleep(index / 10)
          const id = index % 10 === 0 ? `id ${index}` : undefined
          return topics[index % 2]!.publish(String(index), id)
        }),
      )
      while (seen.length < 1000) await sleep(5)
      assert.deepEqual(
        seen.map((content) => positions[Number(content)]!.offset),
        Array.from({ length: 1000 }, (_, index) => index + 1),
      )
      const { messages } = await topics[1]!.last(1000)
      assert.equal(contentsOf(messages), seen.join(' '))
      assert.ok((await entriesOf('mixed')) < 1000)
    })
  })

  it('stores the bursts of two nodes to two topics once, whole and in the order of each node', async () => {
    const nodes = [await node('bursts', 5000), await node('bursts', 5000)]
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
    const broker = await node('killed')
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
    const broker = await node('older')
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

/** `npm run test:brokers`: messages that share an entry of JetStream, against Debian's nats-server. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { headers } from '@nats-io/nats-core'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type NatsBroker, natsBroker } from '@twoway/nats'
import type { BrokerContent, ResumableTopic, TopicMessage, TopicPosition } from 'twoway/hub'
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

const silent = { stored: () => undefined, volatile: () => undefined }

async function connected(): Promise<NatsConnection> {
  const connection = await connect({ servers: `127.0.0.1:${server.port}` })
  connections.push(connection)
  return connection
}

async function node(name: string, historyCount = 200): Promise<NatsBroker> {
  return natsBroker({ connection: await connected(), stream: name, prefix: name, historyCount, timeoutMs: 20_000 })
}

const positionsOf = (topic: ResumableTopic, contents: readonly string[]): Promise<TopicPosition[]> =>
  Promise.all(contents.map((content) => topic.publish(content)))
const contentsOf = (messages: readonly { readonly content: unknown }[]): string =>
  messages.map(({ content }) => String(content)).join(' ')
const entriesOf = async (stream: string): Promise<number> => {
  const answer = await (await connected()).request(`$JS.API.STREAM.INFO.${stream}`)
  return answer.json<{ readonly state: { readonly messages: number } }>().state.messages
}

describe('natsBroker, messages that share an entry', () => {
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

  it('reads few of the entries of a busy topic for its newest messages', async () => {
    const topic = await (await node('busy', 1000)).open('a', silent)
    const contents = Array.from({ length: 6400 }, (_, index) => String(index))
    await positionsOf(topic, contents)
    const connection = await connected()
    const later = await natsBroker({ connection, stream: 'busy', prefix: 'busy' }).open('a', silent)
    const before = connection.stats().inMsgs
    const { messages } = await later.last(300)
    assert.equal(contentsOf(messages), contents.slice(-300).join(' '))
    // All would be 100 entries.
    const read = connection.stats().inMsgs - before
    assert.ok(read < 35, `${read}`)
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

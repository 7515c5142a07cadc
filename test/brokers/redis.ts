/** `npm run test:brokers`: the broker on Redis against Debian's redis-server, with each of the clients that it takes. */
import assert from 'node:assert/strict'
import { connect as connectSocket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type IoredisLike, type RedisBroker, redisBroker } from '@twoway/redis'
import { createHub } from 'twoway/hub'
import { Link } from 'twoway/link'
import { serve } from 'twoway/server'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { fetchRedisClients, impatientClient, redisClients } from './redis-clients.js'
import { askRedis, startRedis } from './redis-server.js'
import type { TestServer } from './test-server.js'

fetchRedisClients()

let server: TestServer
before(async () => {
  server = await startRedis()
})
after(() => server.end())

/** Resolves when something has come to hold. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

let prefixes = 0

for (const [name, connect] of Object.entries(redisClients)) {
  brokerContract(`Redis by ${name}`, async () => {
    const ends: (() => unknown)[] = []
    prefixes += 1
    const prefix = `contract ${prefixes}:`
    return {
      async connect() {
        const { client, end } = await connect(server.port)
        const broker = redisBroker({ client, prefix, historyCount: 200 })
        ends.push(() => broker.close(), end)
        return broker
      },
      async close() {
        for (const end of ends) await end()
      },
    }
  })
}

describe('redisBroker', () => {
  it('refuses a client that it does not know, and wrong options', () => {
    assert.throws(() => redisBroker({ client: {} as never }), /client must be a client of ioredis, iovalkey/)
    const client = { call() {}, duplicate() {} } as never
    assert.throws(() => redisBroker({ client, historyCount: 0 }), /historyCount must be a whole number above 0, not 0/)
  })

  it('begins a topic anew whose head is gone, and skips truncated messages and entries of another program', async () => {
    const { client, end } = impatientClient(server.port)
    const broker = redisBroker({ client, prefix: 'gone:' })
    const seen: unknown[] = []
    const events = { stored: ({ content }: { content: unknown }) => seen.push(content), volatile: () => undefined }
    try {
      const [good, gone] = await Promise.all(['good', 'gone'].map((name) => broker.open(name, events)))
      const before = [await gone!.publish('0'), await gone!.publish('1')]
      askRedis(server.port, 'DEL', 'gone:{gone}:h')
      const [, anew] = await Promise.all([good!.publish('2'), gone!.publish('3')])
      assert.equal(anew!.offset, 1)
      assert.notEqual(anew!.epoch, before[0]!.epoch)
      const refused = await gone!.since(before[0]!, 10)
      assert.deepEqual(refused, { recovered: false, head: anew, reason: 'unknown-epoch' })
      assert.deepEqual(
        (await gone!.last(10)).messages.map(({ content }) => content),
        ['3'],
      )
      const start = await good!.head()
      for (const text of ['sT E 1 M 7 91', 's', 'sT E 1', 'sT E 1 M 7 1'])
        askRedis(server.port, 'PUBLISH', 'gone:c:good', text)
      askRedis(server.port, 'XADD', 'gone:{good}:s', '1-1', 'm', 'sT E 1 M 7 91')
      askRedis(server.port, 'XADD', 'gone:{good}:s', '1-2', 'other', 'fields', 'm', 'x')
      const last = await good!.publish('4')
      while (seen.at(-1) !== '4') await new Promise((resolve) => setTimeout(resolve, 10))
      const resumed = await good!.since(start, 10)
      assert.ok(resumed.recovered)
      assert.deepEqual(
        resumed.messages.map(({ position }) => position),
        [last],
      )
      assert.deepEqual(
        (await good!.last(10)).messages.map(({ content }) => content),
        ['2', '4'],
      )
    } finally {
      broker.close()
      end()
    }
  })

  it('stores messages of other topics once when the head of one is of another program, whatever its name', async () => {
    const { client, end } = impatientClient(server.port)
    const broker = redisBroker({ client, prefix: 'names:' })
    const silent = { stored: () => undefined, volatile: () => undefined }
    try {
      // The code of an error after which a script is run again.
      const [good, bad] = await Promise.all(['good', 'LOADING'].map((name) => broker.open(name, silent)))
      askRedis(server.port, 'SET', 'names:{LOADING}:h', 'no head')
      const [stored, refused] = await Promise.allSettled([good!.publish('1'), bad!.publish('2')])
      assert.equal((await good!.last(100)).messages.length, 1)
      assert.ok(stored.status === 'fulfilled' && stored.value.offset === 1)
      assert.ok(refused.status === 'rejected')
      assert.match(String(refused.reason), /the key names:\{LOADING\}:h is not the head of a topic/)
    } finally {
      broker.close()
      end()
    }
  })

  it('begins a stream anew in which another program has put an entry behind the head, and tells clients', async () => {
    const { client, end } = impatientClient(server.port)
    const broker = redisBroker({ client, prefix: 'behind:' })
    const silent = { stored: () => undefined, volatile: () => undefined }
    try {
      const [topic, other] = await Promise.all(['a', 'b'].map((name) => broker.open(name, silent)))
      const first = await topic!.publish('1')
      const second = await topic!.publish('2')
      askRedis(server.port, 'XADD', 'behind:{a}:s', '*', 'm', 'x')
      assert.deepEqual(await topic!.since(second, 10), { recovered: true, head: second, messages: [] })
      const [third, again] = await Promise.all([
        topic!.publish('3', 'id'),
        topic!.publish('4', 'id'),
        other!.publish('5'),
      ])
      assert.equal(third.offset, 3)
      assert.deepEqual(again, third)
      assert.deepEqual(await topic!.since(first, 10), { recovered: false, head: third, reason: 'expired' })
      const resumed = await topic!.since(second, 10)
      assert.ok(resumed.recovered)
      assert.deepEqual(
        resumed.messages.map(({ position }) => position),
        [third],
      )
      for (const offset of [-1, -5]) {
        const answer = await topic!.since({ ...first, offset }, 10)
        assert.deepEqual(answer, { recovered: false, head: third, reason: 'rewound' })
      }
      assert.ok(Number(askRedis(server.port, 'PTTL', 'behind:{a}:s')) > 0)
    } finally {
      broker.close()
      end()
    }
  })

  it('resumes within the messages that one script has stored, keeps as many as asked for, and lets them expire', async () => {
    const { client, end } = await redisClients.ioredis!(server.port)
    const options = { client, prefix: 'entries:', historyCount: 50, historyAgeMs: 60_000 }
    const broker = redisBroker(options)
    try {
      const topic = await broker.open('a', { stored: () => undefined, volatile: () => undefined })
      const positions = [await topic.head()]
      for (let turn = 0; turn < 20; turn += 1) {
        const published = Array.from({ length: 10 }, (_, index) =>
          topic.publish(`${turn} ${index}`, index === 3 ? `id ${turn % 19}` : undefined),
        )
        for (const position of await Promise.all(published)) positions[position.offset] = position
      }
      const head = positions.at(-1)!
      assert.equal(head.offset, 199)
      const entries = Number(askRedis(server.port, 'XLEN', 'entries:{a}:s'))
      assert.ok(entries <= 20, `${entries} entries`)
      for (const [offset, position] of positions.entries()) {
        const answer = await topic.since(position, 1000)
        if (offset < 149) assert.deepEqual(answer, { recovered: false, head, reason: 'expired' })
        else {
          assert.ok(answer.recovered, `offset ${offset}`)
          assert.deepEqual(
            answer.messages.map(({ position }) => position),
            positions.slice(offset + 1),
          )
          const other = await topic.since({ ...position, mark: `${position.mark}0` }, 1000)
          assert.deepEqual(other, { recovered: false, head, reason: 'rewound' })
        }
        const { messages } = await topic.last(offset)
        assert.deepEqual(
          messages.map(({ position }) => position),
          positions.slice(positions.length - Math.min(offset, 50)),
        )
      }
      const left = Number(askRedis(server.port, 'PTTL', 'entries:{a}:s'))
      assert.ok(left > 30_000 && left <= 67_500, `${left} ms`)
      // Without its stream, which Redis may evict, the topic has its head, and its next stream expires too.
      askRedis(server.port, 'DEL', 'entries:{a}:s')
      assert.deepEqual(await topic.since(head, 10), { recovered: true, head, messages: [] })
      const next = await topic.publish('next')
      assert.equal(next.offset, 200)
      assert.ok(Number(askRedis(server.port, 'PTTL', 'entries:{a}:s')) > 0)
      const resumed = await topic.since(head, 10)
      assert.ok(resumed.recovered)
      assert.equal(resumed.messages.length, 1)
    } finally {
      broker.close()
      await end()
    }
  })

  for (const [name, connect] of Object.entries(redisClients)) {
    // @redis/client connects again and again until all of its subscriptions are allowed.
    const keepsOthers = !name.startsWith('@redis/client')
    it(`outlives a subscription that is forbidden after it was allowed, by ${name}`, { timeout: 60_000 }, async () => {
      const user = `user of ${name}`.replaceAll(' ', '-')
      askRedis(server.port, 'ACL', 'SETUSER', user, 'on', `>${user}`, '~*', '&*', '+@all')
      const { client, end } = await connect(server.port, user)
      const errors: string[] = []
      const broker = redisBroker({ client, prefix: 'acl:', error: ({ message }) => errors.push(message) })
      const seen: string[] = []
      let returned = 0
      const eventsOf = (name: string) => ({
        stored: ({ content }: { content: unknown }) => seen.push(`${name} ${content}`),
        volatile: () => undefined,
        returned: () => (returned += 1),
      })
      try {
        const kept = await broker.open('kept', eventsOf('kept'))
        const forbidden = await broker.open('forbidden', eventsOf('forbidden'))
        askRedis(server.port, 'ACL', 'SETUSER', user, 'resetchannels', '&acl:c:kept')
        await until(() => errors.some((error) => error.includes('NOPERM')))
        if (keepsOthers) {
          await until(() => returned > 0)
          await until(async () => {
            await kept.publish('1').catch(() => undefined)
            return seen.includes('kept 1')
          })
          assert.ok(errors.some((error) => error.includes('subscription to acl:c:forbidden, which it accepted before')))
        }
        returned = 0
        askRedis(server.port, 'ACL', 'SETUSER', user, '&*')
        await until(() => returned > 0)
        await until(async () => {
          await Promise.allSettled([kept.publish('2'), forbidden.publish('2')])
          return seen.includes('kept 2') && seen.includes('forbidden 2')
        })
      } finally {
        broker.close()
        await end()
      }
    })
  }

  it('stores a script once that a client repeats', async () => {
    const { client, end } = await redisClients.ioredis!(server.port)
    const twice = new Proxy(client as IoredisLike, {
      get(of, name) {
        const value = Reflect.get(of, name)
        if (name !== 'call') return typeof value === 'function' ? value.bind(of) : value
        return async (...args: Parameters<IoredisLike['call']>) => {
          const answer = await of.call(...args)
          const again = args[0] === 'EVALSHA' ? await of.call(...args) : answer
          assert.deepEqual(again, answer)
          return again
        }
      },
    })
    const broker = redisBroker({ client: twice, prefix: 'repeated:' })
    try {
      const topics = await Promise.all(
        ['a', 'b'].map((name) => broker.open(name, { stored: () => undefined, volatile: () => undefined })),
      )
      for (let round = 1; round <= 3; round += 1) {
        const positions = await Promise.all([
          ...topics.map((topic) => topic.publish('plain')),
          ...topics.map((topic) => topic.publish('with an id', `id ${round}`)),
        ])
        assert.deepEqual(
          positions.map(({ offset }) => offset),
          [2 * round - 1, 2 * round - 1, 2 * round, 2 * round],
        )
      }
      const { messages } = await topics[0]!.last(10)
      assert.equal(messages.length, 6)
    } finally {
      broker.close()
      await end()
    }
  })

  it('keeps the order of a node when Redis has forgotten the scripts, which another node brings back meanwhile', async () => {
    const [one, two] = [0, 1].map(() => impatientClient(server.port))
    const brokers = [one, two].map((each) => redisBroker({ client: each!.client, prefix: 'forgotten:' }))
    const listener = { stored: () => undefined, volatile: () => undefined }
    try {
      const [own, other] = await Promise.all(brokers.map((broker) => broker.open('a', listener)))
      for (let round = 0; round < 50; round += 1) {
        askRedis(server.port, 'SCRIPT', 'FLUSH')
        const published: Promise<unknown>[] = [other!.publish('other')]
        for (let index = 0; index < 20; index += 1) {
          published.push(own!.publish(`${round} ${index}`))
          await new Promise((resolve) => setImmediate(resolve))
        }
        await Promise.all(published)
        const { messages } = await own!.last(21)
        const ofOwn = messages.map(({ content }) => content).filter((content) => content !== 'other')
        assert.deepEqual(
          ofOwn,
          Array.from({ length: 20 }, (_, index) => `${round} ${index}`),
        )
      }
    } finally {
      for (const broker of brokers) broker.close()
      one!.end()
      two!.end()
    }
  })

  it('waits for Redis until the deadline of a publish, also if the client gives up earlier', {
    timeout: 60_000,
  }, async () => {
    const { client, end } = impatientClient(server.port)
    const broker = redisBroker({ client, prefix: 'impatient:', timeoutMs: 30_000 })
    try {
      const topic = await broker.open('a', { stored: () => undefined, volatile: () => undefined })
      // The client sends it, and learns of the loss before the answer.
      const published = [topic.publish('1')]
      await server.kill()
      for (let index = 2; index <= 5; index += 1) {
        published.push(topic.publish(`${index}`))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      await server.run()
      await Promise.all(published)
      const { messages } = await topic.last(10)
      assert.deepEqual(messages.map(({ content }) => content).sort(), ['1', '2', '3', '4', '5'])
    } finally {
      broker.close()
      end()
    }
  })

  it('keeps positions over a Redis that is killed and started again, and its hubs go on', {
    timeout: 60_000,
  }, async () => {
    const ends: (() => unknown)[] = []
    const node = async (): Promise<{ broker: RedisBroker; url: string; hub: ReturnType<typeof createHub> }> => {
      const { client, end } = await redisClients.ioredis!(server.port)
      const broker = redisBroker({ client, prefix: 'killed:', timeoutMs: 1000 })
      const hub = createHub({ topics: { 'room.*': { publish: true, presence: true } }, broker, error: () => undefined })
      const listening = await serve({ port: 0, ...hub.handlers() })
      ends.push(
        () => listening.close(),
        () => hub.close(),
        () => broker.close(),
        end,
      )
      return { broker, url: listening.url, hub }
    }
    const [one, other] = [await node(), await node()]
    const seen: unknown[] = []
    const gaps: unknown[] = []
    const reader = new Link(other.url)
    const writer = new Link(one.url, { timeoutMs: 40_000 })
    try {
      const started = new Promise<void>((resolve) => {
        reader.subscribe('room.1', ({ data }) => seen.push(data), {
          started: (start) => {
            if (!start.recovered) gaps.push(start.reason)
            resolve()
          },
        })
      })
      await started
      for (let index = 0; index < 10; index += 1) await writer.publish('room.1', index)
      await server.kill()
      await assert.rejects(one.hub.publish('room.1', 'while it is away'))
      await server.run()
      for (let index = 10; index < 20; index += 1) {
        for (;;) {
          try {
            await writer.publish('room.1', index, { key: `key ${index}` })
            break
          } catch {
            await new Promise((resolve) => setTimeout(resolve, 100))
          }
        }
      }
      while (seen.at(-1) !== 19) await new Promise((resolve) => setTimeout(resolve, 50))
      const numbers = seen.filter((each) => typeof each === 'number')
      assert.deepEqual(
        numbers,
        Array.from({ length: 20 }, (_, index) => index),
      )
      assert.deepEqual(gaps, [])
    } finally {
      reader.close()
      writer.close()
      for (const end of ends) await end()
    }
  })

  it('stores the messages of one turn whole, in their order and once for each id', async () => {
    const { client, end } = await redisClients['@redis/client']!(server.port)
    const broker = redisBroker({ client, prefix: 'turns:' })
    try {
      const seen: { readonly content: unknown; readonly offset: number; readonly mark: string; previous: string }[] = []
      const topic = await broker.open('a', {
        stored: ({ content, position: { offset, mark }, previousMark }) =>
          seen.push({ content, offset, mark, previous: previousMark }),
        volatile: () => undefined,
      })
      const other = await broker.open('b', { stored: () => undefined, volatile: () => undefined })
      const known = await topic.publish('é🙂 0', 'id 0')
      const publishes = Array.from({ length: 300 }, (_, index) => {
        void other.publish(`${index}`, `id ${index}`)
        return topic.publish(`é🙂 ${index}`, index % 3 === 0 ? `id ${index % 30}` : undefined)
      })
      const positions = await Promise.all(publishes)
      for (const [index, position] of positions.entries()) {
        if (index % 30 === 0) assert.deepEqual(position, known)
        else if (index % 3 === 0) assert.deepEqual(position, positions[index % 30])
      }
      const { head, messages } = await topic.last(1000)
      assert.equal(messages.length, 210)
      assert.deepEqual(messages.at(-1)!.position, head)
      assert.deepEqual(
        messages.map(({ content, position: { offset, mark }, previousMark }) => ({
          content,
          offset,
          mark,
          previous: previousMark,
        })),
        seen,
      )
      for (const [index, { offset, mark, previous, content }] of seen.entries()) {
        assert.equal(offset, index + 1)
        assert.equal(previous, seen[index - 1]?.mark ?? '')
        const of = Number(String(content).split(' ')[1])
        assert.deepEqual([positions[of]!.offset, positions[of]!.mark], [offset, mark])
      }
      assert.equal((await other.head()).offset, 300)
    } finally {
      broker.close()
      end()
    }
  })

  it('stores the messages of other topics when the keys of one are of another program', async () => {
    const { client, end } = await redisClients.ioredis!(server.port)
    const broker = redisBroker({ client, prefix: 'foreign:' })
    try {
      const silent = { stored: () => undefined, volatile: () => undefined }
      const [bad, good] = [await broker.open('bad', silent), await broker.open('good', silent)]
      await (client as IoredisLike).call('SET', 'foreign:{bad}:s', 'no stream')
      const refused = bad.publish('1')
      const stored = good.publish('2')
      await assert.rejects(refused, /Redis has not stored the message: .*WRONGTYPE/)
      assert.equal((await stored).offset, 1)
      await (client as IoredisLike).call('DEL', 'foreign:{bad}:s', 'foreign:{bad}:h')
      await (client as IoredisLike).call('SET', 'foreign:{bad}:h', 'no head')
      await assert.rejects(bad.publish('3'), /the key foreign:\{bad\}:h is not the head of a topic/)
      await assert.rejects(bad.last(1), /the key foreign:\{bad\}:h is not the head of a topic/)
      await (client as IoredisLike).call('DEL', 'foreign:{bad}:h')
      await (client as IoredisLike).call('HSET', 'foreign:{bad}:h', 'no', 'text')
      await assert.rejects(bad.publish('4'), /WRONGTYPE/)
      assert.equal(await (client as IoredisLike).call('HGET', 'foreign:{bad}:h', 'no'), 'text')
    } finally {
      broker.close()
      end()
    }
  })

  for (const name of ['ioredis', '@redis/client']) {
    it(`delivers a volatile message at most once when the subscriptions come back, by ${name}`, {
      timeout: 60_000,
    }, async () => {
      const { client, end } = await redisClients[name]!(server.port)
      const broker = redisBroker({ client, prefix: `volatile ${name}:` })
      const hub = createHub({ topics: { 'room.*': { subscribe: true } }, broker, error: () => undefined })
      const listening = await serve({ port: 0, ...hub.handlers() })
      const links = ['room.1', 'room.*'].map((topic) => ({
        topic,
        link: new Link(listening.url),
        seen: [] as number[],
      }))
      const killer = connectSocket(server.port, '127.0.0.1')
      killer.resume()
      try {
        for (const { topic, link, seen } of links) {
          await new Promise<void>((started) => {
            link.subscribe(topic, ({ data }) => seen.push(data as number), { started: () => started() })
          })
        }
        let sent = 0
        for (let kills = 0; kills < 10; kills += 1) {
          killer.write('CLIENT KILL TYPE pubsub\r\n')
          const until = performance.now() + 150
          while (performance.now() < until) {
            for (let count = 0; count < 5; count += 1) {
              sent += 1
              await hub.publish('room.1', sent, { volatile: true })
            }
            await new Promise((resolve) => setImmediate(resolve))
          }
        }
        await hub.publish('room.1', 0, { volatile: true })
        for (const { seen } of links) while (seen.at(-1) !== 0) await new Promise((resolve) => setTimeout(resolve, 10))
        for (const { seen, topic } of links) {
          assert.equal(new Set(seen).size, seen.length, `a message of ${topic} came twice`)
          assert.ok(seen.length > 0.5 * sent, `${seen.length} of ${sent} messages of ${topic}`)
        }
      } finally {
        killer.destroy()
        for (const { link } of links) link.close()
        await listening.close()
        hub.close()
        broker.close()
        await end()
      }
    })
  }
})

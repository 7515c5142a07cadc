/**
 * `npm run test:socket-io`: the Socket.IO adapter with the real Socket.IO, which npm fetches into `.scratch`, on nodes that
 * share Debian's redis-server and nats-server.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { natsBroker } from '@twoway/nats'
import { createAdapter as createNatsAdapter } from '@twoway/nats/socket.io'
import { type IoredisLike, redisBroker } from '@twoway/redis'
import { createAdapter } from '@twoway/redis/socket.io'
import type { ResumableBroker } from 'twoway/hub'
import { startNats } from '../brokers/nats-server.js'
import { startRedis } from '../brokers/redis-server.js'
import type { TestServer } from '../brokers/test-server.js'
import { adapterSuite } from './adapter-suite.js'
import { Cluster, event, loadPackages, type Untyped, until } from './cluster.js'

let load: NodeJS.Require
let redis: TestServer
let nats: TestServer
const ends: (() => unknown)[] = []

before(async () => {
  load = loadPackages()
  redis = await startRedis()
  nats = await startNats()
})
after(async () => {
  for (const end of ends) await end()
  await redis.end()
  await nats.end()
})

interface RedisClient extends IoredisLike {
  flushall(): Promise<unknown>
}

function redisClient(): RedisClient {
  const { Redis } = load('ioredis') as { readonly Redis: new (options: object) => RedisClient }
  const client = new Redis({ port: redis.port, host: '127.0.0.1' })
  client.on('error', () => undefined)
  ends.push(() => client.disconnect())
  return client
}

/** Enough for a machine with other work: a broadcast that is not stored in this time reaches no other node. */
const enoughMs = 20_000

async function onRedis(timeoutMs = enoughMs): Promise<ResumableBroker> {
  const broker = redisBroker({ client: redisClient(), timeoutMs })
  ends.unshift(() => broker.close())
  return broker
}

async function onNats(timeoutMs = enoughMs): Promise<ResumableBroker> {
  const connection: NatsConnection = await connect({
    servers: `127.0.0.1:${nats.port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  })
  ends.push(() => connection.close())
  return natsBroker({ connection, timeoutMs })
}

adapterSuite(
  'Redis',
  () => load,
  () => onRedis(),
)
adapterSuite(
  'NATS',
  () => load,
  () => onNats(),
)

describe('createAdapter', () => {
  it('refuses a broker that is none, and wrong options', async () => {
    assert.throws(() => createAdapter({} as never), /broker must be a broker/)
    const broker = await onNats()
    assert.throws(() => createNatsAdapter(broker, { prefix: 'a b' }), /prefix must be a topic/)
    assert.throws(() => createNatsAdapter(broker, { recoveryCount: 0 }), /recoveryCount must be a whole number above 0/)
  })
})

for (const [name, broker, server] of [
  ['Redis', onRedis, () => redis],
  ['NATS', onNats, () => nats],
] as const) {
  describe(`a ${name} that is away`, { timeout: 60_000 }, () => {
    it('keeps nodes alive, and their broadcasts reach their own clients, and all again when it is back', async () => {
      const cluster = new Cluster(load, { prefix: `away-${name}` })
      try {
        const [one, two] = [await cluster.start(await broker(1000)), await cluster.start(await broker(1000))]
        await cluster.met(one, two)
        const [near, far] = [await cluster.client(one.port), await cluster.client(two.port)]
        const seen: unknown[] = []
        far.on('word', (word: unknown) => seen.push(word))
        await server().kill()
        const got = event(near, 'word')
        one.io.emit('word', 'alone')
        assert.equal(await got, 'alone')
        await server().run()
        while (seen.at(-1) !== 'together') {
          one.io.emit('word', 'together')
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      } finally {
        await cluster.end()
      }
    })
  })
}

describe('a Redis that lost its data', { timeout: 60_000 }, () => {
  it('makes clients connect again, which are told that they were not recovered', async () => {
    const cluster = new Cluster(load, { prefix: 'lost' })
    try {
      const node = await cluster.start(await onRedis(), { connectionStateRecovery: {} })
      const client: Untyped = await cluster.client(node.port)
      const got = event(client, 'word')
      node.io.emit('word', 1)
      await got
      const back = event(client, 'connect')
      const flushing = redisClient()
      await flushing.flushall()
      await back
      assert.equal(client.recovered, false)
      const next = event(client, 'word')
      await until(() => node.io.sockets.sockets.size === 1)
      node.io.emit('word', 2)
      assert.equal(await next, 2)
    } finally {
      await cluster.end()
    }
  })
})

/** `npm run test:brokers`: the broker on Redis against Debian's redis-server, with each of the clients that it takes. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type IoredisLike, type NodeRedisLike, type RedisBroker, type RedisClient, redisBroker } from '@twoway/redis'
import { createHub } from 'twoway/hub'
import { Link } from 'twoway/link'
import { serve } from 'twoway/server'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { installPackages } from '../runtimes/install-packages.js'
import { RedisServer } from './redis-server.js'

const folder = fileURLToPath(new URL('../../../.scratch/brokers/', import.meta.url))
const packages = { ioredis: '5.9.2', iovalkey: '0.3.3', '@redis/client': '5.9.0' }
installPackages(folder, packages)
const load = createRequire(join(folder, 'package.json'))

interface Ending {
  disconnect(): void
}
interface NodeRedis {
  connect(): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
  destroy(): void
}

/** The clients by the names of their packages: each connects, and says how to end. */
const clients: Readonly<Record<string, (port: number) => Promise<{ readonly client: RedisClient; end(): unknown }>>> = {
  async ioredis(port) {
    const { Redis } = load('ioredis') as { readonly Redis: new (options: object) => IoredisLike & Ending }
    const client = new Redis({ port, host: '127.0.0.1' })
    client.on('error', () => undefined)
    return { client, end: () => client.disconnect() }
  },
  async iovalkey(port) {
    const Valkey = load('iovalkey') as new (options: object) => IoredisLike & Ending
    const client = new Valkey({ port, host: '127.0.0.1' })
    client.on('error', () => undefined)
    return { client, end: () => client.disconnect() }
  },
  async '@redis/client'(port) {
    const { createClient } = load('@redis/client') as {
      readonly createClient: (options: object) => NodeRedisLike & NodeRedis
    }
    const client = createClient({ url: `redis://127.0.0.1:${port}` })
    client.on('error', () => undefined)
    await client.connect()
    return { client, end: () => client.destroy() }
  },
}

let server: RedisServer
before(async () => {
  server = await RedisServer.start()
})
after(() => server.end())

let prefixes = 0

for (const [name, connect] of Object.entries(clients)) {
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

  it('keeps positions over a Redis that is killed and started again, and its hubs go on', {
    timeout: 60_000,
  }, async () => {
    const ends: (() => unknown)[] = []
    const node = async (): Promise<{ broker: RedisBroker; url: string; hub: ReturnType<typeof createHub> }> => {
      const { client, end } = await clients.ioredis!(server.port)
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
})

/** `npm run test:brokers`: the broker on a Redis Cluster of three, and on a primary with a replica and Sentinel. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisBroker, redisBroker } from '@twoway/redis'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { type ConnectedClient, clusterClients, fetchRedisClients, sentinelClient } from './redis-clients.js'
import { primaryName, RedisWithSentinel, startRedisCluster } from './redis-server.js'
import type { TestServer } from './test-server.js'

fetchRedisClients()

let cluster: TestServer[]
let replicated: RedisWithSentinel
before(async () => {
  cluster = await startRedisCluster()
  replicated = await RedisWithSentinel.start()
})
after(async () => {
  for (const server of cluster) await server.end()
  await replicated.end()
})

let prefixes = 0

/** The contract of brokers, each on a client of its own. */
function contract(
  name: string,
  connect: () => Promise<ConnectedClient>,
  options: object,
  refusesPatterns = false,
): void {
  brokerContract(name, async () => {
    const ends: (() => unknown)[] = []
    prefixes += 1
    const prefix = `contract ${prefixes}:`
    return {
      refusesPatterns,
      async connect() {
        const { client, end } = await connect()
        const broker = redisBroker({ client, prefix, historyCount: 200, ...options })
        ends.push(() => broker.close(), end)
        return broker
      },
      async close() {
        for (const end of ends) await end()
      },
    }
  })
}

for (const [name, connect] of Object.entries(clusterClients)) {
  const ports = (): number[] => cluster.map(({ port }) => port)
  contract(`Redis Cluster by ${name}`, () => connect(ports(), false), {})
  contract(`Redis Cluster by ${name}, sharded channels`, () => connect(ports(), true), { sharded: true }, true)
}
contract('Redis with Sentinel by ioredis', () => sentinelClient(replicated.sentinel.port, primaryName), { replicas: 1 })

const silent = { stored: () => undefined, volatile: () => undefined }

describe('redisBroker with replicas', () => {
  const ends: (() => unknown)[] = []
  after(async () => {
    for (const end of ends) await end()
  })

  async function node(timeoutMs: number): Promise<RedisBroker> {
    const { client, end } = await sentinelClient(replicated.sentinel.port, primaryName)
    const broker = redisBroker({ client, prefix: 'replicas:', replicas: 1, timeoutMs })
    ends.push(() => broker.close(), end)
    return broker
  }

  it('acknowledges a message only when a replica has it', { timeout: 60_000 }, async () => {
    const topic = await (await node(1000)).open('alone', silent)
    await topic.publish('1')
    const primary = await replicated.primary()
    const replica = replicated.servers.find((server) => server !== primary)!
    await replica.kill()
    await assert.rejects(topic.publish('2', 'id 2'), /no replica of Redis confirmed the message within 1000 ms/)
    await replicated.rejoin(replica)
    const position = await topic.publish('2', 'id 2')
    assert.equal(position.offset, 2)
  })

  it('loses no message that was acknowledged when the primary is killed', { timeout: 60_000 }, async () => {
    const topic = await (await node(10_000)).open('a', silent)
    const start = await topic.head()
    for (let index = 0; index < 20; index += 1) await topic.publish(`${index}`)
    const failing = replicated.failOver().then((killed) => replicated.rejoin(killed))
    failing.catch(() => undefined)
    for (let index = 20; index < 40; index += 1) await topic.publish(`${index}`)
    await failing
    const answer = await topic.since(start, 100)
    assert.ok(answer.recovered)
    assert.deepEqual(
      answer.messages.map(({ content }) => content),
      Array.from({ length: 40 }, (_, index) => `${index}`),
    )
  })
})

describe('redisBroker on a cluster that is away', () => {
  for (const [name, connect] of Object.entries(clusterClients)) {
    it(`connects again, by ${name}`, { timeout: 60_000 }, async (context) => {
      const ports = cluster.map(({ port }) => port)
      const { client, end } = await connect(ports, false)
      const broker = redisBroker({ client, prefix: `away by ${name}:` })
      context.after(async () => {
        await broker.close()
        await end()
      })
      let arrived = (): void => undefined
      const topic = await broker.open('a', { ...silent, volatile: () => arrived() })
      for (const server of cluster) await server.kill()
      await sleep(500)
      await Promise.all(cluster.map((server) => server.run()))
      let hasArrived = false
      arrived = () => {
        hasArrived = true
      }
      while (!hasArrived) {
        topic.send('again')
        await sleep(100)
      }
    })
  }
})

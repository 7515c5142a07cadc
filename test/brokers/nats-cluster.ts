/** `npm run test:brokers`: the broker on a cluster of three nats-servers, whose streams have three replicas. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { type NatsBroker, natsBroker } from '@twoway/nats'
import { brokerContract } from 'twoway-testing/contracts/broker.contract.js'
import { clusterNames, startNatsCluster } from './nats-server.js'
import type { TestServer } from './test-server.js'

let servers: TestServer[]
const connections: NatsConnection[] = []
before(async () => {
  servers = await startNatsCluster()
  const broker = await node('first')
  // The servers elect a leader first.
  for (;;) {
    try {
      await broker.open('a', silent)
      break
    } catch {
      await sleep(100)
    }
  }
})
after(async () => {
  for (const connection of connections) await connection.close()
  for (const server of servers) await server.end()
})

async function connected(): Promise<NatsConnection> {
  const connection = await connect({
    servers: servers.map(({ port }) => `127.0.0.1:${port}`),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  })
  connections.push(connection)
  return connection
}

const silent = { stored: () => undefined, volatile: () => undefined }

async function node(name: string, historyCount = 200): Promise<NatsBroker> {
  const connection = await connected()
  return natsBroker({ connection, stream: name, prefix: name, historyCount, replicas: 3, timeoutMs: 20_000 })
}

let names = 0

brokerContract('NATS cluster', async () => {
  names += 1
  const name = `contract${names}`
  return {
    connect: () => node(name),
    close: async () => {
      for (const connection of connections.splice(0)) await connection.close()
    },
  }
})

describe('natsBroker on a cluster', () => {
  it('keeps messages that share entries once and in order while two nodes publish', { timeout: 120_000 }, async () => {
    const nodes = [await node('shared', 2000), await node('shared', 2000)]
    const topics = await Promise.all(nodes.map((each) => each.open('a', silent)))
    const start = await topics[0]!.head()
    // Servers before 2.11 store entries of both at the same time, of which one is void.
    const positions = await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        await sleep(index)
        return topics[index % 2]!.publish(`${index}`, index % 20 === 0 ? `id ${index}` : undefined)
      }),
    )
    const later = await (await node('shared', 2000)).open('a', silent)
    const { head, messages } = await later.last(2000)
    assert.deepEqual(
      messages.map(({ position }) => position.offset),
      Array.from({ length: 1000 }, (_, index) => index + 1),
    )
    for (const { position, content } of messages) assert.deepEqual(positions[Number(content)], position)
    assert.deepEqual(head, messages.at(-1)!.position)
    for (let index = 0; index < 1000; index += 50) {
      const answer = await later.since(messages[index]!.position, 1000)
      assert.ok(answer.recovered, `${index}`)
      assert.deepEqual(answer.messages, messages.slice(index + 1))
    }
    assert.ok((await later.since(start, 1000)).recovered)
  })

  it('loses no message that was acknowledged when the leader of the stream is killed', {
    timeout: 120_000,
  }, async () => {
    const [one, other] = [await node('elected'), await node('elected')]
    const seen: string[] = []
    const topic = await one.open('a', silent)
    const reader = await other.open('a', { ...silent, stored: ({ content }) => seen.push(String(content)) })
    const start = await reader.head()
    for (let index = 0; index < 20; index += 1) await topic.publish(`${index}`, `id ${index}`)
    const leader = await leaderOf('elected')
    await leader.kill()
    // Each of these waits for the election.
    for (let index = 20; index < 40; index += 1) await topic.publish(`${index}`, `id ${index}`)
    await leader.run()
    const answer = await reader.since(start, 100)
    assert.ok(answer.recovered)
    assert.deepEqual(
      answer.messages.map(({ content }) => content),
      Array.from({ length: 40 }, (_, index) => `${index}`),
    )
    // A message that was sent while a node connected again is read by the hub.
    assert.deepEqual(seen.toSorted(byNumber), [...new Set(seen)].toSorted(byNumber))
  })
})

const byNumber = (one: string, other: string): number => Number(one) - Number(other)

async function leaderOf(stream: string): Promise<TestServer> {
  const connection = await connected()
  const answer = await connection.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: 5000 })
  const { cluster } = answer.json<{ readonly cluster: { readonly leader: string } }>()
  return servers[clusterNames.indexOf(cluster.leader)]!
}

/**
 * A node of `npm run measure:brokers`, as a process of its own: `node.js nats|nats-memory|redis|socket.io PORT`. It says its port, and
 * answers each order of the measuring process with its processor time in milliseconds, or with a rate.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@nats-io/transport-node'
import { type NatsBrokerOptions, natsBroker } from '@twoway/nats'
import { redisBroker } from '@twoway/redis'
import { createHub, type ResumableBroker } from 'twoway/hub'
import { serve } from 'twoway/server'
import { type BareWay, bareNats, bareRedis, type Store, storesPerSecond } from './bare.js'
import { load, nodeRedis } from './packages.js'

type StoreWay = 'hub' | BareWay

export type Order =
  | { readonly publish: number; readonly everyMs: number }
  | { readonly stores: number; readonly topics: number; readonly by: StoreWay }
  | { readonly cpu: true }

const [kind, brokerPort] = [process.argv[2]!, Number(process.argv[3])]
const text = 'x'.repeat(100)

interface Node {
  readonly port: number
  publish(data: unknown): unknown
  makeStore?(by: StoreWay): Promise<Store>
}

async function onHub(broker: ResumableBroker, bare: (way: BareWay) => Promise<Store>): Promise<Node> {
  const hub = createHub({ broker, topics: { '>': { publish: true } } })
  const { port } = await serve({ port: 0, backlog: 4096, ...hub.handlers() })
  return {
    port: port!,
    publish: (data) => hub.publish('room.1', data as string),
    async makeStore(by) {
      if (by !== 'hub') return bare(by)
      return async (topic) => {
        await hub.publish(`load.${topic}`, text)
      }
    },
  }
}

async function onNats(options: Omit<NatsBrokerOptions, 'connection'>): Promise<Node> {
  const connection = await connect({ servers: `127.0.0.1:${brokerPort}` })
  return onHub(natsBroker({ connection, ...options }), (way) => bareNats(connection, text, way))
}

const nodes: Readonly<Record<string, () => Promise<Node>>> = {
  nats: () => onNats({}),
  'nats-memory': () => onNats({ stream: 'memory', prefix: 'memory', storage: 'memory' }),
  async redis() {
    const client = await nodeRedis(brokerPort)
    return onHub(redisBroker({ client }), (way) => bareRedis(client, text, way))
  },
  async 'socket.io'() {
    const { Server } = load('socket.io')
    const { createAdapter } = load('@socket.io/redis-streams-adapter')
    const httpServer = createServer()
    const io = new Server(httpServer, { adapter: createAdapter(await nodeRedis(brokerPort)), serveClient: false })
    io.on('connection', (socket: { join(room: string): void }) => socket.join('room.1'))
    httpServer.listen(0, '127.0.0.1', 4096)
    await once(httpServer, 'listening')
    const { port } = httpServer.address() as AddressInfo
    return { port, publish: (data) => io.to('room.1').emit('message', data) }
  },
}

const node = await nodes[kind]!()
/** Made once, as each has a stream and a subscriber. */
const stores: { [By in StoreWay]?: Store } = {}

async function obey(order: Order): Promise<number> {
  if ('publish' in order) {
    for (let sent = 0; sent < order.publish; sent += 1) {
      await node.publish(text)
      await new Promise((resolve) => setTimeout(resolve, order.everyMs))
    }
  } else if ('stores' in order) {
    stores[order.by] ??= await node.makeStore!(order.by)
    return storesPerSecond(stores[order.by]!, order.stores, order.topics)
  }
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

process.on('message', async (order: Order) => process.send!(await obey(order)))
process.on('disconnect', () => process.exit())
process.send!(node.port)

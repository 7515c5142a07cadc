import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { IoredisLike, NodeRedisClusterLike, NodeRedisLike, RedisClient } from '@twoway/redis'
import { installPackages } from '../runtimes/install-packages.js'

const folder = fileURLToPath(new URL('../../../.scratch/brokers/', import.meta.url))
const packages = {
  ioredis: '5.9.2',
  iovalkey: '0.3.3',
  '@redis/client': '6.3.1',
  '@redis/client-5': 'npm:@redis/client@5.12.1',
}
const load = createRequire(join(folder, 'package.json'))

let isFetched = false

/** Has npm fetch the client libraries, once. The processes of a test use what its first process has fetched. */
export function fetchRedisClients(): void {
  if (!isFetched) installPackages(folder, packages)
  isFetched = true
}

interface Ending {
  disconnect(): void
}
interface NodeRedis {
  connect(): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
  destroy(): void
}

export interface ConnectedClient {
  readonly client: RedisClient
  end(): unknown
}

const ioredisOptions = { host: '127.0.0.1', retryStrategy: () => 50 }

function ioredisOf(options: object): ConnectedClient {
  const { Redis } = load('ioredis') as { readonly Redis: new (options: object) => IoredisLike & Ending }
  const client = new Redis({ ...ioredisOptions, ...options })
  client.on('error', () => undefined)
  return { client, end: () => client.disconnect() }
}

/** The password of a user is its name. */
const credentials = (user: string | undefined): object => (user === undefined ? {} : { username: user, password: user })

async function nodeRedisOf(name: string, port: number, user?: string): Promise<ConnectedClient> {
  const { createClient } = load(name) as { readonly createClient: (options: object) => NodeRedisLike & NodeRedis }
  const socket = { host: '127.0.0.1', port, reconnectStrategy: () => 50 }
  const client = createClient({ socket, ...credentials(user) })
  client.on('error', () => undefined)
  await client.connect()
  return { client, end: () => client.destroy() }
}

/** A client that gives a command up the first time that it can't connect, long before the deadline of a publish. */
export function impatientClient(port: number): ConnectedClient {
  return ioredisOf({ port, maxRetriesPerRequest: 0 })
}

/** The primary that a Sentinel knows by this name. `natMap` has other ways to its servers. */
export async function sentinelClient(
  port: number,
  name: string,
  natMap?: Readonly<Record<string, { readonly host: string; readonly port: number }>>,
): Promise<ConnectedClient> {
  const sentinels = [{ host: '127.0.0.1', port }]
  return ioredisOf({ sentinels, name, sentinelRetryStrategy: () => 50, ...(natMap && { natMap }) })
}

/** A client of a cluster, by the names of the packages. */
export const clusterClients: Readonly<
  Record<string, (ports: readonly number[], isSharded: boolean) => Promise<ConnectedClient>>
> = {
  async ioredis(ports, isSharded) {
    const { Cluster } = load('ioredis') as {
      readonly Cluster: new (nodes: readonly object[], options: object) => IoredisLike & Ending
    }
    const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
    const client = new Cluster(nodes, { shardedSubscribers: isSharded, clusterRetryStrategy: () => 50 })
    client.on('error', () => undefined)
    return { client, end: () => client.disconnect() }
  },
  async '@redis/client'(ports) {
    const { createCluster } = load('@redis/client') as {
      readonly createCluster: (options: object) => NodeRedisClusterLike & NodeRedis
    }
    const rootNodes = ports.map((port) => ({ socket: { host: '127.0.0.1', port } }))
    const client = createCluster({ rootNodes, defaults: { socket: { reconnectStrategy: () => 50 } } })
    client.on('error', () => undefined)
    await client.connect()
    return { client, end: () => client.destroy() }
  },
}

/** The clients by the names of their packages: each connects, and says how to end. */
export const redisClients: Readonly<Record<string, (port: number, user?: string) => Promise<ConnectedClient>>> = {
  ioredis: async (port, user) => ioredisOf({ port, ...credentials(user) }),
  async iovalkey(port, user) {
    const Valkey = load('iovalkey') as new (options: object) => IoredisLike & Ending
    const client = new Valkey({ ...ioredisOptions, port, ...credentials(user) })
    client.on('error', () => undefined)
    return { client, end: () => client.disconnect() }
  },
  '@redis/client': (port, user) => nodeRedisOf('@redis/client', port, user),
  '@redis/client 5': (port, user) => nodeRedisOf('@redis/client-5', port, user),
}

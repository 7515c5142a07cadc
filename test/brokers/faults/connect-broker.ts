import type { ResumableBroker } from 'twoway/hub'
import { redisClients, sentinelClient } from '../redis-clients.js'
import { primaryName } from '../redis-server.js'

/** The servers of a broker, as one process reaches them. */
export interface BrokerAddress {
  readonly kind: 'nats' | 'redis' | 'redis-sentinel'
  /** The ports of the servers; the first one is Sentinel's, if there is one. */
  readonly ports: readonly number[]
  /** The ports of the fault proxies before these servers. */
  readonly proxies?: readonly number[]
  /** The servers that must have a message before it is acknowledged. */
  readonly copies: number
  /** The package of the client of Redis. */
  readonly client?: string
}

/** Messages of a topic that the brokers of the test keep. */
const historyCount = 300
const timeoutMs = 2000

/** Connects a process to a broker. It loads only the packages of this broker: a node that was killed is soon back. */
export async function connectBroker(address: BrokerAddress): Promise<ResumableBroker> {
  const { kind, ports, proxies = ports, copies, client: name = 'ioredis' } = address
  if (kind === 'nats') {
    const [{ connect }, { natsBroker }] = await Promise.all([import('@nats-io/transport-node'), import('@twoway/nats')])
    const connection = await connect({
      servers: proxies.map((port) => `127.0.0.1:${port}`),
      // The servers of a cluster would tell how to go around the fault proxy.
      ignoreClusterUpdates: true,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      reconnectTimeWait: 30,
      reconnectJitter: 20,
      timeout: 1000,
      pingInterval: 1000,
    })
    return natsBroker({ connection, historyCount, timeoutMs, replicas: copies })
  }
  const { redisBroker } = await import('@twoway/redis')
  if (kind === 'redis') {
    const { client } = await redisClients[name]!(proxies[0]!)
    return redisBroker({ client, historyCount, timeoutMs })
  }
  const way = (port: number, index: number) =>
    [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxies[index]! }] as const
  const { client } = await sentinelClient(proxies[0]!, primaryName, Object.fromEntries(ports.map(way)))
  return redisBroker({ client, historyCount, timeoutMs, replicas: copies - 1 })
}

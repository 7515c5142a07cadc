/** The brokers that the chat can run on: the program of each, and a node's connection to it. */
import { connect } from '@nats-io/transport-node'
import { createClient } from '@redis/client'
import { natsBroker } from '@twoway/nats'
import { redisBroker } from '@twoway/redis'
import type { ResumableBroker } from 'twoway/hub'

interface BrokerProgram {
  readonly program: string
  /** The arguments for a port of this machine, and a folder that keeps the data. */
  argumentsFor(port: number, folder: string): readonly string[]
  /** Resolves when the broker answers, and connects again after each loss. */
  connect(port: number): Promise<ResumableBroker>
}

/** Shorter than the default, so that a page soon tries again while the broker is away. */
const timeoutMs = 2000

export const brokers = {
  nats: {
    program: 'nats-server',
    argumentsFor: (port, folder) => [
      ...['--addr', '127.0.0.1', '--port', String(port)],
      ...['--jetstream', '--store_dir', folder],
    ],
    async connect(port) {
      const connection = await connect({
        servers: `127.0.0.1:${port}`,
        waitOnFirstConnect: true,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
      })
      return natsBroker({ connection, timeoutMs })
    },
  },
  redis: {
    program: 'redis-server',
    // With these settings Redis keeps each message that it has confirmed.
    argumentsFor: (port, folder) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
      ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ],
    async connect(port) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 250 } })
      // Without a listener, a lost connection would end the process.
      client.on('error', () => undefined)
      await client.connect()
      return redisBroker({ client, timeoutMs, error: () => undefined })
    },
  },
} satisfies Record<string, BrokerProgram>

export type BrokerName = keyof typeof brokers

export function isBrokerName(name: string): name is BrokerName {
  return Object.hasOwn(brokers, name)
}

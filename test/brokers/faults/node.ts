/** A node of the fault suite: a hub on a broker. */
import { createHub } from 'twoway/hub'
import { type ServerSocket, serve } from 'twoway/server'
import { childConfig, obey } from './child.js'
import { type BrokerAddress, connectBroker } from './connect-broker.js'

export interface NodeConfig {
  readonly address: BrokerAddress
  readonly port: number
  readonly ringCount: number
}

/**
 * - `cut`: cuts as many connections of clients;
 * - `publish`: publishes as many messages to a topic;
 * - `figures`: answers with the figures alone, as the others do too.
 */
export type NodeOrder =
  | { readonly cut: number }
  | { readonly publish: number; readonly topic: string }
  | { readonly figures: true }

export interface NodeFigures {
  /** Bytes of memory in use, after a collection. */
  readonly held: number
  readonly brokerReads: number
  readonly topics: number
}

const { address, port, ringCount } = childConfig<NodeConfig>()
const hub = createHub({
  topics: { 'room.*': { publish: true }, 'hall.*': { publish: true, presence: true } },
  broker: await connectBroker(address),
  ringCount,
  leaseMs: 1500,
  authenticate: ({ token }) => ({ user: String(token) }),
  requests: {
    // The publishes of the server itself have no key.
    publish: ({ topic, name }: { readonly topic: string; readonly name: string }) => hub.publish(topic, name),
  },
  error: () => undefined,
})
const sockets = new Set<ServerSocket>()
const { open, close, ...handlers } = hub.handlers()
await serve({
  port,
  backlog: 4096,
  ...handlers,
  open(socket) {
    sockets.add(socket)
    open?.(socket)
  },
  close(socket, result) {
    sockets.delete(socket)
    close?.(socket, result)
  },
})

obey<NodeOrder>(async (order): Promise<NodeFigures> => {
  if ('cut' in order) {
    for (const socket of [...sockets].sort(() => Math.random() - 0.5).slice(0, order.cut)) socket.terminate()
  } else if ('publish' in order) {
    for (let count = 0; count < order.publish; count += 1) await hub.publish(order.topic, 'x'.repeat(128))
  } else globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  const { brokerReads, topics } = hub.metrics()
  return { held: heapUsed + external, brokerReads, topics }
})

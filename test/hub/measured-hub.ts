/** A hub that is measured from outside: `node --expose-gc measured-hub.js`. It answers each order with its figures. */
import { createHub } from 'twoway/hub'
import { type ServerSocket, serve } from 'twoway/server'

/** An order of the measuring process. */
export type Order =
  | { readonly publish: number; readonly topics: number; readonly bytes: number }
  | { readonly cut: true }
  | { readonly figures: true }

export interface Figures {
  readonly held: number
  readonly subscriptions: number
  readonly topics: number
  readonly brokerReads: number
  readonly notRecovered: number
  readonly cpuMs: number
}

const hub = createHub({ topics: { '>': { publish: true } }, maxTopicsPerClient: 1000, maxTopics: 20_000 })
const sockets = new Set<ServerSocket>()
const { open, close, ...handlers } = hub.handlers()
const server = await serve({
  port: 0,
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

async function obey(order: Order): Promise<void> {
  if ('cut' in order) for (const socket of sockets) socket.terminate()
  else if ('publish' in order) {
    const text = 'x'.repeat(order.bytes)
    for (let sent = 0; sent < order.publish; sent += 1) await hub.publish(`topic.${sent % order.topics}`, text)
  } else {
    // The first collection finds closed objects, the second one frees them.
    globalThis.gc!()
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc!()
  }
}

process.on('message', async (order: Order) => {
  // Before the collections of the order for figures, which are none of the hub's work.
  const { user, system } = process.cpuUsage()
  await obey(order)
  const { heapUsed, external } = process.memoryUsage()
  const { subscriptions, topics, brokerReads, notRecovered } = hub.metrics()
  const figures: Figures = {
    held: heapUsed + external,
    subscriptions,
    topics,
    brokerReads,
    notRecovered: Object.values(notRecovered).reduce((sum, count) => sum + count, 0),
    cpuMs: (user + system) / 1000,
  }
  process.send!(figures)
})
process.on('disconnect', () => process.exit())
process.send!(server.url)

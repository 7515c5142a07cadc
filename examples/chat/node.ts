/** One node of `npm run chat -- --nodes 2 --broker nats`: a process that stands for a machine. */
import process from 'node:process'
import { type BrokerName, brokers } from './brokers.js'
import { startChat } from './chat-server.js'

/** The settings of a node, from `machines.ts`. */
export interface NodeOrders {
  readonly port: number
  /** From 1. */
  readonly node: number
  readonly nodes: number
  readonly broker: BrokerName
  readonly brokerPort: number
}

/** The processes that a page may kill. */
export type Victim = 'node' | 'broker'

const { port, node, nodes, broker, brokerPort } = JSON.parse(process.argv[2]!) as NodeOrders
const server = await startChat({
  port,
  broker: await brokers[broker].connect(brokerPort),
  machines: { node, nodes, broker, kill: (victim: Victim) => process.send?.(victim) },
})
process.once('SIGTERM', () => {
  void server.close({ withinMs: 2000 }).then(() => process.exit())
})
process.once('disconnect', () => process.exit())
if (process.connected) process.send?.('listening')

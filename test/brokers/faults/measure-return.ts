/**
 * `npm run measure:return -- --broker redis [--links 10000] [--messages 100]`: all clients of a topic lose their node, and come back
 * on the other one while messages are published. Each must be told that it missed nothing, and the other node may read the
 * topic from the broker twice.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { LinksAnswer, LinksOrder } from '../../hub/measured-links.js'
import { startTestedBroker } from './tested-broker.js'
import { TestedNode } from './tested-node.js'

const { values } = parseArgs({
  options: {
    broker: { type: 'string', default: '' },
    links: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '100' },
  },
})
const links = Number(values.links)
const messages = Number(values.messages)
const topic = 'room.1'

const broker = await startTestedBroker(values.broker)
const ringCount = 256
const [first, second] = [
  await TestedNode.start(broker.address, ringCount),
  await TestedNode.start(broker.address, ringCount),
]
const program = fileURLToPath(new URL('../../hub/measured-peers.js', import.meta.url))
const peers = fork(
  program,
  [first, second].map(({ port }) => `ws://127.0.0.1:${port}/`),
)
await once(peers, 'message')

async function ask(order: LinksOrder): Promise<LinksAnswer> {
  const answer = once(peers, 'message')
  const ended = once(peers, 'exit').then(() => Promise.reject(new Error('the clients ended')))
  peers.send(order)
  return (await Promise.race([answer, ended]))[0] as LinksAnswer
}

await ask({ open: links, topics: [topic] })
const before = await second.ask({ figures: true })
const whole = ask({ whole: messages })
await first.kill()
await second.ask({ publish: messages, topic })
const { tookMs, recovered } = await whole
const after = await second.ask({ figures: true })
const reads = after.brokerReads - before.brokerReads
console.log(
  `Node ${process.version}, ${availableParallelism()} cores, ${values.broker}: ${links} clients lost their node, and each had the next ` +
    `${messages} messages from the other one after ${(tookMs / 1000).toFixed(2)} s; ${recovered} got recovered: true. That node read ` +
    `the topic from the broker ${reads} times.`,
)
const isKept = recovered === links && reads <= 2
if (!isKept) console.error('NOT AS PROMISED: each client gets recovered: true, and the topic is read at most twice.')
peers.kill('SIGKILL')
for (const node of [first, second]) await node.end()
await broker.end()
process.exit(isKept ? 0 : 1)

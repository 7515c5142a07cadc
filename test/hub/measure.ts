/**
 * `npm run measure:hub`: the memory of a subscription and of a stored message, and the time in which clients resume that have
 * all lost their connection at once. The hub and the clients are processes of their own. `-- --links 10000 --messages 100` are the
 * defaults.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Figures, Order } from './measured-hub.js'
import type { LinksAnswer, LinksOrder } from './measured-links.js'

const { values } = parseArgs({
  options: {
    links: { type: 'string', default: '10000' },
    messages: { type: 'string', default: '100' },
  },
})
const links = Number(values.links)
const messages = Number(values.messages)

class Process<Order, Answer> {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start<Order, Answer>(name: string, args: string[]): Promise<[Process<Order, Answer>, string]> {
    const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
    const child = fork(file, args, { execArgv: ['--expose-gc'] })
    const [said] = (await once(child, 'message')) as [string]
    return [new Process(child), said]
  }

  async ask(order: Order): Promise<Answer> {
    const answer = once(this.#child, 'message')
    const ended = once(this.#child, 'exit').then(() => Promise.reject(new Error('the process ended')))
    this.#child.send(order as object)
    return (await Promise.race([answer, ended]))[0] as Answer
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

const startHub = () => Process.start<Order, Figures>('measured-hub', [])
const startLinks = async (url: string) => (await Process.start<LinksOrder, LinksAnswer>('measured-links', [url]))[0]

async function measureSubscriptions(): Promise<void> {
  const [hub, url] = await startHub()
  const clients = await startLinks(url)
  const names = (from: number) => Array.from({ length: 200 }, (_, index) => `topic.${from + index}`)
  // The connections and the topics are there already, so that the difference is the subscriptions.
  await clients.ask({ open: 300, topics: ['other'] })
  const other = await startLinks(url)
  await other.ask({ open: 1, topics: names(0) })
  const connected = await hub.ask({ figures: true })
  const third = await startLinks(url)
  await third.ask({ open: 300, topics: names(0) })
  const subscribed = await hub.ask({ figures: true })
  const connections = await startLinks(url)
  await connections.ask({ open: 300, topics: ['other'] })
  const more = await hub.ask({ figures: true })
  const ofConnections = more.held - subscribed.held
  const count = subscribed.subscriptions - connected.subscriptions - 300
  console.log(
    `| memory of a subscription of a link | ${((subscribed.held - connected.held - ofConnections) / count).toFixed(0)} bytes |`,
  )
  await Promise.all([clients, other, third, connections, hub].map((each) => each.end()))
}

async function measureStored(): Promise<void> {
  const [hub] = await startHub()
  await hub.ask({ publish: 10_000, topics: 100, bytes: 128 })
  const before = await hub.ask({ figures: true })
  await hub.ask({ publish: 40_000, topics: 100, bytes: 128 })
  const after = await hub.ask({ figures: true })
  console.log(`| memory of a stored message of 128 bytes | ${((after.held - before.held) / 40_000).toFixed(0)} bytes |`)
  await hub.end()
}

/** Who loses the connections: links, or clients that cost less and leave more of the machine to the hub. */
const programs = { 'measured-peers': 'clients that only count', 'measured-links': 'links in one process' }

async function measureResume(program: keyof typeof programs): Promise<void> {
  const [hub, url] = await startHub()
  const [clients] = await Process.start<LinksOrder, LinksAnswer>(program, [url])
  await clients.ask({ open: links, topics: ['topic.0'] })
  const before = await hub.ask({ figures: true })
  const whole = clients.ask({ whole: messages })
  await hub.ask({ cut: true })
  await hub.ask({ publish: messages, topics: 1, bytes: 128 })
  const { tookMs, recovered, cpuMs } = await whole
  const after = await hub.ask({ figures: true })
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  console.log(
    `| ${links} ${programs[program]}: from the cut until each has ${messages} messages | ${seconds(tookMs)} |`,
  )
  console.log(
    `| - processor time of the hub, and of the clients | ${seconds(after.cpuMs - before.cpuMs)}, ${seconds(cpuMs)} |`,
  )
  console.log(
    `| - clients that got \`recovered: true\`; reads of the broker | ${recovered}; ${after.brokerReads - before.brokerReads} |`,
  )
  await Promise.all([clients.end(), hub.end()])
}

console.log(`Node ${process.version}, ${availableParallelism()} cores, hub and clients on the same machine\n`)
console.log('| measured | figure |')
console.log('|---|---:|')
await measureSubscriptions()
await measureStored()
await measureResume('measured-peers')
await measureResume('measured-links')

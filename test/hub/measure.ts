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

const cores = availableParallelism()

/** Prints a figure. One that breaks its promise fails the command. */
function row(measured: string, figure: string, isKept = true): void {
  console.log(`| ${measured} | ${figure}${isKept ? '' : ', NOT AS PROMISED'} |`)
  if (!isKept) process.exitCode = 1
}

/** The difference that 60,000 subscriptions make to a hub that has the topics and as many connections already. */
async function measureSubscriptions(): Promise<void> {
  const [hub, url] = await startHub()
  const names = Array.from({ length: 200 }, (_, index) => `topic.${index}`)
  const processes: Process<LinksOrder, LinksAnswer>[] = []
  const open = async (count: number, topics: readonly string[]): Promise<Figures> => {
    const clients = await startLinks(url)
    processes.push(clients)
    await clients.ask({ open: count, topics })
    return hub.ask({ figures: true })
  }
  await open(300, ['other'])
  const before = await open(1, names)
  const subscribed = await open(300, names)
  const connected = await open(300, ['other'])
  const ofConnections = connected.held - subscribed.held
  // The connections without these topics have one subscription each.
  const count = subscribed.subscriptions - before.subscriptions - 300
  const bytes = (subscribed.held - before.held - ofConnections) / count
  row('memory of a subscription of a link, at most 200 bytes', `${bytes.toFixed(0)} bytes`, bytes <= 200)
  await Promise.all([...processes, hub].map((each) => each.end()))
}

async function measureStored(): Promise<void> {
  const [hub] = await startHub()
  await hub.ask({ publish: 10_000, topics: 100, bytes: 128 })
  const before = await hub.ask({ figures: true })
  await hub.ask({ publish: 40_000, topics: 100, bytes: 128 })
  const after = await hub.ask({ figures: true })
  row('memory of a stored message of 128 bytes', `${((after.held - before.held) / 40_000).toFixed(0)} bytes`)
  await hub.end()
}

/** Clients that lose their connections: their program, and its processes. */
interface Clients {
  readonly program: 'measured-peers' | 'measured-links'
  readonly processes: number
  readonly name: string
}

/** The longest time until all are whole. */
const mostMs = 3000

const counting: Clients = { program: 'measured-peers', processes: 1, name: 'clients that only count' }
const linksIn = (processes: number): Clients => ({
  program: 'measured-links',
  processes,
  name: `links in ${processes === 1 ? 'one process' : `${processes} processes`}`,
})

async function measureResume({ program, processes, name }: Clients, isPromised: boolean): Promise<void> {
  const [hub, url] = await startHub()
  const clients: Process<LinksOrder, LinksAnswer>[] = []
  for (let index = 0; index < processes; index += 1) {
    const [process] = await Process.start<LinksOrder, LinksAnswer>(program, [url])
    await process.ask({ open: links / processes, topics: ['topic.0'] })
    clients.push(process)
  }
  const before = await hub.ask({ figures: true })
  const whole = Promise.all(clients.map((each) => each.ask({ whole: messages })))
  await hub.ask({ cut: true })
  await hub.ask({ publish: messages, topics: 1, bytes: 128 })
  const answers = await whole
  const after = await hub.ask({ figures: true })
  const sumOf = (figure: 'recovered' | 'cpuMs'): number => answers.reduce((sum, answer) => sum + answer[figure], 0)
  const tookMs = Math.max(...answers.map((answer) => answer.tookMs))
  const recovered = sumOf('recovered')
  const reads = after.brokerReads - before.brokerReads
  row(
    `${links} ${name}: from the cut until each has ${messages} messages`,
    seconds(tookMs),
    !isPromised || tookMs <= mostMs,
  )
  row(
    '- processor time of the hub; of the clients',
    `${seconds(after.cpuMs - before.cpuMs)}; ${seconds(sumOf('cpuMs'))}`,
  )
  row(
    `- at least, as ${cores} cores need so long for the processor time`,
    seconds((after.cpuMs - before.cpuMs + sumOf('cpuMs')) / cores),
  )
  row('- clients that got `recovered: true`', `${recovered}`, recovered === links)
  row('- reads of the broker, at most one', `${reads}`, reads <= 1)
  await Promise.all([...clients, hub].map((each) => each.end()))
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

console.log(`Node ${process.version}, ${cores} cores, hub and clients on the same machine\n`)
console.log('| measured | figure |')
console.log('|---|---:|')
await measureSubscriptions()
await measureStored()
await measureResume(counting, true)
await measureResume(linksIn(1), false)
await measureResume(linksIn(2), false)

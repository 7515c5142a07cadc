/**
 * `npm run measure:scale`: measures the figures of figures.json on this machine, with Debian's nats-server and redis-server, and
 * writes them. `npm run calculate:scale` calculates with them.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { availableParallelism, cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import { createClient } from '@redis/client'
import { natsBroker } from '@twoway/nats'
import { redisBroker } from '@twoway/redis'
import { createHub, type ResumableBroker } from 'twoway/hub'
import { fetchServer } from 'twoway-test/brokers/debian-server'
import { freePort } from 'twoway-testing/peers/free-ports.js'
import { type BrokerFigures, type Figures, writeFigures } from './figures.js'

const topics = Array.from({ length: 200 }, (_, index) => `topic.${index}`)
const text = 'x'.repeat(128)
const messages = 10_000
const questions = 5000
const inFlight = 256
const moreNodes = 4
const links = 1000
const topicsPerLink = 5

interface Program {
  readonly program: string
  argumentsFor(port: number, folder: string): readonly string[]
  connect(port: number): Promise<{ readonly broker: ResumableBroker; end(): unknown }>
}

/** The programs with settings that keep what they have confirmed, as docs/how-to/scale.md describes them. */
const programs: Readonly<Record<string, Program>> = {
  nats: {
    program: 'nats-server',
    argumentsFor: (port, folder) => [
      '--addr',
      '127.0.0.1',
      '--port',
      String(port),
      '--jetstream',
      '--store_dir',
      folder,
    ],
    async connect(port) {
      const connection = await connect({ servers: `127.0.0.1:${port}` })
      return { broker: natsBroker({ connection, timeoutMs: 60_000 }), end: () => connection.close() }
    },
  },
  redis: {
    program: 'redis-server',
    argumentsFor: (port, folder) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always'],
    ],
    async connect(port) {
      const client = createClient({ url: `redis://127.0.0.1:${port}` })
      client.on('error', () => undefined)
      await client.connect()
      const broker = redisBroker({ client, timeoutMs: 60_000 })
      return {
        broker,
        end() {
          broker.close()
          client.destroy()
        },
      }
    },
  },
}

/** Microseconds of the processor that a process has used, all of its threads together. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const ns = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return ns.reduce((sum, each) => sum + each) / 1000
}

function residentBytesOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(10)
}

/** Does something many times, some of it at a time. */
async function repeat(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

class Node {
  received = 0
  readonly #broker: ResumableBroker
  readonly end: () => unknown
  readonly topics: Awaited<ReturnType<ResumableBroker['open']>>[] = []

  constructor(broker: ResumableBroker, end: () => unknown) {
    this.#broker = broker
    this.end = end
  }

  static async connect(program: Program, port: number): Promise<Node> {
    const { broker, end } = await program.connect(port)
    return new Node(broker, end)
  }

  /** Opens all topics as a hub does. */
  async open(): Promise<void> {
    const count = (): void => {
      this.received += 1
    }
    await repeat(topics.length, async (index) => {
      const topic = await this.#broker.open(topics[index]!, { stored: count, volatile: count })
      // As many messages as a hub reads.
      await topic.last(256)
      this.topics[index] = topic
    })
  }
}

/** The figures of a broker, and the processor time of a node for each of its own publishes. */
async function measureBroker(program: Program): Promise<{ broker: BrokerFigures; nodePublishUs: number }> {
  fetchServer(program.program)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'twoway-scale-'))
  const child = spawn(program.program, program.argumentsFor(port, folder), { stdio: 'ignore' })
  const pid = child.pid!
  for (let isUp = false; !isUp; ) {
    const socket = connectTcp(port, '127.0.0.1')
    isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
  }
  const cpuDuring = async (act: () => Promise<unknown>): Promise<number> => {
    const before = cpuOf(pid)
    await act()
    return cpuOf(pid) - before
  }

  const { broker, end } = await program.connect(port)
  const hub = createHub({ broker, topics: { '>': {} } })
  await repeat(topics.length, (index) => hub.publish(topics[index]!, text))
  const before = process.cpuUsage()
  await repeat(messages, (index) => hub.publish(topics[index % topics.length]!, text))
  const { user, system } = process.cpuUsage(before)
  hub.close()
  await end()

  const nodes = [await Node.connect(program, port)]
  const [first] = nodes as [Node]
  await first.open()
  const receivedByAll = (): number => nodes.reduce((sum, { received }) => sum + received, 0)
  const publishAll = async (): Promise<void> => {
    const wanted = receivedByAll() + messages * nodes.length
    await repeat(messages, (index) => first.topics[index % topics.length]!.publish(text))
    await until(() => receivedByAll() >= wanted)
  }
  await publishAll()
  const bytesBefore = storedBytes(program, folder, pid)
  const withOne = (await cpuDuring(publishAll)) / messages
  const stored = (storedBytes(program, folder, pid) - bytesBefore) / messages
  const volatileWithOne = await cpuDuring(async () => {
    const wanted = first.received + messages
    for (let sent = 0; sent < messages; sent += 1) {
      first.topics[sent % topics.length]!.send(text)
      if (sent % 500 === 499) await until(() => first.received >= wanted - messages + sent - 5000)
    }
    await until(() => first.received >= wanted)
  })
  const headUs =
    (await cpuDuring(() => repeat(questions, (at) => first.topics[at % topics.length]!.head()))) / questions

  const more = await Promise.all(Array.from({ length: moreNodes }, () => Node.connect(program, port)))
  const opening = await cpuDuring(async () => {
    for (const node of more) await node.open()
  })
  nodes.push(...more)
  const withAll = (await cpuDuring(publishAll)) / messages
  const copyUs = (withAll - withOne) / moreNodes
  for (const node of nodes) await node.end()
  child.kill('SIGKILL')
  await once(child, 'exit')
  rmSync(folder, { recursive: true })
  const { stdout } = spawnSync(program.program, ['--version'], { encoding: 'utf8' })
  return {
    nodePublishUs: round((user + system) / messages),
    broker: {
      version: `${program.program} ${/\d+\.\d+\.\d+/.exec(stdout)![0]}`,
      publishUs: round(withOne - copyUs),
      copyUs: round(copyUs),
      headUs: round(headUs),
      openUs: round(opening / (moreNodes * topics.length)),
      volatileUs: round(Math.max(0, volatileWithOne / messages - copyUs)),
      storedBytes: Math.round(stored),
    },
  }
}

/** Redis keeps its messages in memory, NATS in files. */
function storedBytes({ program }: Program, folder: string, pid: number): number {
  if (program === 'redis-server') return residentBytesOf(pid)
  return Number(spawnSync('du', ['-sb', folder], { encoding: 'utf8' }).stdout.split('\t')[0])
}

class Forked {
  readonly child: ChildProcess
  readonly said: unknown

  private constructor(child: ChildProcess, said: unknown) {
    this.child = child
    this.said = said
  }

  static async start(name: string, args: readonly string[] = []): Promise<Forked> {
    const file = fileURLToPath(new URL(`../hub/${name}.js`, import.meta.url))
    const child = fork(file, [...args], { execArgv: ['--expose-gc'] })
    const [said] = await once(child, 'message')
    return new Forked(child, said)
  }

  async ask(order: object): Promise<void> {
    const answer = once(this.child, 'message')
    this.child.send(order)
    await answer
  }
}

/** The processor time and memory of a node for its links. The messages stay in its own memory. */
async function measureNode(): Promise<Omit<Figures['node'], 'publishUs'>> {
  const hub = await Forked.start('measured-hub')
  const clients = await Forked.start('measured-links', [String(hub.said)])
  const pid = hub.child.pid!
  const names = Array.from({ length: topicsPerLink }, (_, index) => `topic.${index}`)
  await clients.ask({ open: 200, topics: names })
  await hub.ask({ figures: true })
  const bytesBefore = residentBytesOf(pid)
  await clients.ask({ open: links, topics: names })
  await hub.ask({ figures: true })
  const clientBytes = (residentBytesOf(pid) - bytesBefore) / links
  const count = links + 200

  const deliver = async (each: number, act: () => Promise<void> = async () => undefined): Promise<number> => {
    const before = cpuOf(pid)
    const whole = clients.ask({ whole: each })
    await act()
    await hub.ask({ publish: each * topicsPerLink, topics: topicsPerLink, bytes: text.length })
    await whole
    return cpuOf(pid) - before
  }
  await deliver(20)
  const deliveryUs = (await deliver(100)) / (100 * topicsPerLink * count)
  const returning = (await deliver(1, () => hub.ask({ cut: true }))) / count
  for (const { child } of [clients, hub]) {
    const ended = once(child, 'exit')
    child.disconnect()
    await ended
  }
  return {
    version: process.version,
    clientBytes: Math.round(clientBytes),
    returnUs: round(returning - topicsPerLink * deliveryUs),
    deliveryUs: round(deliveryUs),
    topics: topicsPerLink,
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}

const brokers: Record<string, BrokerFigures> = {}
const publishUs: Record<string, number> = {}
for (const [name, program] of Object.entries(programs)) {
  const { broker, nodePublishUs } = await measureBroker(program)
  brokers[name] = broker
  publishUs[name] = nodePublishUs
  console.log(name, broker, nodePublishUs)
}
const node = { ...(await measureNode()), publishUs }
console.log(node)
writeFigures({
  measuredOn: new Date().toISOString().slice(0, 10),
  machine: `${cpus()[0]!.model.trim()}, ${availableParallelism()} cores, Linux ${release()}`,
  node,
  brokers,
})

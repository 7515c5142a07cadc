/**
 * `npm run measure:brokers` measures the brokers on Debian's servers: the latency from publish to delivery across two nodes, and
 * by the client of NATS alone; the messages stored in a second beside those of the bare client, without and with a subscriber; and
 * the processor time of a fan-out beside Socket.IO with its redis-streams-adapter, which npm fetches. `-- latency` measures the rows
 * that contain the word. A figure that breaks its promise fails the command.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import { Link } from 'twoway/link'
import { startNats } from '../nats-server.js'
import { startRedis } from '../redis-server.js'
import { bareNats } from './bare.js'
import type { Order } from './node.js'
import { fetchPackages } from './packages.js'

const words = process.argv.slice(2)
const linksPerNode = 500
/** Messages a second of the rows of latency. */
const rate = 1000
/** Bytes of a message of the bare client, with which its entry is as long as that of a hub for a short message of a link. */
const hubEntryBytes = 150

class Process {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(name: string, ...args: readonly (string | number)[]): Promise<Process> {
    const child = fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), args.map(String))
    const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended before it was ready`)))
    const [port] = (await Promise.race([once(child, 'message'), ended])) as [number]
    return new Process(child, port)
  }

  async ask(order: Order | 'messages'): Promise<number> {
    const answer = once(this.#child, 'message')
    this.#child.send(order)
    return ((await answer) as [number])[0]
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

function row(name: string, figure: string, isKept = true): void {
  console.log(`| ${name} | ${figure}${isKept ? '' : ', NOT AS PROMISED'} |`)
  if (!isKept) process.exitCode = 1
}

async function measureLatency(broker: string, port: number): Promise<void> {
  const nodes = [await Process.start('node', broker, port), await Process.start('node', broker, port)] as const
  const [writer, reader] = nodes.map((node) => new Link(`ws://127.0.0.1:${node.port}`)) as [Link, Link]
  const { p50, p99, reached } = await latenciesOf(async (arrived) => {
    await new Promise<void>((resolve) => {
      reader.subscribe('room.1', ({ data }) => arrived(data as number), { started: () => resolve() })
    })
    return () => writer.publish('room.1', performance.now())
  })
  writer.close()
  reader.close()
  for (const node of nodes) await node.end()
  row(
    `latency on ${broker}: publish to delivery across two nodes at ${rate}/s, p50 under 1 ms and p99 under 10 ms`,
    `${p50.toFixed(2)} ms and ${p99.toFixed(2)} ms at ${reached.toFixed(0)}/s`,
    p50 < 1 && p99 < 10 && reached > 0.95 * rate,
  )
}

/** The part of NATS and its client alone, with entries as long as those of a hub. */
async function measureBareLatency(port: number): Promise<void> {
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  const { p50, p99 } = await latenciesOf(async (arrived) => {
    // The messages of a subject arrive in their order.
    const sent: number[] = []
    const store = await bareNats(connection, 'x'.repeat(hubEntryBytes), 'told', () => arrived(sent.shift()!))
    return () => {
      sent.push(performance.now())
      return store(0)
    }
  })
  await connection.close()
  row('- by the client of NATS alone, without nodes and links', `${p50.toFixed(2)} ms and ${p99.toFixed(2)} ms`)
}

/**
 * Publishes at a rate, and measures the time until each message arrives.
 * @param open subscribes, has `arrived` called with the time of the publish of each message, and resolves to a function that publishes
 */
async function latenciesOf(
  open: (arrived: (publishedAt: number) => void) => Promise<() => Promise<unknown>>,
): Promise<{ readonly p50: number; readonly p99: number; readonly reached: number }> {
  const seconds = 5
  const latencies: number[] = []
  let isMeasured = false
  let reached = 0
  const publish = await open((publishedAt) => {
    if (isMeasured) latencies.push(performance.now() - publishedAt)
  })
  let waiting = 0
  const publishFor = async (count: number): Promise<void> => {
    const start = performance.now()
    for (let sent = 0; sent < count || waiting > 0; ) {
      const due = Math.min(count, ((performance.now() - start) * rate) / 1000)
      // A machine that is too slow measures a lower rate.
      for (; sent < due && waiting < 500; sent += 1) {
        waiting += 1
        void publish().finally(() => {
          waiting -= 1
        })
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    reached = (count * 1000) / (performance.now() - start)
  }
  await publishFor(2 * rate)
  isMeasured = true
  await publishFor(seconds * rate)
  while (latencies.length < seconds * rate) await new Promise((resolve) => setTimeout(resolve, 10))
  latencies.sort((a, b) => a - b)
  const [p50, p99] = [0.5, 0.99].map((part) => latencies[Math.floor(part * latencies.length)]!) as [number, number]
  return { p50, p99, reached }
}

async function measureStores(broker: string, port: number, topics: number): Promise<void> {
  const node = await Process.start('node', broker, port)
  const count = 100_000
  const best = { bare: 0, told: 0, hub: 0 }
  for (let run = 0; run < 3; run += 1) {
    for (const by of ['bare', 'told', 'hub'] as const) {
      best[by] = Math.max(best[by], await node.ask({ stores: count, topics, by }))
    }
  }
  await node.end()
  const { bare, told, hub } = best
  row(
    `stores on ${broker}: publishes per second to ${topics} topics through a hub, at least 0.7 of the bare client`,
    `${hub.toFixed(0)} of ${bare.toFixed(0)}: ${(hub / bare).toFixed(2)}`,
    hub / bare >= 0.7,
  )
  row('- of the bare client that also tells a subscriber of each', `${told.toFixed(0)}: ${(hub / told).toFixed(2)}`)
}

/** The processor time of two nodes for a message to 500 clients of each, in milliseconds. */
async function fanOut(kind: string, client: string, port: number): Promise<number> {
  const nodes = [await Process.start('node', kind, port), await Process.start('node', kind, port)] as const
  const clients = await Promise.all(
    nodes.map((node) => Process.start('clients', client, `127.0.0.1:${node.port}`, linksPerNode)),
  )
  const count = 300
  const used = async (): Promise<number> => (await nodes[0].ask({ cpu: true })) + (await nodes[1].ask({ cpu: true }))
  let seen = 0
  const publish = async (messages: number): Promise<void> => {
    await nodes[0].ask({ publish: messages, everyMs: 3 })
    seen += messages * linksPerNode
    for (const each of clients) {
      while ((await each.ask('messages')) < seen) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await publish(count / 3)
  const before = await used()
  await publish(count)
  const cpuMs = ((await used()) - before) / count
  for (const each of [...clients, ...nodes]) await each.end()
  return cpuMs
}

fetchPackages()
const nats = await startNats()
// As nats-server, it writes to the disk without waiting for it.
const redis = await startRedis(['--appendfsync', 'everysec'])
const ports = { nats: nats.port, redis: redis.port }
const isWanted = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word))
try {
  console.log('| measured | figure |\n|---|---|')
  for (const [broker, port] of Object.entries(ports)) {
    if (isWanted(`latency ${broker}`)) {
      await measureLatency(broker, port)
      if (broker === 'nats') {
        await measureBareLatency(port)
        await measureLatency('nats-memory', port)
      }
    }
    for (const topics of [1, 100]) if (isWanted(`stores ${broker} ${topics}`)) await measureStores(broker, port, topics)
  }
  if (isWanted('fan-out')) {
    const rival = await fanOut('socket.io', 'socket.io', redis.port)
    for (const [broker, port] of Object.entries(ports)) {
      const cpuMs = await fanOut(broker, 'link', port)
      row(
        `fan-out on ${broker}: processor time of a message to ${linksPerNode} links of each of two nodes, at most 0.6 of Socket.IO`,
        `${cpuMs.toFixed(2)} ms of ${rival.toFixed(2)} ms: ${(cpuMs / rival).toFixed(2)}`,
        cpuMs / rival <= 0.6,
      )
    }
  }
} finally {
  await nats.end()
  await redis.end()
}

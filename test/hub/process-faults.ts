/**
 * `npm run test:hub-processes [-- --rounds N] [--seed N]`: links to real workers of `serveWorkers`, whose processes are killed,
 * stopped and continued, or replaced, while links lose their connections. After each round every acknowledged message must
 * have been seen exactly once and in one order by every link. The parent stores all messages, so that none may be lost.
 */
import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { WebSocket } from 'twoway'
import { Link, type LinkError } from 'twoway/link'
import { serveWorkers, type Workers } from 'twoway/workers'
import { Chance } from 'twoway-testing/topic-faults/chance.js'
import { wholeNumber } from 'twoway-testing/whole-number.js'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
})
const rounds = wholeNumber('rounds', values.rounds, 1)
const firstSeed = wholeNumber('seed', values.seed)
const links = 20
const messagesPerRound = 120
/** The time in which everything must become whole again after the last fault. */
const healMs = 60_000

const moduleUrl = new URL('./hub-worker.js', import.meta.url)

interface Client {
  readonly link: Link
  readonly seen: string[]
  readonly gaps: string[]
  starts: number
}

const sockets = new Set<WebSocket>()

/** A WebSocket that the faults can find. */
class TrackedSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols)
    sockets.add(this)
    this.addEventListener('close', () => sockets.delete(this))
  }
}

function workersOf(parent: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(parent)], { encoding: 'utf8' })
  return stdout
    .trim()
    .split(/\s+/)
    .map(Number)
    .filter((pid) => isWorker(pid))
}

/** The `ps` that lists the processes is one of them. */
function isWorker(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.includes('hub-worker')
}

const faults: Readonly<Record<string, (chance: Chance, workers: Workers) => void | Promise<void>>> = {
  'kill a worker': (chance) => signal(chance, 'SIGKILL'),
  'stop a worker for a while': async (chance) => {
    const pid = chance.of(workersOf(process.pid))
    tell(pid, 'SIGSTOP')
    await sleep(200 + chance.below(800))
    tell(pid, 'SIGCONT')
  },
  'close a link’s connection': (chance) => {
    const open = [...sockets].filter(({ readyState }) => readyState === WebSocket.OPEN)
    if (open.length > 0) chance.of(open).close(4000, 'cut')
  },
  'replace all workers': (_, workers) => workers.restart({ withinMs: 500 }).catch(() => undefined),
}

function signal(chance: Chance, name: NodeJS.Signals): void {
  const pids = workersOf(process.pid)
  if (pids.length > 1) tell(chance.of(pids), name)
}

/** It may be gone already. */
function tell(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // A fault does just that.
  }
}

async function round(seed: number, workers: Workers): Promise<string[]> {
  const chance = new Chance(seed)
  const room = `room.${seed}`
  const clients = Array.from({ length: links }, (_, index): Client => {
    const link = new Link(workers.url, {
      token: () => `user ${index}`,
      WebSocket: TrackedSocket as never,
      maxWaitMs: 1000,
      heartbeatMs: 1500,
      timeoutMs: healMs,
    })
    const client: Client = { link, seen: [], gaps: [], starts: 0 }
    link.subscribe(room, ({ data }) => client.seen.push(String(data)), {
      started: ({ recovered, reason }) => {
        client.starts += 1
        if (!recovered) client.gaps.push(String(reason))
      },
    })
    return client
  })
  const problems: string[] = []
  try {
    while (!clients.every(({ starts }) => starts > 0)) await sleep(20)
    const acknowledged: Promise<string>[] = []
    const log: string[] = []
    for (let index = 0; index < messagesPerRound; index += 1) {
      const name = `message ${index}`
      acknowledged.push(
        chance
          .of(clients)
          .link.publish(room, name)
          .then(
            () => name,
            (error: LinkError) => {
              problems.push(`${name}: ${error.code}: ${error.message}`)
              return ''
            },
          ),
      )
      await sleep(chance.below(20))
      if (chance.below(30) !== 0) continue
      const fault = chance.of(Object.keys(faults))
      log.push(fault)
      await faults[fault]!(chance, workers)
    }
    const names = await Promise.all(acknowledged)
    const end = Date.now() + healMs
    const isWhole = ({ seen }: Client): boolean => seen.length >= names.length
    while (!clients.every(isWhole) && Date.now() < end) await sleep(20)
    for (const [index, { seen, gaps, link }] of clients.entries()) {
      const missing = names.filter((name) => !seen.includes(name))
      if (missing.length > 0) problems.push(`link ${index} (${link.status.state}) misses ${missing.join(', ')}`)
      if (new Set(seen).size !== seen.length) problems.push(`link ${index} saw a message twice`)
      if (gaps.length > 0) problems.push(`link ${index} was told of a gap: ${gaps.join(', ')}`)
      if (seen.join() !== clients[0]!.seen.join()) problems.push(`link ${index} saw another order`)
    }
    if (problems.length > 0) problems.push(`the faults were: ${log.join(', ')}`)
  } finally {
    for (const { link } of clients) link.close()
  }
  return problems
}

const begun = Date.now()
const workers = await serveWorkers(moduleUrl, {
  workers: 2,
  execArgv: [],
  workerExit: () => undefined,
  error: () => undefined,
  killAfterMs: 3000,
})
for (let seed = firstSeed; seed < firstSeed + rounds && process.exitCode === undefined; seed += 1) {
  const problems = await round(seed, workers)
  if (problems.length === 0) continue
  console.error(`seed ${seed} fails:\n  ${problems.slice(0, 10).join('\n  ')}`)
  process.exitCode = 1
}
await workers.close({ withinMs: 3000 })
if (process.exitCode === undefined) {
  const seconds = Math.round((Date.now() - begun) / 1000)
  console.log(
    `${rounds} rounds from seed ${firstSeed} with ${links} links and 2 workers: no promise broken. This took ${seconds} s.`,
  )
}

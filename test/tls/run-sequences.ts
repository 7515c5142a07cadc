import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'twoway'
import type { ProcessRuntime } from '../faults/fault-process.js'
import { play } from './play.js'
import { type Host, hosts, type Sequence, sequenceOf } from './sequence.js'
import { TlsProcess } from './tls-process.js'
import type { TlsState } from './tls-server.js'

/** Longer than every time limit of the servers, even on a busy machine. */
const settleMs = 15_000
const bystanderMs = 5000
/** Descriptors are looked at after so many. */
const batchSize = 500

const restMs = 200

/** A sequence without any violation. */
const quiet: Omit<Sequence, 'host'> = {
  version: 'TLSv1.3',
  servername: 'localhost',
  protocols: ['http/1.1'],
  asksForStatus: false,
  session: 'none',
  faults: [],
  acts: ['request', 'a look', 'a close', 'a look'],
}

export interface SequencesOptions {
  readonly seed: number
  readonly indexes: readonly number[]
  readonly atOnce: number
  /** Plays them to servers of Node's own, which serve no WebSocket. */
  readonly isPlain?: boolean
  /** Plays them to a process of another runtime: to its own TLS, which an app's servers do not use. */
  readonly runtime?: ProcessRuntime | undefined
}

/** The hosts whose TLS another runtime has of its own. */
const hostsOfRuntime: ReadonlySet<Host> = new Set(['serve', 'client', 'client by a proxy'])

export interface SequencesReport {
  /** Descriptions of broken promises; empty if there are none. */
  readonly complaint: string
  /** The sequences that include the cause. */
  readonly suspects: readonly number[]
  /** The number of WebSockets that opened, and the outcomes. */
  readonly opened: number
  readonly met: Readonly<Record<string, number>>
}

/**
 * Plays sequences of TLS messages to one process, and reports whether it survived, released all descriptors, and served
 * other clients meanwhile.
 */
export async function runSequences(options: SequencesOptions): Promise<SequencesReport> {
  const process = await TlsProcess.start(options)
  try {
    if (options.isPlain !== true) await serveAll(process)
    return await runOn(process, options)
  } finally {
    await process.kill()
  }
}

/** The smallest part of the suspects that fails alone, found by bisection. */
export async function narrowed(
  options: Omit<SequencesOptions, 'indexes'>,
  suspects: readonly number[],
): Promise<readonly number[]> {
  if (suspects.length <= 1) return suspects
  const middle = suspects.length >> 1
  for (const half of [suspects.slice(0, middle), suspects.slice(middle)]) {
    const { complaint } = await runSequences({ ...options, indexes: half })
    if (complaint !== '') return narrowed(options, half)
  }
  return suspects
}

async function runOn(process: TlsProcess, options: SequencesOptions): Promise<SequencesReport> {
  const { seed, indexes, atOnce, isPlain = false, runtime } = options
  const sequenceAt = (index: number): Sequence => {
    const sequence = sequenceOf(seed, index)
    if (isPlain) return plainly(sequence)
    return runtime === undefined || hostsOfRuntime.has(sequence.host) ? sequence : { ...sequence, host: 'serve' }
  }
  const before = await atRest(process)
  let last = before
  for (let done = 0; done < indexes.length; done += batchSize) {
    const batch = indexes.slice(done, done + batchSize)
    const running = new Set<number>()
    const waiting = [...batch]
    const fail = (complaint: string, suspects: readonly number[]): SequencesReport => {
      return { complaint, suspects, opened: last.opened, met: last.met }
    }
    let ended: readonly number[] | undefined
    const lane = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined && !process.hasEnded; index = waiting.shift()) {
        running.add(index)
        await playOrEnd(sequenceAt(index), process)
        if (process.hasEnded) ended ??= [...running]
        running.delete(index)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    if (process.hasEnded) return fail(`the process ended: ${process.errors}`, ended ?? batch)
    const unserved = isPlain ? [] : await serveAll(process)
    if (unserved.length > 0) return fail(`others are not served by ${unserved.join(', ')}`, batch)
    last = await process.settled(before.held, settleMs)
    if (last.held > before.held) return fail(`${last.held - before.held} descriptors are held`, batch)
    if (last.clients > 0) return fail(`${last.clients} clients did not come to their end`, batch)
  }
  return { complaint: '', suspects: [], opened: last.opened, met: last.met }
}

/** A sequence as it makes Node's fault likely. */
function plainly(sequence: Sequence): Sequence {
  return { ...sequence, host: sequence.host === 'http2' ? 'http2' : 'https', asksForStatus: true, session: 'own' }
}

/** The memory that a process holds for good, once it has done each kind of work. */
async function atRest(process: TlsProcess): Promise<TlsState> {
  await Promise.all(
    hosts.filter((host) => isThere(host, process)).map((host) => playOrEnd({ ...quiet, host }, process)),
  )
  await sleep(restMs)
  return process.settled(0, 0)
}

function isThere(host: Host, { ports }: TlsProcess): boolean {
  return host === 'client' || host === 'client by a proxy' || host in ports
}

/** Rejects if the process ends, because a sequence would wait for its answer. */
async function playOrEnd(sequence: Sequence, process: TlsProcess): Promise<void> {
  await Promise.race([play(sequence, process), process.ended])
}

/** The hosts that do not echo a valid client. */
async function serveAll(process: TlsProcess): Promise<Host[]> {
  const servers = hosts.filter((host) => host in process.ports)
  const served = await Promise.all(servers.map((host) => isServed(process.ports[host as keyof TlsProcess['ports']]!)))
  return servers.filter((_, at) => !served[at])
}

function isServed(port: number): Promise<boolean> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    handshakeTimeoutMs: bystanderMs,
  })
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(), bystanderMs)
    socket.addEventListener('open', () => socket.send('hello'))
    let isEchoed = false
    socket.addEventListener('message', () => {
      isEchoed = true
      socket.close()
    })
    socket.addEventListener('close', () => {
      clearTimeout(timer)
      resolve(isEchoed)
    })
  })
}

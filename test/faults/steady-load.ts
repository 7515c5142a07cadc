import { setTimeout as sleep } from 'node:timers/promises'
import { FaultProcess } from './fault-process.js'
import type { FaultServer } from './fault-server-process.js'
import type { LoadOrder, LoadState } from './load-clients.js'

export interface SteadyLoadOptions {
  readonly server: FaultServer
  readonly idle: number
  readonly active: number
  readonly forMs: number
  readonly everyMs: number
  readonly onSample?: (sample: Sample) => void
}

export interface Sample {
  readonly atMs: number
  readonly connections: number
  readonly descriptors: number
  /** The memory of the server's objects and buffers after a collection, and of its whole process. */
  readonly heldBytes: number
  readonly residentBytes: number
  readonly echoes: number
}

export interface LoadReport {
  readonly samples: readonly Sample[]
  /** The growth of the server's held memory in ten minutes, by linear regression, in bytes. */
  readonly growthIn10Minutes: number
  /** The standard error of the growth. */
  readonly errorIn10Minutes: number
  readonly echoes: number
  readonly opened: number
  readonly complaints: readonly string[]
}

/** The initial share of the time that is ignored: code is compiled and buffers are first allocated in it. */
const warmUp = 0.2

/** Keeps connections to a server for a while, and reports its memory and descriptors. */
export async function runSteadyLoad(options: SteadyLoadOptions): Promise<LoadReport> {
  const { server, idle, active, forMs, everyMs, onSample } = options
  const before = await server.state()
  const order: LoadOrder = { url: server.url, idle, active }
  const clients = new FaultProcess('load-clients', [JSON.stringify(order)])
  const complaints: string[] = []
  const connected = await clients.said<LoadState>()
  if (connected.open < idle + active) complaints.push(`only ${connected.open} of ${idle + active} came to stand`)

  const samples: Sample[] = []
  const begun = performance.now()
  while (performance.now() - begun < forMs) {
    await sleep(everyMs)
    const [state, { echoes }] = await Promise.all([server.state(), clients.ask<LoadState>('state')])
    const sample = { ...state, atMs: performance.now() - begun, echoes }
    samples.push(sample)
    onSample?.(sample)
  }
  const last = await clients.ask<LoadState>('leave')
  await clients.kill()
  const after = await server.settled(0, before.descriptors, 10_000)
  if (last.faults > 0) complaints.push(`${last.faults} connections or echoes failed`)
  if (after.connections > 0) complaints.push(`${after.connections} connections are left`)
  if (after.descriptors > before.descriptors) {
    complaints.push(`${after.descriptors} descriptors are held, ${before.descriptors} were at first`)
  }
  const { slope, error } = slopeOf(samples.filter(({ atMs }) => atMs >= warmUp * forMs))
  const tenMinutes = 600_000
  return {
    samples,
    growthIn10Minutes: tenMinutes * slope,
    errorIn10Minutes: tenMinutes * error,
    echoes: last.echoes,
    opened: after.opened - before.opened,
    complaints,
  }
}

/** The slope of the least-squares line in bytes per millisecond, and its standard error: samples scatter by some MiB. */
function slopeOf(samples: readonly Sample[]): { readonly slope: number; readonly error: number } {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const time = mean(({ atMs }) => atMs)
  const held = mean(({ heldBytes }) => heldBytes)
  const spread = mean(({ atMs }) => (atMs - time) ** 2)
  if (samples.length < 3 || spread === 0) return { slope: 0, error: Number.POSITIVE_INFINITY }
  const slope = mean(({ atMs, heldBytes }) => (atMs - time) * (heldBytes - held)) / spread
  const rest = mean(({ atMs, heldBytes }) => (heldBytes - held - slope * (atMs - time)) ** 2)
  return { slope, error: Math.sqrt(rest / spread / (samples.length - 2)) }
}

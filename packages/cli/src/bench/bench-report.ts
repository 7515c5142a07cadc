import type { Colours } from '../colours.js'
import type { BenchRun } from './bench-run.js'
import type { LatencySummary } from './latencies.js'

const barWidth = 40
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** The result of a run, for programs. */
export function benchResult(url: string, { counts, connecting, connectingMs, latencies, sendingMs }: BenchRun): object {
  const seconds = sendingMs / 1000
  return {
    url,
    connections: { made: counts.connected, failed: counts.failed, lost: counts.lost },
    connecting: {
      ms: round(connectingMs),
      perSecond: perSecond(counts.connected, connectingMs / 1000),
      each: connecting.summary,
    },
    seconds: round(seconds),
    sent: { messages: counts.sent, bytes: counts.sentBytes, messagesPerSecond: perSecond(counts.sent, seconds) },
    received: {
      messages: counts.received,
      bytes: counts.receivedBytes,
      messagesPerSecond: perSecond(counts.received, seconds),
      bytesPerSecond: perSecond(counts.receivedBytes, seconds),
    },
    latency: latencies.summary ?? null,
    histogram: latencies.rows,
  }
}

/** The result of a run, for people. */
export function benchReport(url: string, run: BenchRun, colours: Colours): string {
  const { counts, connecting, connectingMs, latencies, sendingMs } = run
  const seconds = sendingMs / 1000
  const row = (name: string, ...parts: readonly string[]): string =>
    `${colours.bold(name.padEnd(13))}${parts.filter(Boolean).join(', ')}`
  return [
    '',
    row('Server', url),
    row(
      'Connections',
      `${counts.connected} made in ${inMs(connectingMs)} (${count(counts.connected / (connectingMs / 1000))} per second)`,
      counts.failed > 0 ? colours.red(`${counts.failed} failed`) : '',
      counts.lost > 0 ? colours.red(`${counts.lost} lost`) : '',
    ),
    ...(connecting.summary === undefined ? [] : [row('Connecting', percentiles(connecting.summary))]),
    row('Messages', `${count(counts.sent)} sent`, `${count(counts.received)} received in ${seconds.toFixed(1)} s`),
    row(
      'Throughput',
      `${count(counts.sent / seconds)} messages/s out (${inBytes(counts.sentBytes / seconds)}/s)`,
      `${count(counts.received / seconds)} messages/s in (${inBytes(counts.receivedBytes / seconds)}/s)`,
    ),
    row('Latency', latencies.summary === undefined ? 'no answers' : percentiles(latencies.summary)),
    '',
    ...histogramLines(run, colours),
  ].join('\n')
}

function histogramLines({ latencies }: BenchRun, colours: Colours): string[] {
  const { rows } = latencies
  const most = Math.max(...rows.map(({ count: of }) => of))
  return rows.map(({ upToMs, count: of }) => {
    const parts = Math.ceil((of / most) * barWidth * 8)
    const bar = '█'.repeat(Math.floor(parts / 8)) + eighths[parts % 8]
    const share = ((100 * of) / latencies.count).toFixed(1)
    return `${`≤ ${inMs(upToMs)}`.padStart(12)}  ${colours.cyan(bar.padEnd(barWidth))} ${`${share} %`.padStart(7)}  ${colours.dim(count(of))}`
  })
}

function percentiles({ p50Ms, p90Ms, p99Ms, p999Ms, maxMs }: LatencySummary): string {
  return `p50 ${inMs(p50Ms)}, p90 ${inMs(p90Ms)}, p99 ${inMs(p99Ms)}, p99.9 ${inMs(p999Ms)}, longest ${inMs(maxMs)}`
}

function inMs(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`
  return `${Number(milliseconds.toPrecision(3))} ms`
}

/** A count with separators, such as 12,345. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function inBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'] as const
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`
}

function perSecond(value: number, seconds: number): number {
  return seconds === 0 ? 0 : round(value / seconds)
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

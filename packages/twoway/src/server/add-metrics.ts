import { addHistograms, type Histogram, noBytes, noMilliseconds } from '../core/observing/histogram.js'
import { addHubMetrics } from '../core/observing/hub-metrics.js'
import type { MemoryTuningCounts } from '../ports/memory-tuning.js'
import type { TransportReport } from '../ports/transport-report.js'
import type { CountsByName, ServerHistograms, ServerMetrics } from './server-metrics.js'

/** The counts of a runtime that has nothing to tune. */
export const noMemoryTuning: MemoryTuningCounts = { on: 0, freedMemoryKept: 0, youngCollections: 0, heapTexts: 0 }

/** The transport of no server. */
export const noTransport: TransportReport = { path: 'none', reasons: [] }

/** The counts of this moment of a server that is gone. */
export const nothingNow = {
  connections: 0,
  connectionsLimit: 0,
  handshakesWaiting: 0,
  bufferedBytes: 0,
  bufferedBytesLimit: 0,
  receiveBytes: 0,
  receiveBytesLimit: 0,
  memoryBytes: 0,
} as const satisfies Partial<ServerMetrics>

const noHistograms: ServerHistograms = {
  roundTripMs: noMilliseconds,
  receivedMessageBytes: noBytes,
  sentMessageBytes: noBytes,
  handlerMs: {},
}

/** The counts of a new server. */
export const noMetrics: ServerMetrics = {
  ...nothingNow,
  opened: 0,
  closed: 0,
  handshakes: {},
  refusals: {},
  handshakesLeft: 0,
  receivedMessages: 0,
  receivedBytes: 0,
  sentMessages: 0,
  sentBytes: 0,
  droppedMessages: 0,
  backpressures: 0,
  pings: 0,
  roundTrips: 0,
  roundTripMs: 0,
  closes: {},
  limits: {},
  errors: {},
  histograms: noHistograms,
  memoryTuning: noMemoryTuning,
  transport: noTransport,
  hub: undefined,
}

/** Adds up the counts of several servers. */
export function addMetrics(all: Iterable<ServerMetrics>): ServerMetrics {
  const { transport: _, histograms: __, hub: ___, ...none } = noMetrics
  const sum: Record<string, number | CountsByName> = { ...none }
  let transport = noTransport
  let histograms = noHistograms
  let hub: ServerMetrics['hub']
  for (const metrics of all) {
    hub = addHubMetrics(hub, metrics.hub)
    transport = addTransports(transport, metrics.transport)
    histograms = addAllHistograms(histograms, metrics.histograms)
    for (const name of Object.keys(none) as (keyof typeof none)[]) {
      const [one, other] = [sum[name]!, metrics[name]]
      sum[name] =
        typeof one === 'number' ? one + (other as number) : addCounts(one as CountsByName, other as CountsByName)
    }
  }
  return { ...sum, histograms, transport, hub } as unknown as ServerMetrics
}

function addTransports(one: TransportReport, other: TransportReport): TransportReport {
  if (other.path === 'none') return one
  if (one.path === 'none') return other
  const path = one.path === other.path ? one.path : 'mixed'
  return { path, reasons: [...new Set([...one.reasons, ...other.reasons])] }
}

function addAllHistograms(one: ServerHistograms, other: ServerHistograms): ServerHistograms {
  const handlerMs: Record<string, Histogram> = { ...one.handlerMs }
  for (const [name, histogram] of Object.entries(other.handlerMs)) {
    handlerMs[name] = addHistograms(handlerMs[name] ?? noMilliseconds, histogram)
  }
  return {
    roundTripMs: addHistograms(one.roundTripMs, other.roundTripMs),
    receivedMessageBytes: addHistograms(one.receivedMessageBytes, other.receivedMessageBytes),
    sentMessageBytes: addHistograms(one.sentMessageBytes, other.sentMessageBytes),
    handlerMs,
  }
}

function addCounts(one: CountsByName, other: CountsByName): CountsByName {
  const sum: Record<string, number> = { ...one }
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

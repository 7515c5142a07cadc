import type { Server, ServerMetrics } from 'twoway/server'
import { residentBytes } from './resident-memory.js'

/** A metric in the text format of Prometheus: one value, or one for each label. */
interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** The label that tells the values apart, if there are several. */
  readonly label?: string
  read(figures: Figures): number | Readonly<Record<string, number>>
}

interface Figures extends ServerMetrics {
  readonly isReady: boolean
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** A gauge or a counter for each of the server's metrics. */
const metrics: { readonly [name in keyof ServerMetrics]: Metric } = {
  connections: gauge('connections', 'Open connections.', (of) => of.connections),
  handshakesWaiting: gauge('handshakes_waiting', 'Handshakes that wait for a decision.', (of) => of.handshakesWaiting),
  bufferedBytes: gauge('buffered_bytes', 'Bytes that wait for the network.', (of) => of.bufferedBytes),
  receiveBytes: gauge('receive_bytes', 'Bytes held of incomplete input.', (of) => of.receiveBytes),
  receiveBytesLimit: gauge(
    'receive_bytes_limit',
    'Limit of the bytes held of incomplete input.',
    (of) => of.receiveBytesLimit,
  ),
  opened: counter('opened_total', 'Connections opened.', (of) => of.opened),
  closed: counter('closed_total', 'Connections closed.', (of) => of.closed),
  handshakes: counter('handshakes_total', 'Handshakes by response status.', (of) => of.handshakes, 'status'),
  handshakesLeft: counter(
    'handshakes_left_total',
    'Handshakes whose client left before the answer.',
    (of) => of.handshakesLeft,
  ),
  receivedMessages: counter('received_messages_total', 'Messages received.', (of) => of.receivedMessages),
  receivedBytes: counter('received_bytes_total', 'Bytes received.', (of) => of.receivedBytes),
  sentMessages: counter('sent_messages_total', 'Messages sent.', (of) => of.sentMessages),
  sentBytes: counter('sent_bytes_total', 'Bytes sent.', (of) => of.sentBytes),
  droppedMessages: counter(
    'dropped_messages_total',
    'Messages dropped because a send buffer was full.',
    (of) => of.droppedMessages,
  ),
  backpressures: counter(
    'backpressures_total',
    'Times that a send buffer exceeded its high-water mark.',
    (of) => of.backpressures,
  ),
  pings: counter('pings_total', 'Pings sent by the heartbeat.', (of) => of.pings),
  roundTrips: counter('round_trips_total', 'Pings answered.', (of) => of.roundTrips),
  roundTripMs: counter(
    'round_trip_seconds_total',
    'Sum of the round-trip times in seconds.',
    (of) => of.roundTripMs / 1000,
  ),
  closes: counter('closes_total', 'Connections closed, by close code.', (of) => of.closes, 'code'),
  limits: counter(
    'limits_total',
    'Connections and handshakes that a limit ended or refused.',
    (of) => of.limits,
    'limit',
  ),
  errors: counter('errors_total', 'Errors by code.', (of) => of.errors, 'code'),
  memoryTuning: gauge('memory_tuning', 'Tuning of the memory of long messages.', (of) => of.memoryTuning, 'what'),
  transport: gauge('transport', 'The path of the bytes of connections.', (of) => ({ [of.transport.path]: 1 }), 'path'),
}

/** Metrics of the process and of the service itself. */
const ofProcess = [
  gauge('ready', '1 while new connections are accepted, 0 while the service stops.', ({ isReady }) => Number(isReady)),
  gauge('start_time_seconds', 'When the service started, in seconds since 1970.', ({ startedAt }) => startedAt / 1000),
  gauge('resident_memory_bytes', 'Resident memory of the process.', residentBytes),
]

/** A server's metrics in the text format of Prometheus. */
export function metricsText(server: Server<unknown>, startedAt: number): string {
  const figures: Figures = { ...server.metrics(), isReady: server.isReady, startedAt }
  return [...Object.values(metrics), ...ofProcess].map((metric) => textOf(metric, metric.read(figures))).join('')
}

function textOf({ name, type, help, label }: Metric, value: number | Readonly<Record<string, number>>): string {
  const values =
    typeof value === 'number'
      ? `${name} ${value}\n`
      : Object.entries(value)
          .map(([key, one]) => `${name}{${label}="${key.replace(/["\\\n]/g, '\\$&')}"} ${one}\n`)
          .join('')
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${values}`
}

function gauge(name: string, help: string, read: Metric['read'], label = ''): Metric {
  return { name: `twoway_${name}`, type: 'gauge', help, read, label }
}

function counter(name: string, help: string, read: Metric['read'], label = ''): Metric {
  return { name: `twoway_${name}`, type: 'counter', help, label, read }
}

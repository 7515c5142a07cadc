import type { Server, ServerMetrics } from 'twoway/server'

/** One figure, or one for each name, in the text format of Prometheus. */
interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** What the names of several stand for. */
  readonly label?: string
  read(figures: Figures): number | Readonly<Record<string, number>>
}

interface Figures extends ServerMetrics {
  readonly isReady: boolean
  /** Milliseconds since 1970. */
  readonly startedAt: number
}

/** A gauge or a counter for each figure of the server. */
const metrics: { readonly [name in keyof ServerMetrics]: Metric } = {
  connections: gauge('connections', 'Connections that stand now.', (of) => of.connections),
  handshakesWaiting: gauge('handshakes_waiting', 'Handshakes that are being decided on.', (of) => of.handshakesWaiting),
  bufferedBytes: gauge('buffered_bytes', 'Octets that wait for the network.', (of) => of.bufferedBytes),
  receiveBytes: gauge('receive_bytes', 'Bytes held of input that is not complete.', (of) => of.receiveBytes),
  receiveBytesLimit: gauge(
    'receive_bytes_limit',
    'The most of those, at which the largest go.',
    (of) => of.receiveBytesLimit,
  ),
  opened: counter('opened_total', 'Connections that were opened.', (of) => of.opened),
  closed: counter('closed_total', 'Connections that are gone.', (of) => of.closed),
  handshakes: counter('handshakes_total', 'Handshakes by the status of the answer.', (of) => of.handshakes, 'status'),
  handshakesLeft: counter('handshakes_left_total', 'Handshakes whose client left.', (of) => of.handshakesLeft),
  receivedMessages: counter('received_messages_total', 'Messages that came.', (of) => of.receivedMessages),
  receivedBytes: counter('received_bytes_total', 'Octets that came.', (of) => of.receivedBytes),
  sentMessages: counter('sent_messages_total', 'Messages that were sent.', (of) => of.sentMessages),
  sentBytes: counter('sent_bytes_total', 'Octets that were sent.', (of) => of.sentBytes),
  droppedMessages: counter('dropped_messages_total', 'Messages that were not taken.', (of) => of.droppedMessages),
  backpressures: counter('backpressures_total', 'How often a client lagged behind.', (of) => of.backpressures),
  pings: counter('pings_total', 'Pings of the heartbeat.', (of) => of.pings),
  roundTrips: counter('round_trips_total', 'Pings that were answered.', (of) => of.roundTrips),
  roundTripMs: counter('round_trip_seconds_total', 'Seconds of those together.', (of) => of.roundTripMs / 1000),
  closes: counter('closes_total', 'Connections that are gone, by close code.', (of) => of.closes, 'code'),
  limits: counter('limits_total', 'What a limit ended or refused.', (of) => of.limits, 'limit'),
  errors: counter('errors_total', 'What went wrong, by its code.', (of) => of.errors, 'code'),
  memoryTuning: gauge(
    'memory_tuning',
    'What was done for the memory of long messages.',
    (of) => of.memoryTuning,
    'what',
  ),
  transport: gauge('transport', 'How bytes travel.', (of) => ({ [of.transport.path]: 1 }), 'path'),
}

/** What the process says of itself besides. */
const ofProcess = [
  gauge('ready', '1 while new connections are taken, 0 while the service stops.', ({ isReady }) => Number(isReady)),
  gauge('start_time_seconds', 'When the service started, in seconds since 1970.', ({ startedAt }) => startedAt / 1000),
  gauge('resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss()),
]

/** A server's figures in the text format of Prometheus. */
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

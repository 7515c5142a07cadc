import type { Histogram } from '../../core/observing/histogram.js'
import type { HubMetrics } from '../../core/observing/hub-metrics.js'
import type { ServerMetrics } from '../server-metrics.js'

/** Values of one metric, by the value of its label. */
type ByLabel<Value> = Readonly<Record<string, Value>>

/** A metric of a server as monitoring systems know it. The name has no suffix of its type, such as `_total`. */
export type Metric = {
  readonly name: string
  readonly help: string
  /** The base unit, which is the end of the name. */
  readonly unit?: 'bytes' | 'seconds' | undefined
  /** The label that tells the values apart where there are several. */
  readonly label?: string | undefined
} & (
  | { readonly type: 'counter' | 'gauge'; read(metrics: ServerMetrics): number | ByLabel<number> }
  | { readonly type: 'histogram'; read(metrics: ServerMetrics): Histogram | ByLabel<Histogram> }
)

/** Figures of a server that another metric contains, and the name of that. */
type Contained = string

/** The metric of each field of `metrics()`, or the metric that contains it. The compiler demands that none is missing. */
const table: { readonly [name in keyof Omit<ServerMetrics, 'histograms' | 'hub'>]: Metric | Contained } & {
  readonly histograms: { readonly [name in keyof ServerMetrics['histograms']]: Metric }
} = {
  connections: gauge('twoway_connections', 'Open connections.', (of) => of.connections),
  connectionsLimit: gauge('twoway_connections_limit', 'Limit of open connections.', (of) => of.connectionsLimit),
  handshakesWaiting: gauge(
    'twoway_handshakes_waiting',
    'Handshakes that wait for a decision.',
    (of) => of.handshakesWaiting,
  ),
  bufferedBytes: gauge('twoway_buffered_bytes', 'Bytes that wait for the network.', (of) => of.bufferedBytes),
  bufferedBytesLimit: gauge(
    'twoway_buffered_limit_bytes',
    'Limit of the bytes that wait for peers that lag behind.',
    (of) => of.bufferedBytesLimit,
  ),
  receiveBytes: gauge('twoway_receive_bytes', 'Bytes held of incomplete input.', (of) => of.receiveBytes),
  receiveBytesLimit: gauge(
    'twoway_receive_limit_bytes',
    'Limit of the bytes held of incomplete input.',
    (of) => of.receiveBytesLimit,
  ),
  memoryBytes: gauge(
    'twoway_memory_limit_bytes',
    'Memory that the process may use; 0 if unknown.',
    (of) => of.memoryBytes,
  ),
  opened: counter('twoway_opened', 'Connections opened.', (of) => of.opened),
  closed: counter('twoway_closed', 'Connections closed.', (of) => of.closed),
  handshakes: counter('twoway_handshakes', 'Handshakes by response status.', (of) => of.handshakes, 'status'),
  refusals: counter(
    'twoway_refusals',
    'Handshakes, requests and connections refused, by reason.',
    (of) => of.refusals,
    'reason',
  ),
  handshakesLeft: counter(
    'twoway_handshakes_left',
    'Handshakes whose client left before the answer.',
    (of) => of.handshakesLeft,
  ),
  receivedMessages: counter('twoway_received_messages', 'Messages received.', (of) => of.receivedMessages),
  receivedBytes: counter('twoway_received_bytes', 'Bytes received from the network.', (of) => of.receivedBytes),
  sentMessages: counter('twoway_sent_messages', 'Messages sent.', (of) => of.sentMessages),
  sentBytes: counter('twoway_sent_bytes', 'Bytes of frames for the network.', (of) => of.sentBytes),
  droppedMessages: counter(
    'twoway_dropped_messages',
    'Messages dropped because a send buffer was full.',
    (of) => of.droppedMessages,
  ),
  backpressures: counter(
    'twoway_backpressures',
    'Times that a send buffer exceeded its high-water mark.',
    (of) => of.backpressures,
  ),
  pings: counter('twoway_pings', 'Pings sent by the heartbeat.', (of) => of.pings),
  roundTrips: 'twoway_round_trip_seconds',
  roundTripMs: 'twoway_round_trip_seconds',
  closes: counter('twoway_closes', 'Connections closed, by close code.', (of) => of.closes, 'code'),
  limits: counter(
    'twoway_limits',
    'Connections and requests that a limit ended or refused.',
    (of) => of.limits,
    'limit',
  ),
  errors: counter('twoway_errors', 'Errors by code.', (of) => of.errors, 'code'),
  memoryTuning: gauge(
    'twoway_memory_tuning',
    'Tuning of the memory of long messages.',
    (of) => ({ ...of.memoryTuning }),
    'what',
  ),
  transport: gauge(
    'twoway_transport',
    'The path of the bytes of connections.',
    (of) => (of.transport.path === 'none' ? {} : { [of.transport.path]: 1 }),
    'path',
  ),
  histograms: {
    roundTripMs: histogram('twoway_round_trip_seconds', 'Times until peers answered Pings of the heartbeat.', (of) =>
      inSeconds(of.roundTripMs),
    ),
    receivedMessageBytes: histogram(
      'twoway_received_message_bytes',
      'Payload lengths of messages that were received whole.',
      (of) => of.receivedMessageBytes,
    ),
    sentMessageBytes: histogram(
      'twoway_sent_message_bytes',
      'Payload lengths of messages that were sent whole.',
      (of) => of.sentMessageBytes,
    ),
    handlerMs: histogram(
      'twoway_handler_seconds',
      'Times that handlers took, with their promises; empty without the option measureHandlers.',
      (of) => Object.fromEntries(Object.entries(of.handlerMs).map(([name, times]) => [name, inSeconds(times)])),
      'handler',
    ),
  },
}

const { histograms, ...rest } = table

/** The metrics of a server, in the order in which they are written. */
export const serverMetricTable: readonly Metric[] = [...Object.values(rest), ...Object.values(histograms)].filter(
  (metric) => typeof metric !== 'string',
)

/** The metric of each field of a hub's metrics. */
const hubTable: { readonly [name in keyof HubMetrics]: Metric } = {
  clients: ofHub('gauge', 'clients', 'Clients of the hub.', (of) => of.clients),
  subscriptions: ofHub('gauge', 'subscriptions', 'Subscriptions of clients of the hub.', (of) => of.subscriptions),
  topics: ofHub('gauge', 'topics', 'Topics and patterns that the hub has open.', (of) => of.topics),
  stale: ofHub('gauge', 'stale', 'Processes whose broker does not answer.', (of) => of.stale),
  published: ofHub('counter', 'published', 'Publishes that were begun.', (of) => of.published),
  stored: ofHub('counter', 'stored', 'Publishes that the broker has stored.', (of) => of.stored),
  delivered: ofHub('counter', 'delivered', 'Stored messages that were sent to clients.', (of) => of.delivered),
  recovered: ofHub('counter', 'recovered', 'Resumes of clients that missed nothing.', (of) => of.recovered),
  notRecovered: ofHub(
    'counter',
    'not_recovered',
    'Resumes of clients that may have missed messages, by reason.',
    (of) => of.notRecovered,
    'reason',
  ),
  gapsFound: ofHub('counter', 'gaps_found', 'Gaps in the messages of the broker.', (of) => of.gapsFound),
  gapsFilled: ofHub('counter', 'gaps_filled', 'Gaps whose messages were read and delivered.', (of) => of.gapsFilled),
  brokerReads: ofHub('counter', 'broker_reads', 'Questions to the broker for older messages.', (of) => of.brokerReads),
  malformed: ofHub('counter', 'malformed', 'Messages of the broker that are none of a hub.', (of) => of.malformed),
  brokerFailures: ofHub(
    'counter',
    'broker_failures',
    'Questions that the broker refused or did not answer, by operation.',
    (of) => of.brokerFailures,
    'operation',
  ),
  errors: ofHub('counter', 'errors', 'Errors that clients of the hub were sent, by code.', (of) => of.errors, 'code'),
  brokerMs: {
    name: 'twoway_hub_broker_seconds',
    type: 'histogram',
    help: 'Times until the broker answered, by operation.',
    unit: 'seconds',
    label: 'operation',
    read: ({ hub }) =>
      Object.fromEntries(Object.entries(hub!.brokerMs).map(([operation, times]) => [operation, inSeconds(times)])),
  },
}

/** The metrics of a server that has a hub, besides. */
export const hubMetricTable: readonly Metric[] = Object.values(hubTable)

/** The counts that the parent of workers adds. */
export interface WorkersCounts {
  readonly workers: readonly { readonly state: string }[]
  readonly workerExits: number
  readonly missedBroadcasts: number
}

/** The metrics that the parent of workers adds. */
export const workersMetricTable: readonly Metric[] = [
  gauge(
    'twoway_workers',
    'Worker processes by state.',
    (of) => statesOf((of as unknown as WorkersCounts).workers),
    'state',
  ),
  counter(
    'twoway_worker_exits',
    'Workers that died unexpectedly.',
    (of) => (of as unknown as WorkersCounts).workerExits,
  ),
  counter(
    'twoway_missed_broadcasts',
    'Broadcasts and messages of topics that a worker missed or could not publish.',
    (of) => (of as unknown as WorkersCounts).missedBroadcasts,
  ),
]

/** A listening worker is always counted, so that a query sees none as 0. */
function statesOf(workers: WorkersCounts['workers']): Record<string, number> {
  const counts: Record<string, number> = { listening: 0 }
  for (const { state } of workers) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

/** Names of labels that no caller may add, as metrics of the tables have them. */
export const ownLabels: ReadonlySet<string> = new Set(
  [...serverMetricTable, ...hubMetricTable, ...workersMetricTable].flatMap(({ label }) => label ?? []).concat('le'),
)

function gauge(
  name: string,
  help: string,
  read: (metrics: ServerMetrics) => number | ByLabel<number>,
  label?: string,
): Metric {
  return { name, type: 'gauge', help, read, label, unit: unitOf(name) }
}

function counter(
  name: string,
  help: string,
  read: (metrics: ServerMetrics) => number | ByLabel<number>,
  label?: string,
): Metric {
  return { name, type: 'counter', help, read, label, unit: unitOf(name) }
}

function ofHub(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  read: (metrics: HubMetrics) => number | ByLabel<number>,
  label?: string,
): Metric {
  return { name: `twoway_hub_${name}`, type, help, read: ({ hub }) => read(hub!), label }
}

function histogram(
  name: string,
  help: string,
  read: (histograms: ServerMetrics['histograms']) => Histogram | ByLabel<Histogram>,
  label?: string,
): Metric {
  return { name, type: 'histogram', help, read: (metrics) => read(metrics.histograms), label, unit: unitOf(name) }
}

function unitOf(name: string): Metric['unit'] {
  return name.endsWith('_bytes') ? 'bytes' : name.endsWith('_seconds') ? 'seconds' : undefined
}

function inSeconds({ bounds, counts, sum }: Histogram): Histogram {
  return { bounds: bounds.map((bound) => bound / 1000), counts, sum: sum / 1000 }
}

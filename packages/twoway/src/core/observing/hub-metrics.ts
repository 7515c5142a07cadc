import { addHistograms, type Histogram, noMilliseconds } from './histogram.js'

type CountsByName = Readonly<Record<string, number>>

/** The questions to a broker that are measured: `read` is one for older messages, `head` one for the newest position. */
export type BrokerOperation = 'open' | 'publish' | 'read' | 'head'

/** Counts since the start of a hub, and of this moment. */
export interface HubMetrics {
  /** Connections that speak the subprotocol and have introduced themselves. */
  readonly clients: number
  readonly subscriptions: number
  /** Topics and patterns that this process has open. */
  readonly topics: number
  /** 1 while the broker does not answer, so that presence may be out of date; else 0. Of several processes, their number. */
  readonly stale: number
  /** Publishes that were begun, those to topics that store nothing among them. */
  readonly published: number
  /** Publishes that the broker has stored. */
  readonly stored: number
  /** Stored messages that were sent to clients. */
  readonly delivered: number
  /** Clients that asked to resume and were proved whole. */
  readonly recovered: number
  /** Clients that asked to resume and were not, by reason. */
  readonly notRecovered: CountsByName
  /** Gaps in the messages of the broker that the hub noticed. */
  readonly gapsFound: number
  /** The filled gaps. The hub told its subscribers of the other gaps. */
  readonly gapsFilled: number
  /** Questions to the broker for older messages. */
  readonly brokerReads: number
  /** Messages of the broker that are none of a hub: another program wrote them. They are reported, and not delivered. */
  readonly malformed: number
  /** Questions that a shared broker refused or left without an answer, by operation. */
  readonly brokerFailures: CountsByName
  /** Milliseconds that a shared broker took to answer, by operation. A broker in the process itself is not measured. */
  readonly brokerMs: Readonly<Record<string, Histogram>>
  /** Errors that clients were sent, by code. */
  readonly errors: CountsByName
}

/** The key under which the handlers of a hub have its metrics, for the server that they are given to. */
export const hubMetrics = Symbol('hubMetrics')

export interface HasHubMetrics {
  readonly [hubMetrics]?: () => HubMetrics
}

/** The counts of this moment of a hub that is gone. */
const nothingNow = { clients: 0, subscriptions: 0, topics: 0, stale: 0 } as const satisfies Partial<HubMetrics>

/** The totals of a hub that is gone. */
export function onlyHubTotals(metrics: HubMetrics | undefined): HubMetrics | undefined {
  return metrics && { ...metrics, ...nothingNow }
}

/** Adds up the counts of two hubs, if there are two. */
export function addHubMetrics(one: HubMetrics | undefined, other: HubMetrics | undefined): HubMetrics | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const sum: Record<string, unknown> = { ...one }
  for (const [name, value] of Object.entries(other)) {
    const added = one[name as keyof HubMetrics]
    if (name === 'brokerMs') sum[name] = addTimes(one.brokerMs, other.brokerMs)
    else if (typeof added === 'number') sum[name] = added + value
    else sum[name] = addNamed(added as CountsByName, value as CountsByName)
  }
  return sum as unknown as HubMetrics
}

function addTimes(one: HubMetrics['brokerMs'], other: HubMetrics['brokerMs']): HubMetrics['brokerMs'] {
  const sum: Record<string, Histogram> = { ...one }
  for (const [name, times] of Object.entries(other)) sum[name] = addHistograms(sum[name] ?? noMilliseconds, times)
  return sum
}

function addNamed(one: CountsByName, other: CountsByName): CountsByName {
  const sum: Record<string, number> = { ...one }
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

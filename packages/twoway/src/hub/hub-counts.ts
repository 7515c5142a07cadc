import type { HubMetrics } from '../core/observing/hub-metrics.js'
import type { ResumeFailure } from '../ports/broker/topic-position.js'
import type { HubClient } from './hub-types.js'
import type { HubChannels } from './observing/hub-diagnostics.js'

type Changeable<Metrics> = { -readonly [name in keyof Metrics]: Metrics[name] }

/** The metrics that are of this moment, or that the hub's view of its broker has. */
type KeptElsewhere = 'clients' | 'subscriptions' | 'topics' | 'stale' | 'brokerFailures' | 'brokerMs'

/** The counts of a hub since its start. The events that channels have too are told there. */
export class HubCounts implements Changeable<Omit<HubMetrics, KeptElsewhere>> {
  published = 0
  stored = 0
  delivered = 0
  recovered = 0
  readonly notRecovered: Record<string, number> = {}
  gapsFound = 0
  gapsFilled = 0
  brokerReads = 0
  malformed = 0
  readonly errors: Record<string, number> = {}
  readonly channels: HubChannels

  constructor(channels: HubChannels) {
    this.channels = channels
  }

  /** A client goes on from a position. */
  resumed(client: HubClient, topic: string, messages: number): void {
    this.recovered += 1
    this.channels.resume({ client, topic, recovered: true, reason: undefined, messages })
  }

  /** A client can't go on from its position. */
  notResumed(client: HubClient, topic: string, reason: string): void {
    countOne(this.notRecovered, reason)
    this.channels.resume({ client, topic, recovered: false, reason, messages: 0 })
  }

  gapFound(topic: string): void {
    this.gapsFound += 1
    this.channels.gap(topic, 'found')
  }

  gapFilled(topic: string): void {
    this.gapsFilled += 1
    this.channels.gap(topic, 'filled')
  }

  /** The messages of a gap are lost, and its subscribers are told. */
  gapTold(topic: string, reason: ResumeFailure | 'malformed'): void {
    this.channels.gap(topic, 'told', reason)
  }
}

export function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

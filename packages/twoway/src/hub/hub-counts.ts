import type { HubMetrics } from './hub-types.js'

type Changeable<Metrics> = { -readonly [name in keyof Metrics]: Metrics[name] }

/** The counts of a hub since its start. */
export class HubCounts implements Changeable<Omit<HubMetrics, 'clients' | 'subscriptions' | 'topics'>> {
  published = 0
  delivered = 0
  recovered = 0
  readonly notRecovered: Record<string, number> = {}
  gapsFound = 0
  gapsFilled = 0
  brokerReads = 0
  readonly errors: Record<string, number> = {}
}

export function countOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

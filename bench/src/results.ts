import type { Contender } from './contender.js'
import type { Measurement } from './load/load.js'
import { isOurs } from './rival.js'
import type { Row } from './row.js'

/** The measurements of one contender at one row, one for each round. */
export interface Result {
  readonly row: Row
  readonly contender: Contender
  readonly measurements: readonly Measurement[]
  /** The reason why its measurement stopped. */
  readonly failure: string | undefined
}

/** The medians of a result. */
export type Medians = Measurement & { readonly costMin: number; readonly costMax: number }

export function mediansOf({ measurements }: Result): Medians {
  const of = (pick: (measurement: Measurement) => number | undefined): number =>
    median(measurements.map(pick).filter((value) => value !== undefined))
  const costs = measurements.map(({ cost }) => cost)
  const answered = measurements.some(({ p50 }) => p50 !== undefined)
  return {
    cost: median(costs),
    costMin: Math.min(...costs),
    costMax: Math.max(...costs),
    perSecond: of(({ perSecond }) => perSecond),
    p50: answered ? of(({ p50 }) => p50) : undefined,
    p99: answered ? of(({ p99 }) => p99) : undefined,
    memory: of(({ memory }) => memory),
    busy: of(({ busy }) => busy),
    generatorBusy: of(({ generatorBusy }) => generatorBusy),
  }
}

/** Our cost as a share of a rival's. */
export interface Ratio {
  readonly ours: Contender
  readonly theirs: Contender
  /** The median over the rounds: a busy neighbour affects both contenders of a round alike. */
  readonly ratio: number
  /** The goal: the largest share that is acceptable. */
  readonly aim: number | undefined
}

/** Twoway on each Node beside the rivals on that Node and beside the other runtimes, and on another runtime beside its own. */
export function ratiosOf(results: readonly Result[]): Ratio[] {
  const measured = results.filter(({ measurements }) => measurements.length > 0)
  return measured
    .filter(({ contender }) => isOurs(contender.rival))
    .flatMap((ours) =>
      measured
        .filter((theirs) => !isOurs(theirs.contender.rival) && isComparable(theirs.contender, ours.contender))
        .map((theirs) => ({
          ours: ours.contender,
          theirs: theirs.contender,
          ratio: median(
            ours.measurements
              .slice(0, theirs.measurements.length)
              .map(({ cost }, round) => cost / theirs.measurements[round]!.cost),
          ),
          aim: ours.contender.rival.runsOn === 'Node' ? ours.row.aims?.[theirs.contender.rival.id] : undefined,
        })),
    )
}

function isComparable(theirs: Contender, ours: Contender): boolean {
  return theirs.runtime === ours.runtime || (theirs.rival.runsOn !== 'Node' && ours.rival.runsOn === 'Node')
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

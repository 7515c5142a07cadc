import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** The upper ends of the histogram's rows in microseconds: 1, 2, 5, 10 and so on, up to 100 seconds. */
const ends = Array.from({ length: 25 }, (_, index) => [1, 2, 5][index % 3]! * 10 ** Math.floor(index / 3))

export interface LatencySummary {
  readonly count: number
  readonly meanMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

/** One row of a histogram: the number of durations up to this limit and above that of the row before. */
export interface HistogramRow {
  readonly upToMs: number
  readonly count: number
}

/** Durations, with three significant digits, in memory that does not grow with their number. */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram()
  readonly #counts: number[] = ends.map(() => 0)

  get count(): number {
    return this.#histogram.count
  }

  add(milliseconds: number): void {
    const microseconds = Math.max(1, Math.round(milliseconds * 1000))
    this.#histogram.record(microseconds)
    const row = ends.findIndex((end) => microseconds <= end)
    this.#counts[row < 0 ? ends.length - 1 : row]! += 1
  }

  /** The percentile in milliseconds: this share of the durations did not exceed it; 0 if there are none. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / 1000
  }

  get summary(): LatencySummary | undefined {
    const histogram = this.#histogram
    if (histogram.count === 0) return undefined
    return {
      count: histogram.count,
      meanMs: Math.round(histogram.mean) / 1000,
      minMs: histogram.min / 1000,
      maxMs: histogram.max / 1000,
      p50Ms: this.percentile(50),
      p90Ms: this.percentile(90),
      p99Ms: this.percentile(99),
      p999Ms: this.percentile(99.9),
    }
  }

  /** The rows from the first to the last that is not empty. */
  get rows(): readonly HistogramRow[] {
    const all = this.#counts.map((count, index) => ({ upToMs: ends[index]! / 1000, count }))
    const first = all.findIndex(({ count }) => count > 0)
    const last = all.findLastIndex(({ count }) => count > 0)
    return first < 0 ? [] : all.slice(first, last + 1)
  }
}

/**
 * The distribution of values. Each count is of its own bucket: it does not contain the counts before it, as those of
 * Prometheus do.
 */
export interface Histogram {
  /** The upper bounds of the buckets, in rising order. A value that equals a bound is within it. */
  readonly bounds: readonly number[]
  /** The number of values in each bucket, and last that of the values above all bounds. */
  readonly counts: readonly number[]
  /** The sum of all values. */
  readonly sum: number
}

/** Bounds for lengths of messages: powers of four, from 16 bytes to 16 MiB. */
const byteBounds = Array.from({ length: 11 }, (_, power) => 16 * 4 ** power)

/** Bounds for times in milliseconds, from what a short handler takes to what ends a connection. */
export const millisecondBounds: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
]

export const noBytes: Histogram = emptyHistogram(byteBounds)
export const noMilliseconds: Histogram = emptyHistogram(millisecondBounds)

function emptyHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
}

/** The bucket of lengths by the number of their bits, see `SizeTally`. */
const lengthBits = 33

/** Counts lengths in bytes. It is called for each message, so it finds the bucket without a search. */
export class SizeTally {
  /** The numbers of lengths by the bits of the length minus one, and last their sum. No number is boxed here. */
  readonly #counts = new Float64Array(lengthBits + 1)

  add(bytes: number): void {
    const counts = this.#counts
    const bits = bytes === 0 ? 0 : 32 - Math.clz32(bytes - 1)
    counts[bits] = counts[bits]! + 1
    counts[lengthBits] = counts[lengthBits]! + bytes
  }

  /** The number of lengths. */
  get count(): number {
    return this.#counts.subarray(0, lengthBits).reduce((sum, count) => sum + count)
  }

  get histogram(): Histogram {
    const counts = new Array<number>(byteBounds.length + 1).fill(0)
    // The first bound has four bits, and each bucket two more.
    for (let bits = 0; bits < lengthBits; bits++) {
      const bucket = Math.min(Math.max(0, Math.ceil((bits - 4) / 2)), byteBounds.length)
      counts[bucket] = counts[bucket]! + this.#counts[bits]!
    }
    return { bounds: byteBounds, counts, sum: this.#counts[lengthBits]! }
  }
}

/** Counts times in milliseconds. */
export class TimeTally {
  readonly #counts = new Array<number>(millisecondBounds.length + 1).fill(0)
  #sum = 0

  add(milliseconds: number): void {
    let bucket = 0
    while (bucket < millisecondBounds.length && milliseconds > millisecondBounds[bucket]!) bucket += 1
    this.#counts[bucket] = this.#counts[bucket]! + 1
    this.#sum += milliseconds
  }

  get histogram(): Histogram {
    return { bounds: millisecondBounds, counts: [...this.#counts], sum: this.#sum }
  }
}

/** Adds the counts of two histograms. Those of different bounds, as two versions of this library have, can't be added. */
export function addHistograms(one: Histogram, other: Histogram): Histogram {
  const isAlike =
    one.bounds.length === other.bounds.length && one.bounds.every((bound, at) => bound === other.bounds[at])
  if (!isAlike) return one
  return {
    bounds: one.bounds,
    counts: one.counts.map((count, at) => count + other.counts[at]!),
    sum: one.sum + other.sum,
  }
}

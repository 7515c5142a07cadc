/** Pseudo-random numbers that are determined by a seed and an index (mulberry32). */
export class Draws {
  #state: number

  constructor(seed: number, index: number) {
    // Neighbouring seeds must give different numbers: both values go through a mixing step first.
    this.#state = mix(mix(seed | 0) ^ Math.imul(index, 0x9e3779b1))
  }

  /** An integer from 0 up to but not including `count`. */
  below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return Math.floor((mix(this.#state) / 2 ** 32) * count)
  }

  /** True with the probability `1 / inTimes`. */
  once(inTimes: number): boolean {
    return this.below(inTimes) === 0
  }

  of<Item>(items: ArrayLike<Item>): Item {
    return items[this.below(items.length)]!
  }
}

function mix(value: number): number {
  const first = Math.imul(value ^ (value >>> 15), value | 1)
  const second = first ^ (first + Math.imul(first ^ (first >>> 7), first | 61))
  return (second ^ (second >>> 14)) >>> 0
}

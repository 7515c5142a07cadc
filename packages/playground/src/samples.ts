/**
 * At most `limit` points of a curve. When there would be more, every second point is removed, and from then on only
 * every second (fourth, eighth ...) is added. So the curve keeps its whole length in bounded memory.
 */
export class Samples {
  readonly #limit: number
  #stride = 1
  #skipped = 0
  #x: number[] = []
  #y: number[] = []

  constructor(limit = 1000) {
    this.#limit = limit
  }

  get x(): readonly number[] {
    return this.#x
  }

  get y(): readonly number[] {
    return this.#y
  }

  add(x: number, y: number): void {
    if (++this.#skipped < this.#stride) return
    this.#skipped = 0
    this.#push(x, y)
  }

  /** Adds a point that must be shown, such as the last one. */
  addLast(x: number, y: number): void {
    this.#push(x, y)
  }

  #push(x: number, y: number): void {
    if (this.#x.length >= this.#limit) {
      const isKept = (_: number, at: number): boolean => at % 2 === 0
      this.#x = this.#x.filter(isKept)
      this.#y = this.#y.filter(isKept)
      this.#stride *= 2
    }
    this.#x.push(x)
    this.#y.push(y)
  }
}

interface Entry<Value> {
  readonly value: Value
  readonly addedMs: number
}

/** The results of recent calls by their id: at most `count`, and none older than `ageMs`. The oldest are forgotten first. */
export class DedupeWindow<Value> {
  readonly #count: number
  readonly #ageMs: number
  readonly #entries = new Map<string, Entry<Value>>()
  #nowMs = Number.NEGATIVE_INFINITY

  constructor({ count, ageMs }: { readonly count: number; readonly ageMs: number }) {
    this.#count = count
    this.#ageMs = ageMs
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value that was added with an id, as long as the window holds it. */
  get(id: string, nowMs: number): Value | undefined {
    this.#trim(nowMs)
    return this.#entries.get(id)?.value
  }

  /** Adds a value under an id that the window does not hold. */
  add(id: string, value: Value, nowMs: number): void {
    this.#entries.set(id, { value, addedMs: Math.max(nowMs, this.#nowMs) })
    this.#trim(nowMs)
  }

  #trim(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs
    for (const [id, { addedMs }] of this.#entries) {
      if (this.#entries.size <= this.#count && this.#nowMs - addedMs <= this.#ageMs) break
      this.#entries.delete(id)
    }
  }
}

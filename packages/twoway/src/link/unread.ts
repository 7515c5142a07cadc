import { LinkError } from './link-error.js'

/** Values that a loop has not taken. One more ends it with an error, as none may be missing unnoticed. */
const most = 10_000

/** The values that a `for await` loop takes: bounded, and ended by an error or without one. */
export class Unread<Value> implements AsyncIterableIterator<Value, undefined> {
  /** Called when the loop is left before the end, or is too slow. */
  leave: () => void = () => undefined
  readonly #values: Value[] = []
  #end: { readonly error: unknown } | undefined
  #waiting: (() => void)[] = []

  push(value: Value): void {
    if (this.#end) return
    if (this.#values.length < most) {
      this.#values.push(value)
      this.#wake()
    } else {
      this.end(new LinkError('full', `${most} values wait for the loop already`))
      this.leave()
    }
  }

  end(error?: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  async next(): Promise<IteratorResult<Value, undefined>> {
    while (this.#values.length === 0) {
      if (this.#end) {
        const { error } = this.#end
        this.#end = { error: undefined }
        if (error !== undefined) throw error
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    return { done: false, value: this.#values.shift()! }
  }

  return(): Promise<IteratorResult<Value, undefined>> {
    if (!this.#end) this.leave()
    this.#values.length = 0
    this.#end = { error: undefined }
    this.#wake()
    return this.next()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

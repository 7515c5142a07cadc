import { LinkError } from './link-error.js'
import type { Sized } from './server-message.js'

/** Values that a loop has not taken, and their size. Beyond one of both it ends with an error, as none may be missing unnoticed. */
const most = 10_000
const mostSize = 16 << 20

/** The values that a `for await` loop takes: bounded, and ended by an error or without one. */
export class Unread<Value> implements AsyncIterableIterator<Value, undefined> {
  /** Called when the loop is left before the end, or is too slow. */
  declare leave?: () => void
  readonly #values: { readonly value: Value; readonly size: number }[] = []
  #size = 0
  #end: { readonly error?: unknown } | undefined
  #waiting: (() => void)[] = []

  push(value: Value, { size }: Sized): void {
    if (this.#end) return
    if (this.#values.length < most && this.#size < mostSize) {
      this.#values.push({ value, size })
      this.#size += size
      this.#wake()
    } else {
      this.end(new LinkError('full', 'no room for more'))
      this.leave?.()
    }
  }

  end(error?: unknown): void {
    this.#end ??= { error }
    this.#wake()
  }

  async next(): Promise<IteratorResult<Value, undefined>> {
    while (!this.#end && !this.#values.length) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const first = this.#values.shift()
    if (first) {
      this.#size -= first.size
      return { done: false, value: first.value }
    }
    const error = this.#end?.error
    this.#end = {}
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<Value, undefined>> {
    if (!this.#end) this.leave?.()
    this.#values.length = 0
    this.#end = {}
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

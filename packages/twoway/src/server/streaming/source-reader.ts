import { UsageError } from '../../core/errors.js'
import { isThenable } from '../../core/is-thenable.js'
import type { MessageSource } from '../server-types.js'

type Result<Item> = IteratorResult<Item, unknown>

/** Reads a source of any kind, one item after the other. */
export class SourceReader<Item> {
  readonly #read: () => Result<Item> | PromiseLike<Result<Item>>
  readonly #cancel: (reason: unknown) => unknown
  #isOver = false

  /** Throws a UsageError for a value that is no source. */
  constructor(source: MessageSource<Item>) {
    // A string is iterable by its characters, but a caller who passes one means a single message.
    if (typeof source !== 'object' || source === null || ArrayBuffer.isView(source)) throw notASource(source)
    if ('getReader' in source) {
      const reader = source.getReader()
      this.#read = () => reader.read() as Promise<Result<Item>>
      this.#cancel = (reason) => reader.cancel(reason)
      return
    }
    const iterables: Partial<AsyncIterable<Item> & Iterable<Item>> = source
    const iterator = iterables[Symbol.asyncIterator]?.() ?? iterables[Symbol.iterator]?.()
    if (iterator === undefined) throw notASource(source)
    this.#read = () => iterator.next()
    this.#cancel = () => iterator.return?.()
  }

  /** The next item, or the end, also after `cancel`; directly or by promise. Throws or rejects as the source does. */
  next(): Result<Item> | Promise<Result<Item>> {
    if (this.#isOver) return { done: true, value: undefined }
    try {
      const result = this.#read()
      return isThenable(result) ? this.#settle(result) : this.#look(result)
    } catch (error) {
      this.#isOver = true
      throw error
    }
  }

  /** Ends the source, if it has not ended. Its answer, and any error in it, is ignored. */
  cancel(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    try {
      const answer = this.#cancel(reason)
      if (isThenable(answer)) answer.then(undefined, () => {})
    } catch {
      // Ignored, as above.
    }
  }

  async #settle(result: PromiseLike<Result<Item>>): Promise<Result<Item>> {
    try {
      return this.#look(await result)
    } catch (error) {
      this.#isOver = true
      throw error
    }
  }

  #look(result: Result<Item>): Result<Item> {
    if (result.done) this.#isOver = true
    return result
  }
}

function notASource(source: unknown): UsageError {
  const what =
    typeof source === 'string' ? 'a string' : ArrayBuffer.isView(source) ? 'bytes' : `a value of type ${typeof source}`
  return new UsageError(
    'messageSourceInvalid',
    `a source is an Iterable, an AsyncIterable or a ReadableStream, not ${what}: put a single message into an array`,
  )
}

import type { Diagnostics, DiagnosticsChannel } from '../../ports/diagnostics.js'
import { isThenable } from '../is-thenable.js'

/** The fields that tracing adds to the context of an operation. */
export interface TracedOutcome {
  /** The value that the operation returned, or that its promise resolved to. */
  result?: unknown
  /** The value that it threw, or that its promise was rejected with. */
  error?: unknown
}

/**
 * The five channels of an operation as `tracingChannel` of node:diagnostics_channel names them. All of them get the same
 * context object: `start`, `end`, and for an operation that goes on after its call `asyncStart` and `asyncEnd`; `error`
 * comes before the end of one that failed.
 */
export class Trace {
  readonly #start: DiagnosticsChannel
  readonly #end: DiagnosticsChannel
  readonly #asyncStart: DiagnosticsChannel
  readonly #asyncEnd: DiagnosticsChannel
  readonly #error: DiagnosticsChannel

  constructor(diagnostics: Diagnostics, name: string) {
    this.#start = diagnostics.channel(`tracing:${name}:start`)
    this.#end = diagnostics.channel(`tracing:${name}:end`)
    this.#asyncStart = diagnostics.channel(`tracing:${name}:asyncStart`)
    this.#asyncEnd = diagnostics.channel(`tracing:${name}:asyncEnd`)
    this.#error = diagnostics.channel(`tracing:${name}:error`)
  }

  get hasSubscribers(): boolean {
    return (
      this.#start.hasSubscribers ||
      this.#end.hasSubscribers ||
      this.#asyncStart.hasSubscribers ||
      this.#asyncEnd.hasSubscribers ||
      this.#error.hasSubscribers
    )
  }

  /** Runs an operation whose end is the end of its call, or that of the promise that it returns. */
  run(context: TracedOutcome, operation: () => unknown): unknown {
    return this.begin(context, () => {
      const returned = operation()
      if (!isThenable(returned)) {
        context.result = returned
        return returned
      }
      return returned.then(
        (result) => {
          context.result = result
          this.resume(context)
          return result
        },
        (error: unknown) => {
          this.fail(context, error)
          this.resume(context)
          throw error
        },
      )
    })
  }

  /** Runs the part of an operation that is its call; `resume` tells of the rest. The stores of `start` hold within it. */
  begin<Result>(context: TracedOutcome, operation: () => Result): Result {
    const call = (): Result => {
      try {
        return operation()
      } catch (error) {
        this.fail(context, error)
        throw error
      } finally {
        this.#end.publish(context)
      }
    }
    const start = this.#start
    if (start.runStores !== undefined) return start.runStores(context, call)
    start.publish(context)
    return call()
  }

  /** The operation failed; its end follows. */
  fail(context: TracedOutcome, error: unknown): void {
    context.error = error
    this.#error.publish(context)
  }

  /** The operation is over, after its call was. */
  resume(context: TracedOutcome): void {
    this.#asyncStart.publish(context)
    this.#asyncEnd.publish(context)
  }
}

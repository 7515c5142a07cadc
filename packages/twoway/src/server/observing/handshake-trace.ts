import type { Trace } from '../../core/observing/trace.js'
import type { ServerTraces } from '../server-diagnostics.js'

type Context = ServerTraces['twoway:handshake']

/** The trace of one opening handshake, which ends within its call or later. */
export class HandshakeTrace {
  readonly #trace: Trace
  readonly #context: Context
  #isInCall = true

  constructor(trace: Trace, context: Context) {
    this.#trace = trace
    this.#context = context
  }

  /** Runs the call of the handshake: all that is done with the request at once. It must not throw. */
  run(call: () => void): void {
    this.#trace.begin(this.#context, call)
    this.#isInCall = false
  }

  /** The handler `upgrade` failed; the answer follows. */
  failed(error: unknown): void {
    this.#trace.fail(this.#context, error)
  }

  /** The handshake was answered with a status, or its peer left. */
  answered(status: number | undefined): void {
    this.#context.status = status
    if (!this.#isInCall) this.#trace.resume(this.#context)
  }
}

import type { Clock, Timer } from '../../ports/clock.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import { HubError } from '../hub-error.js'
import * as platform from '../platform.js'

interface Pending {
  readonly controller: AbortController
  readonly timer: Timer | undefined
  readonly ended: (reason: HubError) => void
}

/** The requests of one client whose handlers are at work. Each ends once: answered, failed, timed out or cancelled. */
export class PendingRequests {
  readonly #clock: Clock
  readonly #pending = new Map<number, Pending>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#pending.size
  }

  has(id: number): boolean {
    return this.#pending.has(id)
  }

  /** Begins a request. `ended` is called with the reason if it is cancelled, or its time is over. */
  begin(id: number, withinMs: number, ended: (reason: HubError) => void): PlatformAbortSignal {
    const controller = new platform.AbortController()
    const timedOut = (): void => this.cancel(id, new HubError('timeout', `the request took more than ${withinMs} ms`))
    const timer = withinMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(withinMs, timedOut, false)
    this.#pending.set(id, { controller, timer, ended })
    return controller.signal
  }

  /** The request is over. Returns false if it was over already: its answer is not wanted any more. */
  end(id: number): boolean {
    this.#pending.get(id)?.timer?.cancel()
    return this.#pending.delete(id)
  }

  cancel(id: number, reason: HubError): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    this.end(id)
    pending.ended(reason)
    pending.controller.abort(reason)
  }

  cancelAll(reason: HubError): void {
    for (const id of [...this.#pending.keys()]) this.cancel(id, reason)
  }
}

import type { Clock, Timer } from '../../ports/clock.js'
import type { PlatformAbortSignal } from '../../ports/platform-types.js'
import { HubError } from '../hub-error.js'
import type { HubClient, RequestContext } from '../hub-types.js'
import * as platform from '../platform.js'

/** One request, as its handler sees it. Most handlers do not look at the signal, so that it is made when it is asked for. */
class Pending implements RequestContext {
  readonly client: HubClient
  readonly timer: Timer | undefined
  readonly ended: (reason: HubError) => void
  #controller: AbortController | undefined
  #reason: HubError | undefined

  constructor(client: HubClient, timer: Timer | undefined, ended: (reason: HubError) => void) {
    this.client = client
    this.timer = timer
    this.ended = ended
  }

  get signal(): PlatformAbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new platform.AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: HubError): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
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
  begin(id: number, withinMs: number, client: HubClient, ended: (reason: HubError) => void): RequestContext {
    const timedOut = (): void => this.cancel(id, new HubError('timeout', `the request took more than ${withinMs} ms`))
    const timer = withinMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(withinMs, timedOut, false)
    const pending = new Pending(client, timer, ended)
    this.#pending.set(id, pending)
    return pending
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
    pending.abort(reason)
  }

  cancelAll(reason: HubError): void {
    for (const id of [...this.#pending.keys()]) this.cancel(id, reason)
  }
}

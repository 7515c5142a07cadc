import { isThenable } from '../../core/is-thenable.js'
import type { HubCore } from '../hub-core.js'
import { HubError } from '../hub-error.js'
import type { HubClient, HubData, RequestRule } from '../hub-types.js'
import { after } from './after.js'
import { checkData } from './check-data.js'
import { PendingRequests } from './pending-requests.js'
import type { SessionOutput } from './session-output.js'
import type { MessageOf, Received } from './session-types.js'

/** The requests of one client. Their answers do not hold up its next message. */
export class SessionRequests {
  readonly #core: HubCore
  readonly #client: HubClient
  readonly #output: SessionOutput
  readonly #pending: PendingRequests

  constructor(core: HubCore, client: HubClient, output: SessionOutput) {
    this.#core = core
    this.#client = client
    this.#output = output
    this.#pending = new PendingRequests(core.clock)
  }

  /** The number of requests that have no answer yet. */
  get size(): number {
    return this.#pending.size
  }

  has(id: number): boolean {
    return this.#pending.has(id)
  }

  /** Throws a HubError, or rejects with one, if the request can't begin. */
  begin({ message, body }: Received<MessageOf<'req'>>): void | Promise<void> {
    const { method, data = null } = message
    const rule = this.#core.requests.get(method)
    if (rule === undefined) throw new HubError('unknown-method', `there is no request "${method}"`)
    return after(checkData(rule.input, body ?? data), (input) => this.#call(message, rule, input))
  }

  cancel(id: number): void {
    this.#pending.cancel(id, new HubError('cancelled', 'the client has cancelled the request'))
  }

  cancelAll(): void {
    // Most clients leave without one, and an error costs its stack.
    if (this.#pending.size > 0) this.#pending.cancelAll(new HubError('cancelled', 'the client is gone'))
  }

  #call(message: MessageOf<'req'>, rule: RequestRule, input: unknown): void {
    const { id, within = Number.POSITIVE_INFINITY } = message
    const withinMs = Math.min(within, this.#core.limits.requestTimeoutMs)
    const failed = (error: unknown): void => {
      if (this.#pending.end(id)) this.#output.fail(message, error)
    }
    const context = this.#pending.begin(id, withinMs, this.#client, (reason) => this.#output.fail(message, reason))
    try {
      const answer: unknown = rule.handle(input as never, context)
      if (isAsyncIterable(answer)) this.#sendParts(id, answer).catch(failed)
      else if (isThenable(answer))
        Promise.resolve(answer)
          .then((value) => this.#answer(id, value))
          .catch(failed)
      else this.#answer(id, answer)
    } catch (error) {
      failed(error)
    }
  }

  async #sendParts(id: number, parts: AsyncIterable<unknown>): Promise<void> {
    for await (const part of parts) {
      if (!this.has(id)) return
      this.#output.data({ t: 'part', id }, part as HubData)
      if (!this.#output.hasRoom) await this.#output.whenRoom()
    }
    this.#answer(id, undefined)
  }

  #answer(id: number, answer: unknown): void {
    if (!this.has(id)) return
    this.#output.data({ t: 'ok', id }, answer as HubData | undefined)
    this.#pending.end(id)
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

import type { Timer } from '../../ports/clock.js'
import { type ErrorCode, errorCodes, type Json } from '../../subprotocol/messages.js'
import type { HubCore } from '../hub-core.js'
import { HubError } from '../hub-error.js'
import type { HubClient, Identity } from '../hub-types.js'
import type { SessionSocket } from './session-types.js'

/** The identity of a client, and when it expires. Credentials that are missing, refused or expired end the session. */
export class Credentials {
  identity: Identity = {}
  readonly #core: HubCore
  readonly #socket: SessionSocket
  readonly #client: HubClient
  readonly #end: (code: ErrorCode, message: string) => void
  #expiry: Timer
  #isOver = false

  constructor(
    core: HubCore,
    socket: SessionSocket,
    client: HubClient,
    end: (code: ErrorCode, message: string) => void,
  ) {
    this.#core = core
    this.#socket = socket
    this.#client = client
    this.#end = end
    const { helloTimeoutMs } = core.limits
    this.#expiry = this.#after(helloTimeoutMs, 'unauthorized', `no hello was answered within ${helloTimeoutMs} ms`)
  }

  /**
   * Asks the application. Returns the fields of the answer, with the milliseconds after which the credentials expire;
   * undefined if the session has ended.
   * @param isRenewal whether the user must be the same as before
   */
  async take(token: Json | undefined, isRenewal: boolean): Promise<{ readonly expires?: number } | undefined> {
    let identity: Identity | undefined
    try {
      identity = await this.#core.authenticate({ token, request: this.#socket.request, data: this.#socket.data })
      if (identity === undefined) throw new HubError('unauthorized', 'the credentials are not valid')
      if (isRenewal && identity.user !== this.identity.user) {
        throw new HubError('unauthorized', 'the new credentials are those of another user')
      }
    } catch (error) {
      if (!this.#isOver) this.#refuse(error)
      return undefined
    }
    if (this.#isOver) return undefined
    this.identity = identity
    this.#expiry.cancel()
    const { expiresInMs } = identity
    if (expiresInMs === undefined) return {}
    const message = 'the credentials have expired: connect with new ones'
    this.#expiry = this.#after(Math.max(0, expiresInMs), 'expired', message)
    return { expires: expiresInMs }
  }

  /** The session is over. */
  drop(): void {
    this.#isOver = true
    this.#expiry.cancel()
  }

  #refuse(error: unknown): void {
    if (!(error instanceof HubError)) {
      this.#core.report(error, this.#client)
      this.#end('unauthorized', 'the credentials could not be checked')
    } else this.#end(errorCodes[error.code] === undefined ? 'unauthorized' : error.code, error.message)
  }

  #after(delayMs: number, code: ErrorCode, message: string): Timer {
    return this.#core.clock.after(delayMs, () => this.#end(code, message), false)
  }
}

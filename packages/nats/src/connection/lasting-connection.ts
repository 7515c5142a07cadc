import { setTimeout as sleep } from 'node:timers/promises'
import {
  createInbox,
  type Msg,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  type RequestOptions,
  TimeoutError,
} from '@nats-io/nats-core'
import { permissionError } from './permission-error.js'
import { guarded } from './subscribe.js'

/** The time for the first answer. Each further attempt gets twice as much. */
const firstAttemptMs = 500

export interface ConnectionListener {
  lost?(): void
  /** The connection is there again, with its subscriptions. */
  returned?(): void
  /** The server has refused a publish, or a subscription, to the user. */
  refused?(error: PermissionViolationError): void
}

/** A connection to NATS that was lost and is there again. */
class ConnectionReturned extends Error {}

/**
 * A connection that is lost and comes back. NATS loses the answers that were on their way, so that a request is repeated then.
 * All requests of the broker may be repeated: they read, or JetStream knows them by their id.
 */
export class LastingConnection {
  readonly connection: NatsConnection
  isAway = false
  readonly #listeners = new Set<ConnectionListener>()
  readonly #report: (error: unknown) => void

  /** @param report gets the errors of listeners */
  constructor(connection: NatsConnection, report: (error: unknown) => void) {
    this.connection = connection
    this.#report = report
    void this.#watch()
  }

  /** A subject for answers, below the prefix that the user of the connection may subscribe to. */
  createInbox(): string {
    // The client's type does not show its options.
    const { options } = this.connection as { readonly options?: { readonly inboxPrefix?: string } }
    return createInbox(options?.inboxPrefix)
  }

  /** Calls back at each loss and each return. Returns a function that ends it. */
  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Requests, and again when the connection returns or no answer comes, until the time is over. A cluster that elects a leader
   * drops requests.
   */
  async request(subject: string, data: Uint8Array | string, options: RequestOptions): Promise<Msg> {
    const until = performance.now() + options.timeout
    for (let attemptMs = firstAttemptMs; ; attemptMs *= 2) {
      const leftMs = (): number => Math.max(1, Math.ceil(until - performance.now()))
      try {
        return await this.repeated(async () => {
          // The client would keep the request after this has given up.
          if (this.isAway) {
            await sleep(leftMs(), undefined, { ref: false })
            throw new Error(`NATS is away: there was no connection within ${options.timeout} ms`)
          }
          return this.connection.request(subject, data, { ...options, timeout: Math.min(attemptMs, leftMs()) })
        }, subject)
      } catch (error) {
        const refused = permissionError(error)
        if (refused !== undefined) throw refused
        const isLate = performance.now() >= until
        if (isLate && error instanceof TimeoutError) {
          throw new Error(`NATS has not answered within ${options.timeout} ms`, { cause: error })
        }
        if (isLate) throw error
        // A server that starts, and a cluster without a leader, take no requests for a while.
        if (isUnanswered(error) || isInterrupted(error)) await sleep(Math.min(50, leftMs()))
        else if (!(error instanceof TimeoutError)) throw error
      }
    }
  }

  /**
   * Acts, and acts again when the connection returns meanwhile.
   * @param subject rejects if the user may not publish to it
   */
  async repeated<Result>(act: () => Promise<Result>, subject?: string): Promise<Result> {
    for (;;) {
      let end: () => void = () => undefined
      const returned = new Promise<never>((_, reject) => {
        end = this.listen({
          returned: () => reject(new ConnectionReturned()),
          refused: (error) => {
            if (error.operation === 'publish' && error.subject === subject) reject(error)
          },
        })
      })
      const acting = act()
      // The one that loses the race may reject later.
      acting.catch(() => undefined)
      try {
        return await Promise.race([acting, returned])
      } catch (error) {
        if (!(error instanceof ConnectionReturned)) throw error
      } finally {
        end()
      }
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        const { error } = status
        this.#tell((listener) => listener.refused?.(error))
      }
      if (status.type === 'disconnect') {
        this.isAway = true
        this.#tell((listener) => listener.lost?.())
      }
      if (status.type === 'reconnect') {
        this.isAway = false
        this.#tell((listener) => listener.returned?.())
      }
    }
  }

  #tell(call: (listener: ConnectionListener) => void): void {
    for (const listener of [...this.#listeners]) guarded(this.#report, () => call(listener))
  }
}

/** Whether no server took a request. The client gives the error in a RequestError. */
function isUnanswered(error: unknown): boolean {
  return error instanceof NoRespondersError || (error instanceof RequestError && error.isNoResponders())
}

/** Whether the connection was lost. The client has no class of its own for this error. */
function isInterrupted(error: unknown): boolean {
  return error instanceof RequestError && error.message === 'connection disconnected'
}

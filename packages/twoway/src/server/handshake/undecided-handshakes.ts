import { TransportError, UsageError } from '../../core/errors.js'
import { encodeResponse } from '../../core/http/encode-response.js'
import type { HttpResponse, MiddlewareRun } from '../../ports/http-host.js'
import type { Transport } from '../../ports/transport.js'
import type { UpgradeAcceptance } from '../answer-types.js'
import type { ServerConnection } from '../connection/server-connection.js'
import type { HandshakeTrace } from '../observing/handshake-trace.js'
import type { RequestPeer } from '../proxies/request-peer.js'
import type { ServerSettings } from '../server-settings.js'
import { type Acceptance, isRefusal } from './http-answer.js'
import { IncomingRequest } from './incoming-request.js'
import { crowded, stopping, tooLate } from './own-responses.js'
import { WaitingPeer } from './waiting-peer.js'

/** A decision that an app has taken itself, and the function that learns its outcome. */
export interface AppDecision<Data> {
  /** Replaces `upgrade` if it is not undefined. */
  readonly acceptance: UpgradeAcceptance<Data> | undefined
  /** Whether a function of the option `path` has taken the handshake already. */
  readonly isRouted: boolean
  /** Undefined if the client was refused, or has left. */
  settle(socket: ServerConnection<Data> | undefined): void
}

/** A handshake that has no answer yet. */
export interface OpenRequest<Data> {
  readonly transport: Transport
  readonly method: string
  readonly app: AppDecision<Data> | undefined
  /** The peer of the transport until the fields of a trusted proxy are read. */
  peer: Pick<RequestPeer, 'address'>
  /** Undefined before it is read. */
  request?: IncomingRequest
  /** Undefined if no code traces handshakes. */
  trace?: HandshakeTrace | undefined
  /** Undefined for a handshake without middleware. */
  middleware?: MiddlewareRun
}

interface UndecidedEvents<Data> {
  /** The peer left before the decision. */
  left(open: OpenRequest<Data>): void
  /** `upgrade` failed, or its decision can't be carried out. */
  failed(open: OpenRequest<Data>, error: unknown): void
  /** The same, after the handshake was answered otherwise. */
  failedLate(error: unknown): void
}

/** Continues with a decision, or with a refusal in its place, and the bytes that the peer sent meanwhile. */
type Decided<Data> = (decided: Acceptance<Data> | HttpResponse, ahead: Uint8Array | undefined) => void

/** The handshakes that `upgrade` has not decided on. */
export class UndecidedHandshakes<Data> {
  readonly #settings: ServerSettings<Data>
  readonly #events: UndecidedEvents<Data>
  /** A function for each handshake that gives it up. */
  readonly #waiting = new Set<() => void>()
  readonly #onEmpty: (() => void)[] = []

  constructor(settings: ServerSettings<Data>, events: UndecidedEvents<Data>) {
    this.#settings = settings
    this.#events = events
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Resolves when no handshake waits. */
  whenEmpty(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  /** Refuses all that wait: the server stops. */
  giveUp(): void {
    for (const giveUp of this.#waiting) giveUp()
  }

  /**
   * Calls `goOn` with the decision, or with a refusal if the decision is late. If the peer leaves first, neither happens,
   * and another handshake may take its place. A later failure of `upgrade`, and an answer that could not have been sent,
   * are still reported.
   */
  wait(open: OpenRequest<Data>, decision: Promise<Acceptance<Data> | HttpResponse>, goOn: Decided<Data>): void {
    const { limits, ports, receiveBudget } = this.#settings
    const { request } = open
    const peer = new WaitingPeer(open.transport, ports.payload, receiveBudget, {
      left: () => {
        if (endWaiting('the peer left before upgrade() had decided')) this.#events.left(open)
      },
      noRoom: () => {
        if (endWaiting('the server has no memory left for the bytes that the peer sent ahead')) finish(crowded)
      },
    })
    /** Returns false if the waiting had ended already. */
    const endWaiting = (why?: string): boolean => {
      if (!this.#waiting.delete(stop)) return false
      if (this.#waiting.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve()
      timer.cancel()
      if (why !== undefined && request !== undefined) IncomingRequest.giveUp(request, new TransportError(why))
      return true
    }
    const finish = (decided: Acceptance<Data> | HttpResponse): void => {
      try {
        goOn(decided, peer.release())
      } catch (error) {
        this.#events.failed(open, error)
      }
    }
    const stop = (): void => {
      if (endWaiting('the server stopped before upgrade() had decided')) finish(stopping)
    }
    let isLate = false
    const timer = ports.clock.after(limits.handshakeTimeoutMs, () => {
      isLate = true
      const late = open.middleware?.waitsFor
      if (late !== undefined) this.#events.failedLate(middlewareTooLate(late, limits.handshakeTimeoutMs))
      if (endWaiting(`upgrade() did not decide within ${limits.handshakeTimeoutMs} ms`)) finish(tooLate)
    })
    this.#waiting.add(stop)
    decision.then(
      (decided) => {
        if (endWaiting()) finish(decided)
        else this.#reportUnsent(decided, isLate)
      },
      (error: unknown) => {
        if (endWaiting()) {
          peer.release()
          this.#events.failed(open, error)
        } else if (request === undefined || !IncomingRequest.explains(request, error)) {
          this.#events.failedLate(error)
        }
      },
    )
  }

  /**
   * Reports an answer of `upgrade` that came after the waiting had ended: an acceptance after the client got a 503, as the
   * program believes that it has the client; and a refusal that can't be encoded, which is the program's mistake at any time.
   */
  #reportUnsent(decided: Acceptance<Data> | HttpResponse, isLate: boolean): void {
    try {
      if (isRefusal(decided)) {
        encodeResponse(decided)
      } else if (isLate) {
        const { handshakeTimeoutMs } = this.#settings.limits
        throw new UsageError(
          'upgradeTooLate',
          `upgrade() accepted a client later than handshakeTimeoutMs (${handshakeTimeoutMs} ms), and the client was refused with 503: end the work when request.signal is aborted, or allow more time`,
        )
      }
    } catch (error) {
      this.#events.failedLate(error)
    }
  }
}

/** Names the function that holds back a handshake: the client only gets a 503. */
function middlewareTooLate(waitsFor: NonNullable<MiddlewareRun['waitsFor']>, handshakeTimeoutMs: number): UsageError {
  const within = `within handshakeTimeoutMs (${handshakeTimeoutMs} ms), and the client was refused with 503`
  if (waitsFor === 'end') {
    return new UsageError(
      'middlewareTooLate',
      `a function of use that replaces end() of the response, as express-session does, did not end it ${within}: check the store of the sessions`,
    )
  }
  const { index, name } = waitsFor
  return new UsageError(
    'middlewareTooLate',
    `use[${index}]${name === '' ? '' : ` (${name})`} neither called next() nor ended the response ${within}`,
  )
}

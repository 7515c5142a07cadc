import { HandshakeError, TransportError, UsageError } from '../core/errors.js'
import { formatExtensions } from '../core/extensions/extension-header.js'
import { acceptExtension } from '../core/extensions/negotiation.js'
import { acceptanceOf, type ClientOffer, checkRequest, refusalOf } from '../core/handshake/server-handshake.js'
import type { HttpResponse, RequestHead } from '../ports/http-host.js'
import type { Transport } from '../ports/transport.js'
import { HandshakeRate } from './handshake-rate.js'
import { checkHost } from './host.js'
import { fieldsOf, readHttpAnswer } from './http-answer.js'
import { IncomingRequest } from './incoming-request.js'
import { isThenable } from './is-thenable.js'
import { LazyAbort } from './lazy-abort.js'
import { checkOrigin } from './origin.js'
import { Refusal } from './refusal.js'
import type { AcceptedHandshake } from './server-connection.js'
import type { ServerSettings } from './server-settings.js'
import type { UpgradeAcceptance, UpgradeAnswer } from './server-types.js'
import { WaitingPeer } from './waiting-peer.js'

export interface AdmissionEvents<Data> {
  /** The address that the server listens on now, '' where there is none. */
  readonly listensOn: string
  /** The handshake was answered with 101; the transport is still that of the handshake. */
  accepted(accepted: AcceptedHandshake<Data>): void
  /** The user's handler failed, or what it returned can't be used. */
  failed(error: unknown): void
}

function plainAnswer(status: number, sentence: string, ...fields: readonly string[]): HttpResponse {
  return { status, fields: ['Content-Type', 'text/plain; charset=utf-8', ...fields], body: `${sentence}\n` }
}

export const failure = plainAnswer(500, 'the server failed on this request')
const stopping = plainAnswer(503, 'the server is stopping: try again later', 'Retry-After', '5')
const full = plainAnswer(503, 'the server has no room: try again later', 'Retry-After', '5')
const tooFrequent = plainAnswer(429, 'too many handshakes came from your address: try again later', 'Retry-After', '1')
const tooLate = plainAnswer(503, 'the server did not decide on this request in time')

/** Decides on opening handshakes: by how often they come, by the standard's rules, by host and origin, by how many there are, then by `upgrade`. */
export class Admission<Data> {
  readonly #settings: ServerSettings<Data>
  readonly #connections: { readonly size: number }
  readonly #events: AdmissionEvents<Data>
  /** The handshakes that `upgrade` has not decided on: each can be given up. */
  readonly #undecided = new Set<() => void>()
  readonly #refusals = new Set<Promise<void>>()
  readonly #rate: HandshakeRate | undefined
  #isStopped = false

  constructor(settings: ServerSettings<Data>, connections: { readonly size: number }, events: AdmissionEvents<Data>) {
    this.#settings = settings
    this.#connections = connections
    this.#events = events
    const { maxHandshakesPerSecond } = settings.limits
    if (Number.isFinite(maxHandshakesPerSecond)) this.#rate = new HandshakeRate(maxHandshakesPerSecond)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Refuses all handshakes that are not decided yet, and all to come. Resolves when those that are refused are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const giveUp of this.#undecided) giveUp()
    await Promise.all(this.#refusals)
  }

  /** Answers a handshake. What the peer sends before the decision waits for it. */
  admit(head: RequestHead, transport: Transport): void {
    const { handlers, hosts, origin } = this.#settings
    try {
      if (!this.#isInRate(transport)) {
        this.#refuse(transport, tooFrequent)
        return
      }
      const offer = checkRequest(head)
      checkHost(offer.headers, this.#events.listensOn, hosts)
      checkOrigin(offer.headers, transport.peer.encrypted, origin)
      const abort = new LazyAbort()
      const request = new IncomingRequest(head, transport.peer, 'ws', offer.headers, offer.protocols, abort)
      const noRoom = this.#isStopped ? stopping : this.#isFull ? full : undefined
      const answer = noRoom === undefined ? handlers.upgrade?.(request) : undefined
      if (noRoom !== undefined) this.#refuse(transport, noRoom)
      else if (isThenable(answer) || isRefusal(answer)) {
        this.#whenDecided(transport, readAnswer(answer), abort, (decided, ahead) => {
          if (isRefusal(decided)) this.#refuse(transport, decided)
          else this.#accept(transport, offer, request, decided, ahead)
        })
      } else this.#accept(transport, offer, request, answer)
    } catch (error) {
      this.#fail(transport, error)
    }
  }

  /** Answers what is no handshake for us, in time. */
  answer(transport: Transport, response: Promise<HttpResponse>): void {
    this.#whenDecided(transport, response, new LazyAbort(), (decided) => this.#refuse(transport, decided))
  }

  #isInRate({ peer: { address } }: Transport): boolean {
    if (this.#rate === undefined || address === undefined) return true
    return this.#rate.take(address, this.#settings.ports.clock.now())
  }

  get #isFull(): boolean {
    return this.#connections.size + this.#undecided.size >= this.#settings.limits.maxConnections
  }

  /**
   * Goes on with a decision, or with a refusal where it does not come in time; not at all where the peer leaves first:
   * its place is free from then on. A failure that comes later is told.
   */
  #whenDecided<Decision>(
    transport: Transport,
    decision: Promise<Decision>,
    abort: LazyAbort,
    goOn: (decided: Decision | HttpResponse, ahead: Uint8Array | undefined) => void,
  ): void {
    const { limits, ports } = this.#settings
    const peer = new WaitingPeer(transport, ports.payload, () =>
      endWaiting('the peer left before upgrade() had decided'),
    )
    /** Returns false where the waiting has ended before. */
    const endWaiting = (why?: string): boolean => {
      if (!this.#undecided.delete(stop)) return false
      timer.cancel()
      if (why !== undefined) abort.abort(new TransportError(why))
      return true
    }
    const finish = (decided: Decision | HttpResponse): void => {
      try {
        goOn(decided, peer.release())
      } catch (error) {
        this.#fail(transport, error)
      }
    }
    const stop = (): void => {
      if (endWaiting('the server stopped before upgrade() had decided')) finish(stopping)
    }
    const timer = ports.clock.after(limits.handshakeTimeoutMs, () => {
      if (endWaiting(`upgrade() did not decide within ${limits.handshakeTimeoutMs} ms`)) finish(tooLate)
    })
    this.#undecided.add(stop)
    decision.then(
      (decided) => {
        if (endWaiting()) finish(decided)
      },
      (error: unknown) => {
        if (endWaiting()) {
          peer.release()
          this.#fail(transport, error)
        } else if (!abort.explains(error)) {
          this.#events.failed(error)
        }
      },
    )
  }

  #accept(
    transport: Transport,
    offer: ClientOffer,
    request: IncomingRequest,
    answer: UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> = {},
    ahead?: Uint8Array,
  ): void {
    if (typeof answer !== 'object' || answer === null) {
      throw new UsageError(
        'upgradeAnswerInvalid',
        `upgrade() returned ${String(answer)}: return an object or nothing to let a client in, a status to refuse it`,
      )
    }
    const { protocol = '', headers } = answer
    if (protocol !== '' && !offer.protocols.includes(protocol)) {
      const offered = offer.protocols.length === 0 ? 'none' : offer.protocols.join(', ')
      throw new UsageError(
        'protocolNotOffered',
        `upgrade() chose the subprotocol "${protocol}", of those offered (${offered}) it must be one: choose from request.protocols`,
      )
    }
    const agreed = acceptExtension(offer.extensions, this.#settings.ports.negotiators)
    const extensions = agreed === undefined ? undefined : formatExtensions([agreed.answer])
    transport.write(acceptanceOf({ key: offer.key, protocol, extensions, fields: fieldsOf(headers) }))
    this.#events.accepted({
      transport,
      request,
      data: answer.data as Data,
      protocol,
      extensions: extensions ?? '',
      extension: agreed?.extension,
      ahead,
    })
  }

  /** Answers a request with what is no connection, and sees its transport to the end. */
  #refuse(transport: Transport, response: HttpResponse): void {
    const { ports, limits } = this.#settings
    const gone = new Refusal(transport, response, ports.clock, limits.closeTimeoutMs).gone.then(() => {
      this.#refusals.delete(gone)
    })
    this.#refusals.add(gone)
  }

  #fail(transport: Transport, error: unknown): void {
    this.#refuse(transport, error instanceof HandshakeError ? refusalOf(error) : failure)
    if (!(error instanceof HandshakeError)) this.#events.failed(error)
  }
}

type Acceptance<Data> = UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> | undefined

/** What `upgrade` answered, with a refusal's body read. */
async function readAnswer<Data>(
  answer: UpgradeAnswer<Data> | PromiseLike<UpgradeAnswer<Data>>,
): Promise<Acceptance<Data> | HttpResponse> {
  const answered = await answer
  return isRefusal(answered) ? readHttpAnswer(answered) : answered
}

function isRefusal<Refused extends { readonly status: number }>(
  answer: Acceptance<unknown> | Refused,
): answer is Refused {
  return answer?.status !== undefined
}

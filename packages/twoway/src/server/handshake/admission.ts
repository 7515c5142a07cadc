import { HandshakeError, UsageError } from '../../core/errors.js'
import { acceptExtension } from '../../core/extensions/negotiation.js'
import type { ClientOffer } from '../../core/handshake/client-offer.js'
import { accept } from '../../core/handshake/encode-acceptance.js'
import { RepeatedHead } from '../../core/handshake/repeated-head.js'
import { checkRequest, refusalOf } from '../../core/handshake/server-handshake.js'
import { isToken } from '../../core/http/field-syntax.js'
import { pathUnknown } from '../../core/http/standard-responses.js'
import { isThenable } from '../../core/is-thenable.js'
import { quoted } from '../../core/printable.js'
import type { HandedUpgrade, HttpResponse, RequestHead } from '../../ports/http-host.js'
import type { Transport, TransportPeer } from '../../ports/transport.js'
import type { UpgradeAcceptance, UpgradeAnswer } from '../answer-types.js'
import type { AcceptedHandshake } from '../connection/accepted-handshake.js'
import type { ServerConnection } from '../connection/server-connection.js'
import type { HandshakeTrace } from '../observing/handshake-trace.js'
import type { Observer } from '../observing/observer.js'
import { IgnoredFields, ignoredField } from '../proxies/ignored-fields.js'
import { type RequestPeer, requestPeer } from '../proxies/request-peer.js'
import type { ServerSettings } from '../server-settings.js'
import { describe } from './describe.js'
import { HandshakeRate } from './handshake-rate.js'
import { checkHost } from './host.js'
import { fieldsOf, isRefusal, readAnswer } from './http-answer.js'
import { IncomingRequest } from './incoming-request.js'
import { upgradeContext } from './node-request.js'
import { checkOrigin } from './origin.js'
import { failure, full, plainResponse, stopping, tooFrequent } from './own-responses.js'
import { Refusal } from './refusal.js'
import { throughMiddleware } from './through-middleware.js'
import { type AppDecision, type OpenRequest, UndecidedHandshakes } from './undecided-handshakes.js'

/** The circumstances on which the checks of Host and Origin depend beside the head and the options. */
interface Circumstances {
  readonly listensOn: string
  readonly encrypted: boolean
}

export interface AdmissionEvents<Data> {
  /** The address that the server listens on now; '' if it has none. */
  readonly listensOn: string
  /** Whether the user's function takes the handshake, if the option `path` is one. */
  isWanted(request: IncomingRequest): boolean
  /** The handshake was answered with 101; the transport is still that of the handshake. */
  accepted(accepted: AcceptedHandshake<Data>): ServerConnection<Data>
  /** The user's handler failed, or returned a value that can't be used. */
  failed(error: unknown): void
}

const acceptanceMembers: ReadonlySet<string> = new Set<keyof UpgradeAcceptance<unknown>>([
  'data',
  'headers',
  'messageStream',
  'perMessageDeflate',
  'protocol',
  'status',
])

/** Decides on opening handshakes: by their rate, the standard's rules, host and origin, the number of connections, and then `upgrade`. */
export class Admission<Data> {
  readonly #settings: ServerSettings<Data>
  readonly #connections: { readonly size: number }
  readonly #observer: Observer
  readonly #events: AdmissionEvents<Data>
  readonly #undecided: UndecidedHandshakes<Data>
  readonly #refusals = new Set<Promise<void>>()
  readonly #rate: HandshakeRate | undefined
  readonly #ignoredFields: IgnoredFields
  /** Those of the last handshake. */
  #circumstances: Circumstances = { listensOn: '', encrypted: false }
  #isStopped = false

  constructor(
    settings: ServerSettings<Data>,
    connections: { readonly size: number },
    observer: Observer,
    events: AdmissionEvents<Data>,
  ) {
    this.#settings = settings
    this.#connections = connections
    this.#observer = observer
    this.#events = events
    this.#ignoredFields = new IgnoredFields(settings.trustedProxies)
    this.#undecided = new UndecidedHandshakes(settings, {
      left: ({ request, trace, app }) => {
        if (request !== undefined) this.#observer.handshakeLeft(request, trace)
        app?.settle(undefined)
      },
      failed: (open, error) => this.#fail(open, error),
      failedLate: (error) => this.#events.failed(error),
    })
    const { maxHandshakesPerSecond } = settings.limits
    if (Number.isFinite(maxHandshakesPerSecond)) this.#rate = new HandshakeRate(maxHandshakesPerSecond)
  }

  /** Handshakes that wait for a decision. */
  get waiting(): number {
    return this.#undecided.size
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Resolves when no handshake waits for a decision. */
  whenDecided(): Promise<void> {
    return this.#undecided.whenEmpty()
  }

  /** Refuses all undecided and all future handshakes. Resolves when the refused ones are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#undecided.giveUp()
    await Promise.all(this.#refusals)
  }

  /** Tells `error` once of a proxy that `trustedProxies` does not name. */
  reportIgnored(head: RequestHead, peer: TransportPeer): void {
    const error = this.#ignoredFields.errorFor(head, peer)
    if (error !== undefined) this.#events.failed(error)
  }

  /** Answers a handshake. Bytes that arrive before the decision wait for it. */
  admit(head: RequestHead, transport: Transport, handed?: HandedUpgrade, app?: AppDecision<Data>): void {
    const { route, trustedProxies } = this.#settings
    const open: OpenRequest<Data> = { transport, method: head.method, peer: transport.peer, app }
    try {
      const peer = requestPeer(head, transport.peer, trustedProxies)
      open.peer = peer
      this.reportIgnored(head, transport.peer)
      if (!this.#isInRate(peer)) {
        this.#refuse(open, tooFrequent)
        return
      }
      const offer = checkRequest(head)
      this.#checkSite(head, offer, peer, transport, handed?.listensOn ?? this.#events.listensOn)
      const params = route.match(head.target)
      const request = new IncomingRequest(head, peer, 'ws', offer.headers, offer.protocols, params)
      open.request = request
      const trace = this.#observer.traceHandshake(peer.address, request)
      open.trace = trace
      const isMatch = params !== undefined
      if (trace === undefined) this.#answer(open, offer, request, isMatch, handed)
      else this.#answerTraced(trace, open, offer, request, isMatch, handed)
    } catch (error) {
      this.#fail(open, error)
    }
  }

  /** Checks Host and Origin, once for all heads that repeat one (`npm run bench`, row `handshake`). */
  #checkSite(head: RequestHead, offer: ClientOffer, peer: RequestPeer, transport: Transport, listensOn: string): void {
    const { encrypted, host } = peer
    const { hosts, origin, trustedProxies } = this.#settings
    const last = this.#circumstances
    if (last.listensOn !== listensOn || last.encrypted !== encrypted) this.#circumstances = { listensOn, encrypted }
    const isSameForAll = host === undefined && isUnlisted(hosts) && isUnlisted(origin)
    if (isSameForAll && RepeatedHead.hasPassed(head, this.#circumstances)) return
    checkHost(offer.headers, listensOn, hosts, host)
    checkOrigin(offer.headers, encrypted, origin, host, () => ignoredField(head.fields, transport.peer, trustedProxies))
    if (isSameForAll) RepeatedHead.pass(head, this.#circumstances)
  }

  // V8 allocates a context on each call of a function that contains a closure, so these closures have functions of their own.

  #answerTraced(
    trace: HandshakeTrace,
    open: OpenRequest<Data>,
    offer: ClientOffer,
    request: IncomingRequest,
    matchesRoute: boolean,
    handed: HandedUpgrade | undefined,
  ): void {
    trace.run(() => this.#answer(open, offer, request, matchesRoute, handed))
  }

  /** Answers a handshake whose request is in order. */
  #answer(
    open: OpenRequest<Data>,
    offer: ClientOffer,
    request: IncomingRequest,
    matchesRoute: boolean,
    handed: HandedUpgrade | undefined,
  ): void {
    const { app } = open
    try {
      const noRoom = this.#isStopped ? stopping : this.#isFull() ? full : undefined
      const isOurs = matchesRoute && (app?.isRouted === true || this.#events.isWanted(request))
      const refusal = isOurs ? noRoom : pathUnknown(request.url)
      if (refusal !== undefined) {
        this.#refuse(open, refusal)
        return
      }
      const answer = this.#decide(open, request, handed)
      if (isThenable(answer) || isRefusal(answer)) this.#waitFor(readAnswer(answer), open, offer, request)
      else this.#accept(open, offer, request, answer)
    } catch (error) {
      this.#fail(open, error)
    }
  }

  #waitFor(
    decision: ReturnType<typeof readAnswer<Data>>,
    open: OpenRequest<Data>,
    offer: ClientOffer,
    request: IncomingRequest,
  ): void {
    this.#undecided.wait(open, decision, (decided, ahead) => {
      if (isRefusal(decided)) this.#refuse(open, decided)
      else this.#accept(open, offer, request, decided, ahead)
    })
  }

  /** Runs the middleware, if there is any, and then `upgrade`, unless the app has decided. */
  #decide(
    open: OpenRequest<Data>,
    request: IncomingRequest,
    handed: HandedUpgrade | undefined,
  ): UpgradeAnswer<Data> | PromiseLike<UpgradeAnswer<Data>> {
    if (handed === undefined || this.#settings.use.length === 0) {
      return open.app?.acceptance ?? this.#ask(request, handed)
    }
    return this.#decideAfterMiddleware(open, request, handed)
  }

  #decideAfterMiddleware(
    open: OpenRequest<Data>,
    request: IncomingRequest,
    handed: HandedUpgrade,
  ): PromiseLike<UpgradeAnswer<Data>> {
    const run = handed.runMiddleware(this.#settings.use, (error) => this.#events.failed(error))
    open.middleware = run
    return throughMiddleware<Data>(run, request.signal, () =>
      readAnswer(open.app?.acceptance ?? this.#ask(request, handed)),
    )
  }

  #ask(
    request: IncomingRequest,
    handed: HandedUpgrade | undefined,
  ): UpgradeAnswer<Data> | PromiseLike<UpgradeAnswer<Data>> {
    const { handlers } = this.#settings
    if (handlers.upgrade === undefined) return undefined
    if (this.#observer.watchesHandlers) return this.#askWatched(request, handed)
    return handlers.upgrade(request, upgradeContext(handed))
  }

  #askWatched(
    request: IncomingRequest,
    handed: HandedUpgrade | undefined,
  ): UpgradeAnswer<Data> | PromiseLike<UpgradeAnswer<Data>> {
    const call = () => this.#settings.handlers.upgrade!(request, upgradeContext(handed))
    return this.#observer.callHandler('upgrade', undefined, request, call) as ReturnType<typeof call>
  }

  #isInRate({ countedAddress: address }: RequestPeer): boolean {
    if (this.#rate === undefined || address === undefined) return true
    return this.#rate.take(address, this.#settings.ports.clock.now())
  }

  #isFull(): boolean {
    return this.#connections.size + this.#undecided.size >= this.#settings.limits.maxConnections
  }

  #accept(
    open: OpenRequest<Data>,
    offer: ClientOffer,
    request: IncomingRequest,
    answer: UpgradeAcceptance<Data> | UpgradeAcceptance<undefined> = {},
    ahead?: Uint8Array,
  ): void {
    if (typeof answer !== 'object' || answer === null) {
      throw new UsageError(
        'upgradeAnswerInvalid',
        `upgrade() returned ${describe(answer)}: return an object or nothing to accept the client, or a status to refuse it`,
      )
    }
    for (const name in answer) {
      // A misspelt status must not let a client in.
      if (!acceptanceMembers.has(name)) {
        throw new UsageError(
          'upgradeAnswerInvalid',
          `upgrade() answered with ${describe(name)}: an answer has a status that refuses, or ${[...acceptanceMembers].join(', ')}`,
        )
      }
    }
    const { transport, app, trace } = open
    const { handlers, negotiators } = this.#settings
    const { perMessageDeflate = true, messageStream = handlers.message === undefined, headers } = answer
    const protocol = answer.protocol ?? ''
    if (protocol !== '' && !offer.protocols.includes(protocol)) {
      this.#refuseProtocol(open, offer, protocol)
      return
    }
    if (answer.messageStream === true && handlers.messageStream === undefined) {
      throw new UsageError(
        'upgradeAnswerInvalid',
        'upgrade() answered messageStream: true, but the server has no handler messageStream: add one',
      )
    }
    const agreed = acceptExtension(offer.extensions, perMessageDeflate ? negotiators : [])
    const { key, expectsContinue } = offer
    accept(transport, { key, protocol, extensions: agreed?.answer, fields: fieldsOf(headers), expectsContinue })
    this.#observer.handshakeAnswered(101, request.remoteAddress, request, trace)
    const socket = this.#events.accepted({
      transport,
      request,
      data: answer.data as Data,
      protocol,
      extensions: agreed?.answer ?? '',
      extension: agreed?.extension,
      messageStream: messageStream && handlers.messageStream !== undefined,
      ahead,
    })
    app?.settle(socket)
  }

  /** Refuses a handshake, and ends its transport. */
  #refuse({ transport, method, peer, request, app, trace }: OpenRequest<Data>, response: HttpResponse): void {
    const { ports, limits } = this.#settings
    const { address } = peer
    const refusal = new Refusal(transport, response, ports.clock, limits.closeTimeoutMs, method === 'HEAD')
    const gone = refusal.gone.then(() => {
      this.#refusals.delete(gone)
    })
    this.#refusals.add(gone)
    this.#observer.refused(response.reason, address)
    this.#observer.handshakeAnswered(response.status, address, request, trace)
    if (request === undefined) this.#traceUnread(address, response.status)
    app?.settle(undefined)
  }

  /**
   * A server may send only a subprotocol that the client offers, RFC 6455 §4.2.2 (5). Without one, the two sides would
   * speak different protocols, so the answer names the one that the client lacks.
   */
  #refuseProtocol(open: OpenRequest<Data>, { protocols }: ClientOffer, chosen: unknown): void {
    const offered = protocols.length === 0 ? 'none' : quoted(protocols.join(', '))
    const name = typeof chosen === 'string' ? `"${quoted(chosen)}"` : describe(chosen)
    const canBeOffered = typeof chosen === 'string' && isToken(chosen)
    const lacking = `this server requires the subprotocol ${name}, which Sec-WebSocket-Protocol does not offer`
    this.#refuse(open, canBeOffered ? plainResponse(400, 'protocolNotOffered', lacking) : failure)
    this.#events.failed(
      new UsageError(
        'protocolNotOffered',
        `upgrade() chose the subprotocol ${name}, which the client does not offer (${offered}): choose from request.protocols`,
      ),
    )
  }

  /** Traces a handshake that was refused before its request was read. */
  #traceUnread(address: string | undefined, status: number): void {
    const trace = this.#observer.traceHandshake(address, undefined)
    trace?.run(() => trace.answered(status))
  }

  #fail(open: OpenRequest<Data>, error: unknown): void {
    open.trace?.failed(error)
    this.#refuse(open, error instanceof HandshakeError ? refusalOf(error) : failure)
    if (!(error instanceof HandshakeError)) this.#events.failed(error)
  }
}

/** Whether an option names nothing. A program may change its list at any time. */
function isUnlisted(list: 'any' | readonly string[]): boolean {
  return list === 'any' || list.length === 0
}

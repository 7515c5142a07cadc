import { HandshakeError, UsageError } from '../core/errors.js'
import { checkRequest, refusalOf } from '../core/handshake/server-handshake.js'
import { isHandshakeAttempt } from '../core/handshake/upgrade-request.js'
import { withHostOfTarget } from '../core/http/request-target.js'
import { showAs } from '../core/inspection.js'
import type { PlainLimits } from '../core/limits.js'
import { type HasHubMetrics, hubMetrics } from '../core/observing/hub-metrics.js'
import {
  joinPrepared,
  type PreparedMessage,
  type PreparedRun,
  type PreparesMessages,
  prepareMessage,
} from '../core/prepared-message.js'
import { BroadcastMessage } from '../core/sending/broadcast-message.js'
import { BroadcastRun } from '../core/sending/broadcast-run.js'
import { UnorderedSet } from '../core/unordered-set.js'
import type {
  DropReason,
  HandedUpgrade,
  HttpAttach,
  HttpHandler,
  HttpListener,
  HttpResponse,
  RequestHead,
  UpgradeRouteOptions,
} from '../ports/http-host.js'
import type { Transport, TransportPeer } from '../ports/transport.js'
import type { TransportReport } from '../ports/transport-report.js'
import { noMemoryTuning } from './add-metrics.js'
import type { HttpAnswer } from './answer-types.js'
import type { AcceptedHandshake } from './connection/accepted-handshake.js'
import { HandlerCalls } from './connection/handler-calls.js'
import { Heartbeat } from './connection/heartbeat.js'
import { MessageTimeout } from './connection/message-timeout.js'
import { Publisher } from './connection/publisher.js'
import { ServerConnection, type SharedParts } from './connection/server-connection.js'
import type { AttachOptions, ServeOptions } from './handler-types.js'
import { Admission } from './handshake/admission.js'
import { describe } from './handshake/describe.js'
import { checkHost } from './handshake/host.js'
import { readHttpAnswer } from './handshake/http-answer.js'
import { IncomingRequest } from './handshake/incoming-request.js'
import { failure } from './handshake/own-responses.js'
import type { AppDecision } from './handshake/undecided-handshakes.js'
import { listenFailure } from './listen-failure.js'
import { Observer } from './observing/observer.js'
import { type RequestPeer, requestPeer } from './proxies/request-peer.js'
import type { ServerMetrics } from './server-metrics.js'
import { type ServerPorts, type ServerSettings, settleAttach, settleServe } from './server-settings.js'
import type {
  BroadcastOptions,
  CloseOptions,
  DrainOptions,
  OutgoingPiece,
  PublishOptions,
  Server,
} from './server-types.js'
import { urlOf } from './server-url.js'
import { checkTime } from './shutdown/check-time.js'

/** Starts a server on the ports of a runtime. Rejects with a UsageError for wrong options, or with the system's error. */
export async function startServer<Data>(options: ServeOptions<Data>, ports: ServerPorts): Promise<Server<Data>> {
  const { settings, listen } = settleServe(options, ports)
  const server = new ListeningServer(settings)
  try {
    server.takeFrom(await ports.httpHost.listen(listen, server))
  } catch (error) {
    throw listenFailure(error, listen)
  }
  return server
}

/** Attaches a server to the HTTP server of an app. Throws a UsageError for wrong options, or for a path that is taken. */
export function attachServer<Data>(options: AttachOptions<Data>, ports: ServerPorts, attach: HttpAttach): Server<Data> {
  const settings = settleAttach(options, ports)
  const server = new ListeningServer(settings, true)
  server.takeFrom(attach({ route: server.route, ...settings.limits }, server))
  return server
}

/** The least time, in milliseconds, for requests of a server that has stopped listening. */
const settlesWithinMs = 1000

const withinProcess: TransportReport = { path: 'memory', reasons: [] }

/** A server: admits clients, keeps their connections, and closes them when it stops. */
export class ListeningServer<Data> implements Server<Data>, HttpHandler, PreparesMessages {
  readonly #connections = new UnorderedSet<ServerConnection<Data>>()
  /** The same connections as the user sees them; made when first asked for. */
  #shownConnections: Set<ServerConnection<Data>> | undefined
  readonly #settings: ServerSettings<Data>
  readonly #observer: Observer
  readonly #calls: HandlerCalls<Data>
  readonly #admission: Admission<Data>
  readonly #publisher: Publisher<Data>
  readonly #shared: SharedParts<Data>
  readonly #heartbeat: Heartbeat<Data>
  readonly #messageTimeout: MessageTimeout
  #listener: HttpListener | undefined
  /** The server goes on, but is about to stop. */
  #isLeaving = false
  /** When the connections are closed at the latest, in the clock's milliseconds, once the server does not listen. */
  #drainsUntil: number | undefined
  #closed: Promise<void> | undefined
  readonly #onEmpty: (() => void)[] = []

  /** @param isRouted whether `route` has taken all upgrades before they come here */
  constructor(settings: ServerSettings<Data>, isRouted = false) {
    this.#settings = settings
    if (!settings.tuneMemory) settings.ports.memoryTuning?.switchOff()
    this.#observer = new Observer(this, settings.ports, settings.measureHandlers)
    this.#calls = new HandlerCalls(settings, this.#observer, (socket) => {
      this.#connections.remove(socket)
      this.#shownConnections?.delete(socket)
      if (this.#connections.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve()
    })
    const server = this
    this.#admission = new Admission(settings, this.#connections, this.#observer, {
      get listensOn() {
        return server.#listensOn()
      },
      isWanted: (request) => isRouted || this.#isWanted(request),
      accepted: (accepted) => this.#open(accepted),
      failed: (error) => this.#calls.failedWithoutSocket(error),
    })
    this.#publisher = new Publisher(settings, this.#connections, this.#observer)
    this.#shared = { settings, events: this.#calls, observer: this.#observer, topics: this.#publisher.topics }
    this.#heartbeat = new Heartbeat(settings, this.#connections, (socket, error) => {
      this.#calls.error(socket, error)
      socket.terminate()
    })
    this.#messageTimeout = new MessageTimeout(settings, this.#connections)
  }

  /** Sets the source of requests. */
  takeFrom(listener: HttpListener): void {
    this.#listener = listener
  }

  get connections(): ReadonlySet<ServerConnection<Data>> {
    this.#shownConnections ??= new Set(this.#connections)
    return this.#shownConnections
  }

  get port(): number {
    return this.#listener!.port
  }

  get url(): string {
    return urlOf(this.#listener!)
  }

  get isReady(): boolean {
    return !(this.#isLeaving || this.#admission.isStopped)
  }

  notReady(): void {
    this.#isLeaving = true
  }

  metrics(): ServerMetrics {
    const { ports, limits, receiveBudget, memoryBytes, handlers } = this.#settings
    return this.#observer.metrics(this.#connections, {
      connectionsLimit: limits.maxConnections,
      handshakesWaiting: this.#admission.waiting,
      bufferedBytesLimit: limits.maxTotalBufferedBytes,
      receiveBytes: receiveBudget.used,
      receiveBytesLimit: receiveBudget.limit,
      memoryBytes,
      memoryTuning: ports.memoryTuning?.counts() ?? noMemoryTuning,
      transport: ports.transport?.(this.#listener!) ?? withinProcess,
      hub: (handlers as HasHubMetrics)[hubMetrics]?.(),
    })
  }

  broadcast(message: OutgoingPiece, options?: BroadcastOptions<Data>): number {
    return this.#publisher.broadcast(message, options)
  }

  publish(topic: string, message: OutgoingPiece, options?: PublishOptions<Data>): number {
    return this.#publisher.publish(topic, message, options)
  }

  [prepareMessage](message: string | Uint8Array): PreparedMessage {
    return new BroadcastMessage(message, this.#settings.ports)
  }

  [joinPrepared](messages: readonly PreparedMessage[]): PreparedRun {
    return new BroadcastRun(messages as readonly BroadcastMessage[], this.#settings.ports.payload)
  }

  subscribers(topic: string): Set<ServerConnection<Data>> {
    return new Set(this.#publisher.topics.subscribersOf(topic))
  }

  async drain({ withinMs, stopListening = false }: DrainOptions): Promise<void> {
    checkTime(withinMs)
    if (stopListening) await this.#drainOffline(withinMs)
    else await this.#drainOnline(withinMs)
  }

  close({ withinMs }: CloseOptions = {}): Promise<void> {
    if (withinMs !== undefined) checkTime(withinMs)
    this.#closed ??= this.#stop()
    return withinMs === undefined ? this.#closed : this.#dropAfter(withinMs, this.#closed)
  }

  async #dropAfter(withinMs: number, closed: Promise<void>): Promise<void> {
    const { clock } = this.#settings.ports
    await new Promise<void>((resolve, reject) => {
      const dropping = clock.after(withinMs, () => {
        for (const socket of this.#connections) socket.terminate()
        resolve()
      })
      closed.then(resolve, reject).finally(() => dropping.cancel())
    })
  }

  /** For `console.log` and `JSON.stringify`. */
  toJSON(): { url: string; port: number; connections: number; isReady: boolean } {
    const { url, port, isReady } = this
    return { url, port, connections: this.#connections.size, isReady }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  upgrade(head: RequestHead, transport: Transport, handed?: HandedUpgrade, app?: AppDecision<Data>): void {
    this.#admission.admit(withHostOfTarget(head), transport, handed, app)
  }

  async request(asSent: RequestHead, peer: TransportPeer): Promise<HttpResponse> {
    const head = withHostOfTarget(asSent)
    const handler = this.#settings.handlers.request
    try {
      if (handler === undefined || isHandshakeAttempt(head)) checkRequest(head)
      this.#admission.reportIgnored(head, peer)
      const client = requestPeer(head, peer, this.#settings.trustedProxies)
      const request = new IncomingRequest(head, client, 'http')
      checkHost(request.headers, this.#listensOn(), this.#settings.hosts, client.host)
      const answer: unknown = await this.#ask(request)
      if (typeof answer !== 'object' || answer === null || !('status' in answer)) {
        throw new UsageError(
          'requestAnswerInvalid',
          `request() returned ${describe(answer)}: return a Response, or an object with a status`,
        )
      }
      return await readHttpAnswer(answer as HttpAnswer)
    } catch (error) {
      const answer = error instanceof HandshakeError ? refusalOf(error) : failure
      this.#observer.refused(answer.reason, peer.address)
      if (answer === failure) this.#calls.failedWithoutSocket(error)
      return answer
    }
  }

  #ask(request: IncomingRequest): HttpAnswer | Promise<HttpAnswer> {
    const { handlers } = this.#settings
    const call = () => handlers.request!(request)
    if (!this.#observer.watchesHandlers) return call()
    return this.#observer.callHandler('request', undefined, request, call) as ReturnType<typeof call>
  }

  refused({ status, reason }: HttpResponse, { address }: TransportPeer): void {
    this.#observer.handshakeAnswered(status, address)
    this.#observer.refused(reason, address)
  }

  dropped(reason: DropReason, { address }: TransportPeer): void {
    this.#observer.refused(reason, address)
  }

  limited(limit: keyof PlainLimits, { address }: TransportPeer): void {
    this.#observer.refused(limit, address)
  }

  failed(error: Error): void {
    this.#calls.failedWithoutSocket(error)
  }

  /** The upgrades that it wants of an app's HTTP server. */
  get route(): UpgradeRouteOptions {
    const { order, key, name, match } = this.#settings.route
    const wants = (head: RequestHead, peer: TransportPeer): boolean =>
      match(head.target) !== undefined && this.#isWanted(this.#requestOf(withHostOfTarget(head), peer))
    return { order, key, name, wants }
  }

  /** If the user's function throws, `error` is called, and the path does not match. */
  #isWanted(request: IncomingRequest): boolean {
    const { accepts } = this.#settings.route
    try {
      return accepts === undefined || accepts(request) === true
    } catch (error) {
      this.#calls.failedWithoutSocket(error)
      return false
    }
  }

  /** A request whose path is to be compared. Admission refuses it if the fields of its proxies can't be read. */
  #requestOf(head: RequestHead, peer: TransportPeer): IncomingRequest {
    let client: RequestPeer | undefined
    try {
      client = requestPeer(head, peer, this.#settings.trustedProxies)
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error
    }
    return new IncomingRequest(head, client ?? { address: undefined, encrypted: peer.encrypted }, 'ws')
  }

  /** In memory a request can arrive before the listener is known here. */
  #listensOn(): string {
    return this.#listener?.address ?? ''
  }

  #open(accepted: AcceptedHandshake<Data>): ServerConnection<Data> {
    const socket = new ServerConnection(this.#shared, accepted, this.#heartbeat.firstTicks())
    this.#connections.add(socket)
    this.#shownConnections?.add(socket)
    this.#heartbeat.start()
    this.#messageTimeout.start()
    this.#calls.open(socket)
    if (this.#drainsUntil !== undefined) {
      void this.#closeLater(socket, Math.max(0, this.#drainsUntil - this.#settings.ports.clock.now()))
    }
    if (accepted.ahead !== undefined) socket.receive(accepted.ahead)
    return socket
  }

  /**
   * Closes a connection at a random moment, so that all connections leave, and come back, spread over the time. A message of
   * `sendStream` may end first, as long as there is time.
   */
  #closeLater(socket: ServerConnection<Data>, withinMs: number): Promise<void> {
    const { clock, random } = this.#settings.ports
    const share = (random.maskingKey() >>> 0) / 2 ** 32
    return new Promise((resolve) => {
      clock.after(share * withinMs, () => {
        const close = (): void => {
          last.cancel()
          socket.close(1012, 'the server is restarting')
          resolve()
        }
        const last = clock.after((1 - share) * withinMs, close)
        socket.afterStreams(close)
      })
    })
  }

  async #drainOnline(withinMs: number): Promise<void> {
    const refused = this.#admission.stop()
    await Promise.all([...this.#connections].map((socket) => this.#closeLater(socket, withinMs)))
    await this.#whenEmpty()
    await refused
  }

  /** Admits clients that were connected before the listener has left; they close in the rest of the time. */
  async #drainOffline(withinMs: number): Promise<void> {
    const { clock } = this.#settings.ports
    this.notReady()
    const until = clock.now() + withinMs
    this.#drainsUntil = until
    const settled = this.#listener!.leave().then(() => this.#admission.whenDecided())
    await Promise.all([...this.#connections].map((socket) => this.#closeLater(socket, withinMs)))
    const lateMs = Math.max(until - clock.now(), settlesWithinMs)
    await new Promise<void>((resolve) => {
      const late = clock.after(lateMs, resolve)
      void settled.then(() => {
        late.cancel()
        resolve()
      })
    })
    await this.#drainOnline(0)
  }

  #whenEmpty(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onEmpty.push(resolve))
  }

  async #stop(): Promise<void> {
    const refused = this.#admission.stop()
    const released = this.#listener!.close()
    for (const socket of this.#connections) socket.close(1001, 'the server is stopping')
    await this.#whenEmpty()
    this.#heartbeat.stop()
    this.#messageTimeout.stop()
    await refused
    await released
  }
}

showAs(ListeningServer.prototype, (server) => server.toJSON(), 'Server')

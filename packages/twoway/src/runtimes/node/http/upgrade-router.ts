import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { offersWebSocket } from '../../../core/handshake/upgrade-request.js'
import { pathUnknown } from '../../../core/http/standard-responses.js'
import { afterResponses } from '../internals/http/after-responses.js'
import { giveBack, linksOf } from '../internals/http/give-back.js'
import { answerStream, destroyAfter } from './answer-stream.js'
import type { Upgrade } from './handed-upgrade.js'
import { isUsedBy } from './is-used-by.js'
import { headOf } from './request-head.js'
import { StandIn } from './stand-in.js'
import { whenUntouched } from './untouched.js'

/** A receiver of some of an HTTP server's upgrades. */
export interface UpgradeRoute {
  /** Compared number by number: of the routes that want a request, the lowest gets it. */
  readonly order: readonly number[]
  /** Milliseconds that an upgrade may wait: for the responses before it, or for another listener to touch it. */
  readonly patienceMs: number
  wants(request: IncomingMessage): boolean
  /** Takes an upgrade that it wants, in its turn. */
  take(upgrade: Upgrade): void
}

type Emit = (name: string | symbol, ...args: unknown[]) => boolean

/** Decides whether node:http hands out a request as an upgrade; Node has it from 22.21 and 24.9 on. */
type ShouldUpgrade = (request: IncomingMessage) => boolean

/**
 * Distributes the upgrades of one HTTP server. A handshake goes to the attachment that wants it, else to the other
 * listeners of the event. A request that offers only other protocols is not ours, RFC 9110 §7.8: it goes to the other
 * listeners. If none of them takes it, the app gets it as an ordinary request. A listener takes an upgrade by calling a
 * method of its socket before the listener returns.
 *
 * Our upgrades must not reach other listeners, even earlier ones: ws, for example, answers 400 to paths that are not its
 * own. An emitter can't hide an event from a listener, so the router replaces the server's `emit` while there is an
 * attachment. Node emits upgrades only while the event has a listener, so the router adds `#listener`. It answers an
 * upgrade that no listener takes after the event.
 */
export class UpgradeRouter {
  static readonly #routers = new WeakMap<Server, UpgradeRouter>()

  readonly #server: Server
  readonly #routes: UpgradeRoute[] = []
  /** The routes of requests. Each is searched for once, because a path may be the user's function. */
  readonly #found = new WeakMap<IncomingMessage, UpgradeRoute | typeof none>()
  readonly #listener = (): void => {}
  readonly #standIns: readonly { begin(): void; end(): void }[]

  static of(server: Server): UpgradeRouter {
    const router = UpgradeRouter.#routers.get(server) ?? new UpgradeRouter(server)
    UpgradeRouter.#routers.set(server, router)
    return router
  }

  private constructor(server: Server) {
    this.#server = server
    this.#standIns = [
      new StandIn<Emit>(server, 'emit', (emit) => (name, ...args) => {
        const tell = (): boolean => emit.call(server, name, ...args)
        if (name !== 'upgrade' || this.#routes.length === 0) return tell()
        const [request, stream, head] = args as [IncomingMessage, Duplex, Uint8Array]
        this.#share({ request, stream, head }, tell)
        return true
      }),
      new StandIn<ShouldUpgrade>(server, 'shouldUpgradeCallback', (ask) => (request) => {
        if (this.#routes.length === 0) return ask.call(server, request)
        if (!offersWebSocket(headOf(request))) return !this.#isAlone() && ask.call(server, request)
        return this.#routeOf(request) !== undefined || ask.call(server, request)
      }),
    ]
  }

  get routes(): readonly UpgradeRoute[] {
    return this.#routes
  }

  add(route: UpgradeRoute): void {
    const behind = this.#routes.findIndex(({ order }) => isBefore(route.order, order))
    this.#routes.splice(behind < 0 ? this.#routes.length : behind, 0, route)
    if (this.#routes.length > 1) return
    this.#server.on('upgrade', this.#listener)
    for (const each of this.#standIns) each.begin()
  }

  remove(route: UpgradeRoute): void {
    const at = this.#routes.indexOf(route)
    if (at < 0) return
    this.#routes.splice(at, 1)
    if (this.#routes.length > 0) return
    this.#server.off('upgrade', this.#listener)
    for (const each of this.#standIns) each.end()
  }

  /** Whether the event has no other listener. */
  #isAlone(): boolean {
    return this.#server.listenerCount('upgrade') === 1
  }

  #routeOf(request: IncomingMessage): UpgradeRoute | undefined {
    const found = this.#found.get(request) ?? this.#routes.find((each) => each.wants(request)) ?? none
    this.#found.set(request, found)
    return found === none ? undefined : found
  }

  #share(upgrade: Upgrade, tellOthers: () => boolean): void {
    const { request, stream } = upgrade
    const isHandshake = offersWebSocket(headOf(request))
    const route = isHandshake ? this.#routeOf(request) : undefined
    if (route !== undefined) {
      route.take(upgrade)
      return
    }
    // Without a listener, the reset of a connection that no route takes would end the process.
    stream.on('error', ignore)
    const links = linksOf(upgrade)
    const isTaken = !this.#isAlone() && (isUsedBy(stream, tellOthers) || isBodyUsed(request))
    if (isTaken) return
    if (!isHandshake) afterResponses(request.socket, () => this.#leaveToApp(upgrade, links))
    else if (this.#isAlone()) afterResponses(request.socket, () => this.#answerUnknown(upgrade))
    // A listener may take a handshake later.
    else whenUntouched(stream, this.#patienceMs(), () => this.#answerUnknown(upgrade))
  }

  #answerUnknown({ request, stream }: Upgrade): void {
    answerStream(stream, pathUnknown(request.url ?? '/'), {
      lingerMs: this.#patienceMs(),
      bodyless: request.method === 'HEAD',
    })
  }

  #leaveToApp(upgrade: Upgrade, links: ReturnType<typeof linksOf>): void {
    upgrade.stream.off('error', ignore)
    if (giveBack(this.#server, upgrade, links)) return
    upgrade.stream.on('error', ignore)
    this.#answerWithoutBody(upgrade)
  }

  /** For runtimes with a node:http of their own: the app answers without the body, and the connection ends then. */
  #answerWithoutBody({ request, stream }: Upgrade): void {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(stream as Socket)
    response.once('finish', () => {
      stream.end()
      destroyAfter(stream, this.#patienceMs())
    })
    this.#server.emit('request', request, response)
  }

  /** The longest patience of the routes; 0 if none is left. */
  #patienceMs(): number {
    return Math.max(0, ...this.#routes.map((route) => route.patienceMs))
  }
}

const none = Symbol('no route')

function ignore(): void {}

/** On Node 26, a listener may read the request's body before it uses the stream. */
function isBodyUsed(request: IncomingMessage): boolean {
  return request.readableFlowing !== null || request.readableDidRead
}

/** Whether the first of two orders is lower at the first difference. */
function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((each, index) => each !== other[index])
  return at >= 0 && at < other.length && one[at]! < other[at]!
}

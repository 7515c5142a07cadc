import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { offersWebSocket } from '../../../core/handshake/upgrade-request.js'
import { standardResponses } from '../../../core/http/standard-responses.js'
import type { HttpResponse } from '../../../ports/http-host.js'
import { afterResponses } from '../internals/after-responses.js'
import { now, startTimer } from '../internals/genuine-timers.js'
import { giveBack, linksOf } from '../internals/give-back.js'
import { answerStream } from './answer-stream.js'
import type { Upgrade } from './handed-upgrade.js'
import { isUsedBy } from './is-used-by.js'
import { headOf } from './request-head.js'
import { StandIn } from './stand-in.js'
import { whenUntouched } from './untouched.js'

/** Takes upgrades from an HTTP server. */
export interface UpgradeRoute {
  /** Compared number by number: the lowest that wants a request gets it. */
  readonly order: readonly number[]
  /** Milliseconds that an upgrade may wait: for the responses before it, or for another listener to touch it. */
  readonly patienceMs: number
  wants(request: IncomingMessage): boolean
  take(upgrade: Upgrade): void
  /** Answers what it wanted and can't have. */
  refuse(upgrade: Upgrade, answer: HttpResponse): void
}

type Emit = (name: string | symbol, ...args: unknown[]) => boolean

/** Whether node:http hands a request out as an upgrade; Node has it from 22.21 and 24.9 on. */
type ShouldUpgrade = (request: IncomingMessage) => boolean

/**
 * Shares the upgrades of one HTTP server out. A handshake goes to the attachment that wants it, else to whoever else
 * listens for upgrades. A request that offers only other protocols is none of ours, RFC 9110 §7.8: it goes to the other
 * listeners, and one that none of them takes is the app's, as an ordinary request. A listener takes it by calling a
 * method of its socket before it returns; one that waits first comes too late.
 *
 * An upgrade that is ours must not reach other listeners, whichever was there first: ws, for one, answers 400 to paths
 * that are not its own. An event can't be kept from the listeners of an emitter, so this stands in place of the server's
 * `emit` while there is an attachment. Node lets upgrades come as such only while the event has a listener, which is
 * `#listener`; an upgrade that no listener takes is answered once the event has been emitted.
 */
export class UpgradeRouter {
  static readonly #routers = new WeakMap<Server, UpgradeRouter>()

  readonly #server: Server
  readonly #routes: UpgradeRoute[] = []
  /** The routes of requests, each looked for once: a path may be the user's function. */
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
        if (!offersWebSocket(headOf(request))) return !this.#isAlone && ask.call(server, request)
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

  /** Whether no other listener waits for upgrades. */
  get #isAlone(): boolean {
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
      this.#takeInTurn(upgrade, route)
      return
    }
    // Without a listener, the reset of a connection that no route takes would end the process.
    stream.on('error', ignore)
    const links = linksOf(upgrade)
    const isTaken = !this.#isAlone && (isUsedBy(stream, tellOthers) || isBodyUsed(request))
    if (isTaken) return
    if (!isHandshake) afterResponses(request.socket, () => this.#leaveToApp(upgrade, links))
    else if (this.#isAlone) afterResponses(request.socket, () => this.#answerUnknown(upgrade))
    // A listener may take its time over a handshake.
    else whenUntouched(stream, this.#patienceMs, () => this.#answerUnknown(upgrade))
  }

  /** After the responses to the requests before it, in time; else it is refused after them. */
  #takeInTurn(upgrade: Upgrade, route: UpgradeRoute): void {
    const until = now() + route.patienceMs
    afterResponses(upgrade.request.socket, () => {
      // A peer that sends no more can't even close.
      if (upgrade.stream.readableEnded) upgrade.stream.destroy()
      else if (now() <= until) route.take(upgrade)
      else route.refuse(upgrade, standardResponses.earlierTooSlow)
    })
  }

  #answerUnknown({ request, stream }: Upgrade): void {
    answerStream(stream, standardResponses.pathUnknown, {
      lingerMs: this.#patienceMs,
      bodyless: request.method === 'HEAD',
    })
  }

  #leaveToApp(upgrade: Upgrade, links: ReturnType<typeof linksOf>): void {
    upgrade.stream.off('error', ignore)
    if (giveBack(this.#server, upgrade, links)) return
    upgrade.stream.on('error', ignore)
    this.#answerWithoutBody(upgrade)
  }

  /** For runtimes whose node:http is not Node's: the last request of its connection, without a body. */
  #answerWithoutBody({ request, stream }: Upgrade): void {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(stream as Socket)
    response.once('finish', () => {
      stream.end()
      stream.resume()
      const timer = startTimer(() => stream.destroy(), this.#patienceMs)
      stream.once('close', () => timer.close())
    })
    this.#server.emit('request', request, response)
  }

  /** There may be no route any more. */
  get #patienceMs(): number {
    return Math.max(0, ...this.#routes.map((route) => route.patienceMs))
  }
}

const none = Symbol('no route')

function ignore(): void {}

/** On Node 26 the listener of an upgrade may read the request's body before it touches the stream. */
function isBodyUsed(request: IncomingMessage): boolean {
  return request.readableFlowing !== null || request.readableDidRead
}

/** Whether the first of two orders is lower at the first difference. */
function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((each, index) => each !== other[index])
  return at >= 0 && at < other.length && one[at]! < other[at]!
}

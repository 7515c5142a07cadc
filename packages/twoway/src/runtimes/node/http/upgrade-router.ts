import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { meansToUpgrade } from '../../../core/handshake/means-to-upgrade.js'
import { hostAnswers } from '../../../core/http/host-answers.js'
import { answerStream } from './answer-stream.js'
import { headOf } from './request-head.js'

/** Takes upgrades from an HTTP server. */
export interface UpgradeRoute {
  /** The lowest that wants a request gets it. */
  readonly rank: number
  /** Milliseconds after which an upgrade that nobody has touched is nobody's. */
  readonly patienceMs: number
  wants(request: IncomingMessage): boolean
  take(request: IncomingMessage, stream: Duplex, head: Uint8Array): void
}

type Emit = (name: string | symbol, ...args: unknown[]) => boolean

/**
 * Shares the upgrades of one HTTP server out: among our attachments, then to whoever else listens for them.
 *
 * An upgrade that is ours must not reach other listeners, whichever was there first: ws, for one, answers 400 to paths
 * that are not its own. An event can't be kept from the listeners of an emitter, so this stands in place of the server's
 * `emit` while there is an attachment. Node lets upgrades come as such only while the event has a listener, which is
 * `#listener`; what is nobody's is answered where the event has been told, which is one place, whoever listens.
 */
export class UpgradeRouter {
  static readonly #routers = new WeakMap<Server, UpgradeRouter>()

  readonly #server: Server
  readonly #routes: UpgradeRoute[] = []
  readonly #listener = (): void => {}
  /** What is to be called in place of ours, once ours is in place. */
  #emit: Emit | undefined

  static of(server: Server): UpgradeRouter {
    const router = UpgradeRouter.#routers.get(server) ?? new UpgradeRouter(server)
    UpgradeRouter.#routers.set(server, router)
    return router
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get routes(): readonly UpgradeRoute[] {
    return this.#routes
  }

  add(route: UpgradeRoute): void {
    const behind = this.#routes.findIndex(({ rank }) => rank > route.rank)
    this.#routes.splice(behind < 0 ? this.#routes.length : behind, 0, route)
    if (this.#routes.length > 1) return
    this.#server.on('upgrade', this.#listener)
    if (this.#emit === undefined) this.#standIn()
  }

  remove(route: UpgradeRoute): void {
    const at = this.#routes.indexOf(route)
    if (at < 0) return
    this.#routes.splice(at, 1)
    if (this.#routes.length > 0) return
    this.#server.off('upgrade', this.#listener)
    this.#standDown()
  }

  #standIn(): void {
    const server = this.#server
    const hadOwn = Object.hasOwn(server, 'emit')
    const emit = server.emit as Emit
    this.#emit = emit
    const ours: Emit = (name, ...args) => {
      if (name !== 'upgrade' || this.#routes.length === 0) return emit.call(server, name, ...args)
      return this.#share(...(args as Parameters<UpgradeRoute['take']>), () => emit.call(server, name, ...args))
    }
    server.emit = ours
    this.#standDown = () => {
      // Someone else stands in place of ours: it lets all pass then.
      if (server.emit !== ours) return
      if (hadOwn) server.emit = emit
      else delete (server as Partial<Server>).emit
      this.#emit = undefined
    }
  }

  #standDown = (): void => {}

  #share(request: IncomingMessage, stream: Duplex, head: Uint8Array, tellOthers: () => boolean): boolean {
    // An Upgrade to what is not WebSocket is ignored, RFC 9110 §7.8.
    const isMeant = meansToUpgrade(headOf(request))
    const route = isMeant ? this.#routes.find((each) => each.wants(request)) : undefined
    if (route !== undefined) {
      route.take(request, stream, head)
      return true
    }
    // Without it, the reset of a connection that nobody takes would end the process.
    stream.on('error', () => {})
    const isOursAlone = this.#server.listenerCount('upgrade') === 1
    const before = tracesOn(stream)
    const result = tellOthers()
    if (isUntouched(stream, before)) {
      if (isOursAlone) this.#leave(request, stream, isMeant)
      else this.#watch(stream)
    }
    return result
  }

  /** A listener may take its time, and may as well have no use for it, of which it says nothing. */
  #watch(stream: Duplex): void {
    const patienceMs = Math.max(...this.#routes.map((route) => route.patienceMs))
    if (!Number.isFinite(patienceMs)) return
    const timer = setTimeout(() => {
      if (isUntouched(stream, before)) answerStream(stream, hostAnswers.pathUnknown, { lingerMs: patienceMs })
    }, patienceMs)
    stream.once('close', () => clearTimeout(timer))
    const before = tracesOn(stream)
  }

  /** What no one else could have taken is the app's, as a plain request, where it is no handshake. */
  #leave(request: IncomingMessage, stream: Duplex, isMeant: boolean): void {
    const [{ patienceMs: lingerMs } = { patienceMs: 0 }] = this.#routes
    if (isMeant || hasBody(request)) {
      answerStream(stream, hostAnswers.pathUnknown, { lingerMs })
      return
    }
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(stream as Socket)
    response.once('finish', () => stream.end())
    this.#server.emit('request', request, response)
  }
}

/** Node has stopped to parse where the head ended. */
function hasBody({ headers }: IncomingMessage): boolean {
  return (headers['content-length'] ?? '0') !== '0' || 'transfer-encoding' in headers
}

/** What a stream shows of whoever uses it. */
interface Traces {
  readonly flowing: boolean | null
  readonly written: number
  readonly listeners: number
}

function tracesOn(stream: Duplex & { readonly bytesWritten?: number }): Traces {
  return {
    flowing: stream.readableFlowing,
    written: stream.writableLength + (stream.bytesWritten ?? 0),
    listeners: stream.eventNames().reduce((sum, name) => sum + stream.listenerCount(name), 0),
  }
}

function isUntouched(stream: Duplex, before: Traces): boolean {
  if (stream.destroyed || stream.writableEnded) return false
  const { flowing, written, listeners } = tracesOn(stream)
  return flowing === before.flowing && written === before.written && listeners === before.listeners
}

import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { UsageError } from '../../../core/errors.js'
import type { AttachOptions, HttpAttach, HttpHandler, HttpListener } from '../../../ports/http-host.js'
import { tryHandles } from '../internals/handle-trial.js'
import { closeHttpServer } from './close-http-server.js'
import { takeInTurn, type Upgrade } from './handed-upgrade.js'
import { addressOf } from './listen-on.js'
import { headOf, peerOf } from './request-head.js'
import { type UpgradeRoute, UpgradeRouter } from './upgrade-router.js'

/** The members of an HTTP server that `attach` needs. Servers of node:http and node:https have them, in any framework. */
export interface AttachableServer {
  address(): string | { readonly address: string; readonly port: number } | null
  emit(name: string, ...args: never[]): boolean
  listenerCount(name: string): number
}

/** Attaches to a server of node:http or node:https, or of node:http2 if it also accepts HTTP/1. */
export function attachTo(server: AttachableServer): HttpAttach {
  if (typeof server?.address !== 'function' || typeof server.listenerCount !== 'function') {
    throw new UsageError(
      'optionInvalid',
      "attach() takes the HTTP server as its first argument: what createServer or an app's listen() returns, or its property server",
    )
  }
  return (options, handler) => new Attachment(server as HttpServer, options, handler)
}

const httpServers = new WeakMap<object, AttachableServer>()

/** Records the HTTP server of an attachment. */
export function noteHttpServer(attachment: object, server: AttachableServer): void {
  httpServers.set(attachment, server)
}

/** The HTTP server of an attachment; undefined for an object that is not attached. */
export function httpServerOf(attachment: object): AttachableServer | undefined {
  return httpServers.get(attachment)
}

/** Resolves once an HTTP server listens. */
export function whenListening(server: AttachableServer): Promise<void> {
  if (server.address() !== null) return Promise.resolve()
  return new Promise((resolve) => (server as HttpServer).once('listening', resolve))
}

class Attachment implements HttpListener, UpgradeRoute {
  readonly encrypted: boolean
  readonly order: readonly number[]
  readonly patienceMs: number
  readonly #server: HttpServer
  readonly #options: AttachOptions
  readonly #handler: HttpHandler
  readonly #router: UpgradeRouter

  constructor(server: HttpServer, options: AttachOptions, handler: HttpHandler) {
    const { order, key, name } = options.route
    this.encrypted = server instanceof TlsServer
    this.order = order
    this.patienceMs = options.handshakeTimeoutMs
    this.#server = server
    this.#options = options
    this.#handler = handler
    this.#router = UpgradeRouter.of(server)
    if (key !== undefined && this.#router.routes.some((route) => (route as Attachment).#options.route.key === key)) {
      throw new UsageError(
        'pathTaken',
        `this HTTP server has an attachment ${name} already: give each a path of its own`,
      )
    }
    this.#router.add(this)
    // Connections that come before the trial of handles ends use streams.
    void tryHandles()
  }

  get port(): number {
    return addressOf(this.#server).port
  }

  get address(): string {
    return addressOf(this.#server).address
  }

  get socketPath(): string | undefined {
    return addressOf(this.#server).socketPath
  }

  wants(request: IncomingMessage): boolean {
    return this.#options.route.wants(headOf(request), peerOf(request.socket))
  }

  take(upgrade: Upgrade): void {
    takeInTurn(upgrade, this.#options, this.#handler)
  }

  leave(): Promise<void> {
    return closeHttpServer(this.#server)
  }

  close(): Promise<void> {
    this.#router.remove(this)
    return Promise.resolve()
  }
}

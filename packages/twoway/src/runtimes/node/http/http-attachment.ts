import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { UsageError } from '../../../core/errors.js'
import { refusalOf } from '../../../core/handshake/server-handshake.js'
import { pathOf } from '../../../core/http/request-target.js'
import type { AttachOptions, HttpAttach, HttpHandler, HttpListener, HttpResponse } from '../../../ports/http-host.js'
import { tryHandles } from '../internals/handle-trial.js'
import { chooseTransport } from '../transport/choose-transport.js'
import { answerStream } from './answer-stream.js'
import { closeHttpServer } from './close-http-server.js'
import { addressOf } from './listen-on.js'
import { headOf, headViolation, peerOf } from './request-head.js'
import { type Upgrade, type UpgradeRoute, UpgradeRouter } from './upgrade-router.js'

/** What is needed of an HTTP server to attach to it: one of node:http or node:https, whichever framework made it. */
export interface AttachableServer {
  address(): string | { readonly address: string; readonly port: number } | null
  emit(name: string, ...args: never[]): boolean
  listenerCount(name: string): number
}

/** Attaches to a server of node:http or node:https, or one of node:http2 that takes HTTP/1 too. */
export function attachTo(server: AttachableServer): HttpAttach {
  if (typeof server?.address !== 'function' || typeof server.listenerCount !== 'function') {
    throw new UsageError(
      'optionInvalid',
      "attach() takes the HTTP server as its first argument: what createServer or an app's listen() returns, or its property server",
    )
  }
  return (options, handler) => new Attachment(server as HttpServer, options, handler)
}

/** Resolves once an HTTP server listens. */
export function whenListening(server: AttachableServer): Promise<void> {
  if (server.address() !== null) return Promise.resolve()
  return new Promise((resolve) => (server as HttpServer).once('listening', resolve))
}

class Attachment implements HttpListener, UpgradeRoute {
  readonly encrypted: boolean
  readonly rank: number
  readonly patienceMs: number
  readonly #server: HttpServer
  readonly #options: AttachOptions
  readonly #handler: HttpHandler
  readonly #router: UpgradeRouter

  constructor(server: HttpServer, options: AttachOptions, handler: HttpHandler) {
    const { path } = options
    this.encrypted = server instanceof TlsServer
    this.rank = typeof path === 'string' ? 0 : path === undefined ? 2 : 1
    this.patienceMs = options.handshakeTimeoutMs
    this.#server = server
    this.#options = options
    this.#handler = handler
    this.#router = UpgradeRouter.of(server)
    if (this.rank !== 1 && this.#router.routes.some((route) => (route as Attachment).#options.path === path)) {
      const what = path === undefined ? 'without a path' : `for the path ${path}`
      throw new UsageError(
        'pathTaken',
        `this HTTP server has an attachment ${what} already: give each a path of its own`,
      )
    }
    this.#router.add(this)
    // The first connections have streams, if they come before that is known.
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
    const { path } = this.#options
    if (typeof path === 'string') return pathOf(request.url ?? '') === path
    return path === undefined || path(headOf(request), peerOf(request.socket))
  }

  take(upgrade: Upgrade): void {
    const { request, stream, head: early } = upgrade
    const head = headOf(request)
    const violation = headViolation(head, this.#options)
    if (violation !== undefined) {
      this.refuse(upgrade, refusalOf(violation))
      return
    }
    // The server's own times end with its part.
    // A stream that an app hands to its HTTP server may have no setTimeout.
    request.socket.setTimeout?.(0)
    const peer = peerOf(request.socket)
    // A peer that has reset already has no address, by which limits go; our own host drops it as well.
    if (peer.address === undefined && stream instanceof Socket && this.socketPath === undefined) stream.destroy()
    else this.#handler.upgrade(head, chooseTransport(stream, { head: early, peer }))
  }

  refuse({ request, stream }: Upgrade, answer: HttpResponse): void {
    const { handshakeTimeoutMs: lingerMs } = this.#options
    answerStream(stream, answer, { lingerMs, bodyless: request.method === 'HEAD' })
    this.#handler.refused(answer.status, peerOf(request.socket))
  }

  leave(): Promise<void> {
    return closeHttpServer(this.#server)
  }

  close(): Promise<void> {
    this.#router.remove(this)
    return Promise.resolve()
  }
}

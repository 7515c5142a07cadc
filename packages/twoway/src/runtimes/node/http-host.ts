import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { HandshakeError } from '../../core/errors.js'
import { hostAnswers } from '../../core/handshake/host-answers.js'
import { refusalOf } from '../../core/handshake/server-handshake.js'
import type {
  HttpHandler,
  HttpHost,
  HttpListener,
  HttpResponse,
  ListenAddress,
  ListenOptions,
} from '../../ports/http-host.js'
import { answerStream } from './answer-stream.js'
import { addressOf, listenOn } from './listen-on.js'
import { headOf, headViolation, peerOf } from './request-head.js'
import { transportOf } from './transport-of.js'
import { watchDescriptors } from './watch-descriptors.js'

/**
 * The HTTP host on node:http and node:https. Each answer ends its connection.
 *
 * The time for the head of a request counts from the end of the TLS handshake, which has as long of its own, and is
 * looked at every quarter of it.
 */
export const nodeHttpHost: HttpHost = {
  async listen(options, handler) {
    const server = createServerFor(options)
    // Node cuts surplus fields off without a word, so it must take one more than is allowed.
    server.maxHeadersCount = options.maxHeaderFields + 1
    const listener = new NodeListener(server, options, handler)
    await listener.listen()
    return listener
  },
}

function createServerFor(options: ListenOptions): Server {
  const timeoutMs = Number.isFinite(options.handshakeTimeoutMs) ? Math.ceil(options.handshakeTimeoutMs) : 0
  const serverOptions: TlsOptions = {
    noDelay: true,
    maxHeaderSize: options.maxHeadBytes,
    headersTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    connectionsCheckingInterval: Math.max(10, Math.min(1000, Math.ceil(timeoutMs / 4))),
  }
  if (options.tls === undefined) return createServer(serverOptions)
  return createTlsServer({
    ...serverOptions,
    // Node takes any bytes here; its types say Buffer.
    ...(options.tls as TlsOptions),
    ALPNProtocols: ['http/1.1'],
    ...(timeoutMs > 0 ? { handshakeTimeout: timeoutMs } : {}),
  })
}

class NodeListener implements HttpListener {
  readonly #server: Server
  readonly #options: ListenOptions
  readonly #handler: HttpHandler
  /** Connections that are in their TLS handshake, which the HTTP server doesn't know of yet, by address and port. */
  readonly #securing = new Map<string, Socket>()
  /** Connections with an answer under way; what comes behind that request is not answered. */
  readonly #answered = new WeakSet<Duplex>()
  #stopWatching: () => void = () => {}
  #address: ListenAddress = { address: '', port: 0 }

  constructor(server: Server, options: ListenOptions, handler: HttpHandler) {
    this.#server = server
    this.#options = options
    this.#handler = handler
    server.on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head))
    server.on('request', (request) => void this.#onRequest(request))
    server.on('checkContinue', (request) => void this.#onRequest(request))
    server.on('clientError', (error, stream) => this.#onClientError(error, stream))
    if (options.tls === undefined) return
    server.on('connection', (socket: Socket) => this.#onSecuring(socket))
    server.on('secureConnection', (socket: TLSSocket) => this.#securing.delete(nameOf(socket)))
  }

  get port(): number {
    return this.#address.port
  }

  get address(): string {
    return this.#address.address
  }

  get socketPath(): string | undefined {
    return this.#address.socketPath
  }

  get encrypted(): boolean {
    return this.#options.tls !== undefined
  }

  async listen(): Promise<void> {
    await listenOn(this.#server, this.#options)
    this.#stopWatching = watchDescriptors(this.#server, (error) => this.#handler.failed(error))
    this.#address = addressOf(this.#server)
  }

  /**
   * Node calls back when the last WebSocket is gone, which may be days later; the address is free as soon as the
   * listening handle is closed, which `close` does before it returns.
   */
  close(): Promise<void> {
    this.#stopWatching()
    this.#server.close()
    this.#server.closeAllConnections()
    for (const socket of this.#securing.values()) socket.destroy()
    return Promise.resolve()
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Uint8Array): void {
    // A request before this one is being answered, and that answer ends the connection.
    if (this.#answered.has(stream)) {
      stream.on('error', () => {})
      return
    }
    const requestHead = headOf(request)
    const violation = headViolation(requestHead, this.#options)
    request.socket.setTimeout(0)
    if (violation !== undefined) this.#answer(stream, refusalOf(violation))
    else this.#handler.upgrade(requestHead, transportOf(stream, head, peerOf(request.socket)))
  }

  async #onRequest(request: IncomingMessage): Promise<void> {
    const { socket } = request
    if (this.#answered.has(socket)) return
    this.#answered.add(socket)
    const head = headOf(request)
    try {
      const violation = headViolation(head, this.#options)
      const response =
        violation === undefined ? await this.#handler.request(head, peerOf(socket)) : refusalOf(violation)
      this.#answer(socket, response, head.method === 'HEAD')
    } catch {
      this.#answer(socket, hostAnswers.handlerFailed)
    }
  }

  #onClientError(error: Error & { code?: string }, stream: Duplex): void {
    if (this.#answered.has(stream)) return
    this.#answered.add(stream)
    const response = responseTo(error)
    if (response === undefined || !stream.writable) stream.destroy()
    else this.#answer(stream, response)
  }

  #answer(stream: Duplex, response: HttpResponse, bodyless = false): void {
    answerStream(stream, response, { lingerMs: this.#options.handshakeTimeoutMs, bodyless })
  }

  #onSecuring(socket: Socket): void {
    // Those of a Unix socket have no name to be known by again: their TLS handshake ends in time by itself.
    if (socket.remotePort === undefined) return
    const name = nameOf(socket)
    this.#securing.set(name, socket)
    socket.once('close', () => this.#securing.delete(name))
  }
}

/** The answer to what node:http did not take, or undefined where the network or TLS failed. */
function responseTo({ code = '', message }: Error & { code?: string }): HttpResponse | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return hostAnswers.requestTooSlow
  if (code === 'HPE_HEADER_OVERFLOW') return refusalOf(new HandshakeError('requestHeadTooLong'))
  if (!code.startsWith('HPE_')) return undefined
  return refusalOf(new HandshakeError('requestMalformed', message.replace('Parse Error: ', '')))
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

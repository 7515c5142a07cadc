import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { UsageError } from '../../../core/errors.js'
import { HttpExchanges } from '../../../core/http/http-exchanges.js'
import type { Timer } from '../../../ports/clock.js'
import type { HttpHandler, HttpHost, HttpListener, ListenAddress, ListenOptions } from '../../../ports/http-host.js'
import type { RewindableTransport, TransportPeer } from '../../../ports/transport.js'
import { nodeClock } from '../clock.js'
import { explainFailure } from '../connect/explain-failure.js'
import { startTask } from '../internals/genuine-timers.js'
import { tryHandles } from '../internals/handle-trial.js'
import { tlsParentOf } from '../internals/tls/tls-parent.js'
import { acceptTransports, chooseTransport } from '../transport/choose-transport.js'
import { addressOf, listenOn } from './listen-on.js'
import { type AnnouncedConnection, ProxyHeaders } from './read-proxy-header.js'
import { peerOf } from './request-head.js'
import { watchDescriptors } from './watch-descriptors.js'

/** Milliseconds that a listener which leaves its address may take to accept the connections that wait there. */
const acceptWithinMs = 1000

/** Milliseconds of a short turn of the event loop, and the number of longer ones that may pass before there is one. */
const shortTurnMs = 0.1
const mostLongTurns = 100

const noTime = Number.POSITIVE_INFINITY

/** Node's own. */
const defaultBacklog = 511

/** A connection in its TLS handshake. */
interface Securing {
  /** The deadline of the request that follows, in the clock's milliseconds. */
  readonly until: number
  /** The client that a proxy has announced. */
  readonly peer?: TransportPeer | undefined
  /** Ends the connection of such a client in time. Node's own time begins with the TLS handshake. */
  readonly timer?: Timer | undefined
}

/**
 * The HTTP host on sockets, without node:http. It reads one request per connection with the core's parser, which accepts
 * nothing that node:http refuses (head-parser-beside-llhttp.test.ts). A handshake needs only the head of a request, so this
 * takes less of the server's time (`npm run bench`, row `opening handshake`) and one object less per connection.
 */
export const nodeHttpHost: HttpHost = {
  async listen(options, handler) {
    const listener = new NodeListener(options, handler)
    await listener.listen()
    return listener
  },
}

class NodeListener implements HttpListener {
  /** The server that listens. */
  readonly #server: Server
  /** Undefined without the PROXY protocol. */
  readonly #proxyHeaders: ProxyHeaders | undefined
  readonly #options: ListenOptions
  readonly #handler: HttpHandler
  /** Connections that are not WebSockets yet, or never become one. */
  readonly #exchanges: HttpExchanges
  readonly #securing = new Map<Socket, Securing>()
  /** Connections that a proxy has announced and whose TLS handshake is about to begin. */
  readonly #announced = new WeakMap<Socket, Securing>()
  /** The number of connections so far. */
  #accepted = 0
  /** Called when no connection is in its TLS handshake any more. */
  #onSecured: () => void = () => {}
  #stopWatching: () => void = () => {}
  #address: ListenAddress = { address: '', port: 0 }

  constructor(options: ListenOptions, handler: HttpHandler) {
    this.#options = options
    this.#handler = handler
    this.#exchanges = new HttpExchanges(options, handler, nodeClock)
    const tlsServer = options.tls === undefined ? undefined : this.#tlsServer(options.tls as TlsOptions)
    if (options.proxyProtocol === undefined) {
      this.#server = tlsServer ?? this.#plainServer()
    } else {
      this.#proxyHeaders = new ProxyHeaders({
        isTcp: () => this.socketPath === undefined,
        trusts: options.proxyProtocol,
        timeMs: this.#timeMs(),
        handler,
        announced: (connection) => this.#beginAnnounced(connection, tlsServer),
      })
      this.#server = this.#proxiedServer(this.#proxyHeaders)
    }
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
    await tryHandles()
    await listenOn(this.#server, this.#options)
    const isDirect = !this.encrypted && this.#proxyHeaders === undefined
    if (isDirect) acceptTransports(this.#server, (transport) => this.#begin(transport), this.#mayWait())
    this.#stopWatching = watchDescriptors(this.#server, (error) => this.#handler.failed(error))
    this.#address = addressOf(this.#server)
  }

  async leave(): Promise<void> {
    await this.#acceptWaiting()
    this.#stopWatching()
    this.#server.close()
    await this.#proxyHeaders?.settled()
    if (this.#securing.size > 0) await new Promise<void>((resolve) => (this.#onSecured = resolve))
    await this.#exchanges.settled()
  }

  /**
   * Accepts until nothing waits, as the system resets the connections that wait at a socket that closes. libuv accepts one
   * connection in a turn of the event loop. More may come in the rest of a turn, so the turn must be a short one. A flood
   * does not end, so the time is limited.
   */
  async #acceptWaiting(): Promise<void> {
    const until = nodeClock.now() + acceptWithinMs
    let longTurns = mostLongTurns
    for (;;) {
      await new Promise<void>(startTask)
      const before = this.#accepted
      const begun = nodeClock.now()
      // Between these two the event loop has polled.
      await new Promise<void>(startTask)
      const now = nodeClock.now()
      if (now > until || (this.#accepted === before && (now - begun < shortTurnMs || longTurns-- === 0))) return
    }
  }

  /**
   * Resolves without waiting for Node's callback, which comes when the last WebSocket is gone. The address is free as soon
   * as the listening handle is closed, and `Server.close` closes it before it returns.
   */
  close(): Promise<void> {
    this.#stopWatching()
    this.#server.close()
    this.#proxyHeaders?.drop()
    this.#exchanges.drop()
    for (const socket of this.#securing.keys()) socket.destroy()
    return Promise.resolve()
  }

  #plainServer(): Server {
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true }
    return createServer(options, (socket) => this.#begin(chooseTransport(socket, { peer: peerOf(socket) })))
  }

  /** Accepts connections that begin with a PROXY header, in front of TLS if there is TLS. */
  #proxiedServer(headers: ProxyHeaders): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#accepted += 1
      headers.read(socket)
    })
  }

  /** The PROXY header, the TLS handshake and the request have one time limit together. */
  #beginAnnounced({ socket, peer, rest, until }: AnnouncedConnection, tlsServer: Server | undefined): void {
    if (tlsServer === undefined) {
      this.#begin(chooseTransport(socket, { peer, head: rest }), Math.max(0, until - nodeClock.now()))
      return
    }
    const timer = until === noTime ? undefined : nodeClock.after(until - nodeClock.now(), () => socket.destroy(), false)
    this.#announced.set(socket, { until, peer: { ...peer, encrypted: true }, timer })
    if (rest.length > 0) socket.unshift(rest)
    tlsServer.emit('connection', socket)
  }

  #tlsServer(tls: TlsOptions): Server {
    const timeMs = this.#timeMs()
    const server = tlsServerOf({
      // Node takes any bytes here; its types say Buffer.
      ...tls,
      allowHalfOpen: true,
      noDelay: true,
      ALPNProtocols: ['http/1.1'],
      ...(timeMs === noTime ? {} : { handshakeTimeout: Math.ceil(timeMs) }),
    })
    server.on('connection', (socket: Socket) => {
      this.#accepted += 1
      this.#securing.set(socket, this.#announced.get(socket) ?? { until: nodeClock.now() + timeMs })
      socket.once('close', () => this.#endSecuring(socket))
    })
    server.on('secureConnection', (socket) => this.#secured(socket))
    server.on('tlsClientError', (_, socket) => socket.destroy())
    return server
  }

  /** The TLS handshake and the request have one time limit together. */
  #secured(socket: TLSSocket): void {
    const under = tlsParentOf(socket)
    const { until, peer } = (under === undefined ? undefined : this.#securing.get(under)) ?? {}
    // Without the header's word on its peer, the proxy would be taken for the client.
    if (this.#proxyHeaders !== undefined && peer === undefined) {
      socket.destroy()
      return
    }
    const timeMs = until === undefined ? this.#timeMs() : Math.max(0, until - nodeClock.now())
    this.#begin(chooseTransport(socket, { peer: peer ?? peerOf(socket) }), timeMs)
    if (under !== undefined) this.#endSecuring(under)
  }

  #endSecuring(socket: Socket): void {
    this.#securing.get(socket)?.timer?.cancel()
    if (this.#securing.delete(socket) && this.#securing.size === 0) this.#onSecured()
  }

  /** Drops a TCP peer that has already reset: it has no address, which the limits need. */
  #begin(transport: RewindableTransport, timeMs = this.#timeMs()): void {
    this.#accepted += 1
    const { address, announced } = transport.peer
    if (address === undefined && announced === undefined && this.socketPath === undefined) transport.destroy()
    else this.#exchanges.begin(transport, timeMs)
  }

  /** Slightly more than the backlog may wait, because Linux counts without a lock; on a socket from the option `handle`, any number. */
  #mayWait(): number {
    const { handle, backlog = defaultBacklog } = this.#options
    return handle === undefined ? 2 * (backlog + 1) : Number.POSITIVE_INFINITY
  }

  #timeMs(): number {
    return this.#options.handshakeTimeoutMs
  }
}

function tlsServerOf(options: TlsOptions): Server {
  try {
    return createTlsServer(options)
  } catch (error) {
    throw new UsageError('optionInvalid', `the option tls can't be used: ${explainFailure(error as Error)}`)
  }
}

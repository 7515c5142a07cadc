import { AsyncResource } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import http, { type Server as HttpServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { takeUpgrades, tryToTakeHandles } from 'twoway/streams'
import { acceptOf } from './client-handshake.js'
import { type DeflateOptions, deflateName, type Extensions, negotiationOf, noExtensions } from './deflate.js'
import { extension } from './header-values.js'
import { maxPayloadOf } from './safety.js'
import { answer, destroyIt, faultOf, namesIn, refusePlainRequest } from './server-handshake.js'
import type { SocketOptions } from './socket-options.js'
import { type ClientList, WebSocket } from './websocket.js'

type Info = { origin: string; secure: boolean; req: IncomingMessage }
type Verified = (result: boolean, code?: number, message?: string, headers?: http.OutgoingHttpHeaders) => void
type Upgraded = (ws: WebSocket, request: IncomingMessage) => void

export interface ServerOptions extends SocketOptions {
  readonly autoPong?: boolean
  readonly backlog?: number | null
  readonly clientTracking?: boolean
  readonly closeTimeout?: number
  readonly handleProtocols?: ((names: Set<string>, request: IncomingMessage) => string | false) | null
  readonly host?: string | null
  readonly maxPendingAutoPongs?: number
  readonly noServer?: boolean
  readonly path?: string | null
  readonly perMessageDeflate?: boolean | DeflateOptions
  readonly port?: number | null
  readonly server?: HttpServer | null
  readonly verifyClient?: ((info: Info) => boolean) | ((info: Info, done: Verified) => void) | null
  readonly WebSocket?: typeof WebSocket
}

/** Marks sockets that have become WebSockets. A WeakSet would take more memory. */
const taken = Symbol('taken')
type MaybeTaken = { [taken]?: true }

/** ws's WebSocketServer: upgrades the requests of an HTTP server, its own or the program's. */
export class WebSocketServer extends EventEmitter {
  readonly options: ServerOptions
  /** Undefined without `clientTracking`. */
  declare clients: Set<WebSocket> | undefined
  _server: HttpServer | null = null
  #state: 'running' | 'closing' | 'closed' = 'running'
  #closesWithLast = false
  #stopListening = (): void => {}
  /** Gives the connections to the HTTP server whose request has not come. */
  #giveWaiting: (() => void) | undefined
  readonly #list: ClientList = {
    forget: (ws) => {
      this.clients!.delete(ws)
      if (this.#closesWithLast && this.clients!.size === 0) process.nextTick(() => this.#emitClose())
    },
  }

  constructor(options: ServerOptions = {}, callback?: () => void) {
    super()
    const settings: ServerOptions = {
      allowSynchronousEvents: true,
      autoPong: true,
      maxBufferedChunks: 256 * 1024,
      maxFragments: 16 * 1024,
      maxPayload: maxPayloadOf('server', options.safe),
      maxPendingAutoPongs: 60,
      skipUTF8Validation: false,
      perMessageDeflate: false,
      handleProtocols: null,
      clientTracking: true,
      closeTimeout: 30_000,
      verifyClient: null,
      noServer: false,
      backlog: null,
      server: null,
      host: null,
      path: null,
      port: null,
      WebSocket,
      ...options,
    } as ServerOptions
    const { port, server, noServer } = settings
    if ([port != null, Boolean(server), Boolean(noServer)].filter(Boolean).length !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified')
    }
    if (port != null) {
      this._server = http.createServer(refusePlainRequest)
      this._server.listen(port, settings.host as string, settings.backlog as number, callback)
    } else if (server) {
      this._server = server
    }
    if (this._server !== null) this.#listenTo(this._server)
    if (this._server !== null && port != null) {
      watch(this._server)
      this._server.once('listening', () => void this.#takeUpgrades())
    }
    if (settings.clientTracking) this.clients = new Set()
    void tryToTakeHandles()
    this.options = settings.perMessageDeflate === true ? { ...settings, perMessageDeflate: {} } : settings
  }

  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode')
    return this._server?.address() ?? null
  }

  close(callback?: (error?: Error) => void): void {
    if (this.#state === 'closed') {
      if (callback) this.once('close', () => callback(new Error('The server is not running')))
      process.nextTick(() => this.#emitClose())
      return
    }
    if (callback) this.once('close', callback)
    if (this.#state === 'closing') return
    this.#state = 'closing'
    this.#giveWaiting?.()
    const server = this._server
    this.#stopListening()
    this._server = null
    if (!this.options.noServer && !this.options.server) server?.close(() => this.#emitClose())
    else if (this.clients !== undefined && this.clients.size > 0) this.#closesWithLast = true
    else process.nextTick(() => this.#emitClose())
  }

  shouldHandle(request: IncomingMessage): boolean {
    return !this.options.path || request.url?.split('?', 1)[0] === this.options.path
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callback: Upgraded): void {
    socket.on('error', destroyIt)
    const { headers } = request
    const version = Number(headers['sec-websocket-version'])
    const names = namesIn(headers['sec-websocket-protocol'])
    const extensions = this.#negotiate(headers['sec-websocket-extensions'])
    const fault = faultOf(request)
    if (fault !== undefined) this.#refuse(request, socket, ...fault)
    else if (!this.shouldHandle(request)) answer(socket, 400)
    else if (names === undefined) this.#refuse(request, socket, 400, 'Invalid Sec-WebSocket-Protocol header')
    else if (extensions === undefined) {
      this.#refuse(request, socket, 400, 'Invalid or unacceptable Sec-WebSocket-Extensions header')
    } else {
      const key = headers['sec-websocket-key']!
      this.#verify(request, socket, version, () => {
        this.completeUpgrade(extensions, key, names, request, socket, head, callback)
      })
    }
  }

  #refuse(
    request: IncomingMessage,
    socket: Duplex,
    status: number,
    message: string,
    more?: http.OutgoingHttpHeaders,
  ): void {
    if (this.listenerCount('wsClientError') > 0) this.emit('wsClientError', new Error(message), socket, request)
    else answer(socket, status, message, more)
  }

  #verify(request: IncomingMessage, socket: Duplex, version: number, complete: () => void): void {
    const { headers } = request
    const { verifyClient } = this.options
    if (!verifyClient) {
      complete()
      return
    }
    const { authorized, encrypted } = request.socket as Socket & { authorized?: boolean; encrypted?: boolean }
    const info: Info = {
      origin: headers[version === 8 ? 'sec-websocket-origin' : 'origin'] as string,
      secure: Boolean(authorized || encrypted),
      req: request,
    }
    if (verifyClient.length === 2) {
      const verify = verifyClient as (info: Info, done: Verified) => void
      verify.call(this.options, info, (isVerified, code, message, more) => {
        if (isVerified) complete()
        else answer(socket, code || 401, message, more)
      })
    } else if ((verifyClient as (info: Info) => boolean).call(this.options, info)) {
      complete()
    } else {
      answer(socket, 401)
    }
  }

  completeUpgrade(
    extensions: Extensions,
    key: string,
    names: Set<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: Upgraded,
  ): void {
    if (!socket.readable || !socket.writable) {
      socket.destroy()
      return
    }
    if ((socket as MaybeTaken)[taken]) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      )
    }
    if (this.#state !== 'running') {
      answer(socket, 503)
      return
    }
    const { ws, headers } = this.#prepare(extensions, key, names, request)
    // Before the event: a listener of `once` gets the request, too, and is not counted after it.
    const isUnseen = isUnwatched(this) && (socket as { readonly server?: unknown }).server === this._server
    this.emit('headers', headers, request)
    socket.write(headers.concat('\r\n').join('\r\n'))
    socket.off('error', destroyIt)
    ;(socket as MaybeTaken)[taken] = true
    // The one listener is Node's own.
    const isOwned = isUnseen && socket.eventNames().join() === 'end' && ws.setSocket === setSocket
    ws.setSocket(socket, head, this.options, isOwned)
    if (isOwned) {
      giveSocket(request, ws._socket)
      ;(ws._socket as MaybeTaken)[taken] = true
    }
    this.#enlist(ws)
    callback(ws, request)
  }

  /** A WebSocket for a handshake that is accepted, and the lines of its answer. */
  #prepare(
    extensions: Extensions,
    key: string,
    names: Set<string>,
    request: IncomingMessage,
  ): { readonly ws: WebSocket; readonly headers: string[] } {
    const headers = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    ]
    const ws = new this.options.WebSocket!(null, undefined, this.options as never)
    const { handleProtocols } = this.options
    const protocol =
      names.size === 0 ? undefined : handleProtocols ? handleProtocols(names, request) : names.values().next().value
    if (protocol) {
      headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
      ws._protocol = protocol
    }
    const deflate = extensions[deflateName]
    if (deflate !== undefined) {
      headers.push(`Sec-WebSocket-Extensions: ${deflate.answer}`)
      ws._extensions = extensions
    }
    return { ws, headers }
  }

  #enlist(ws: WebSocket): void {
    if (this.clients === undefined) return
    this.clients.add(ws)
    ws.listedBy(this.#list)
  }

  /** Takes handshakes before node:http does, while no code of the program can see its sockets. */
  async #takeUpgrades(): Promise<void> {
    await tryToTakeHandles()
    if (this._server?.listening !== true) return
    const mayTake = (): boolean =>
      isUnwatched(this) && this.options.WebSocket === WebSocket && WebSocket.prototype.setSocket === setSocket
    const upgrade: Parameters<typeof takeUpgrades>[2] = (request, accept) => this.#upgrade(request, accept)
    // Since Node 24, node:http hands out an upgrade in the context in which its server has begun to listen.
    this.#giveWaiting = takeUpgrades(this._server, mayTake, AsyncResource.bind(upgrade))
  }

  /** A request with a fault is left to the HTTP server, and comes back by `handleUpgrade`, which answers it. */
  #upgrade(request: IncomingMessage, accept: (answer: string) => Socket): void {
    const { headers } = request
    const names = namesIn(headers['sec-websocket-protocol'])
    const extensions = this.#negotiate(headers['sec-websocket-extensions'])
    const isFine = faultOf(request) === undefined && this.shouldHandle(request)
    if (!isFine || names === undefined || extensions === undefined) return
    const { ws, headers: lines } = this.#prepare(extensions, headers['sec-websocket-key']!, names, request)
    const socket = accept(lines.concat('\r\n').join('\r\n'))
    ;(socket as MaybeTaken)[taken] = true
    ws.setSocket(socket, undefined, this.options, true)
    this.#enlist(ws)
    this.emit('connection', ws, request)
  }

  /** The extensions of a connection; undefined if the header is malformed, or all offers of compression are unacceptable. */
  #negotiate(offered: string | undefined): Extensions | undefined {
    const { perMessageDeflate } = this.options
    if (!perMessageDeflate || offered === undefined) return noExtensions
    try {
      if (extension.parse(offered)[deflateName] === undefined) return noExtensions
    } catch {
      return undefined
    }
    const negotiated = negotiationOf('server', perMessageDeflate).accept(offered)
    return negotiated && { [deflateName]: negotiated }
  }

  #listenTo(server: HttpServer): void {
    const listeners = {
      listening: (): boolean => this.emit('listening'),
      error: (error: Error): boolean => this.emit('error', error),
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer): void =>
        this.handleUpgrade(request, socket, head, (ws, upgraded) => this.emit('connection', ws, upgraded)),
    }
    const all = Object.entries(listeners) as [string, (...values: unknown[]) => void][]
    for (const { 0: name, 1: listener } of all) server.on(name, listener)
    this.#stopListening = () => {
      for (const { 0: name, 1: listener } of all) server.off(name, listener)
    }
  }

  #emitClose(): void {
    this.#state = 'closed'
    this.emit('close')
  }
}

/** The methods that a program may have replaced, and that get the socket. */
const { shouldHandle, handleUpgrade, completeUpgrade } = WebSocketServer.prototype
const { setSocket } = WebSocket.prototype

/** Whether no code of the program can see the sockets of upgrades before they are taken. */
function isUnwatched(server: WebSocketServer): boolean {
  const { options, _server: http } = server
  return (
    http !== null &&
    options.port != null &&
    !options.verifyClient &&
    !options.handleProtocols &&
    server.listenerCount('headers') === 0 &&
    server.shouldHandle === shouldHandle &&
    server.handleUpgrade === handleUpgrade &&
    server.completeUpgrade === completeUpgrade &&
    // One listener each: node:http's, this server's, and `refusePlainRequest`.
    ['connection', 'upgrade', 'request'].every((event) => http.listenerCount(event) === 1) &&
    !watched.has(http) &&
    [server, http].every(({ emit }) => emit === EventEmitter.prototype.emit) &&
    !socketChannels.some(({ hasSubscribers }) => hasSubscribers)
  )
}

/** Notes that the program listens for an event with a socket. */
function watch(server: HttpServer): void {
  server.on('newListener', (event) => {
    if (socketEvents.has(event)) watched.add(server)
  })
}

/** A request keeps the socket that it arrived on, unless it gets the one in its place. */
function giveSocket(request: IncomingMessage, socket: Duplex | null): void {
  const held = request as { socket: Duplex | null; client?: Duplex | null }
  held.socket = socket
  held.client = socket
}

/** The channels of Node that publish the socket of a server. */
const socketChannels = [
  'net.server.socket',
  'http.server.request.start',
  'http.server.response.created',
  'http.server.response.finish',
].map((name) => channel(name))

/** The servers of ours on which the program has listened for an event with a socket: a listener of `once` is soon gone. */
const watched = new WeakSet<HttpServer>()

const socketEvents: ReadonlySet<string | symbol> = new Set([
  'connection',
  'upgrade',
  'request',
  'timeout',
  'clientError',
  'checkContinue',
  'checkExpectation',
])

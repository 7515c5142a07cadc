import { HttpExchanges } from '../../core/http/http-exchanges.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { HttpHandler, HttpHost, HttpListener, ListenOptions, TlsServerOptions } from '../../ports/http-host.js'
import { type BunApi, type BunListener, type BunSocket, http11Alpn } from './bun-sockets.js'
import { BunTransport, type BunTransportSettings, type TransportSocketEvents } from './bun-transport.js'

/** Milliseconds that a listener which leaves its address may take to accept the connections that wait there. */
const acceptWithinMs = 1000

/** Milliseconds of a short turn of the event loop, and the number of longer ones that may pass before there is one. */
const shortTurnMs = 0.1
const mostLongTurns = 100

/** The options of TLS that Bun's sockets take as node:tls does. */
const tlsOptions: ReadonlySet<string> = new Set([
  'cert',
  'key',
  'ca',
  'passphrase',
] satisfies (keyof TlsServerOptions)[])

export interface BunHostParts {
  readonly bun: BunApi
  readonly clock: Clock
  readonly explain: BunTransportSettings['explain']
  /** Whether Bun's sockets work as they should. */
  isProven(): Promise<boolean>
  /**
   * Listens where Bun.listen can't: on a handle, with a backlog, with PKCS #12, behind the PROXY protocol. It also listens again after Bun.listen has
   * failed, and then throws an error that explains why.
   */
  readonly otherwise: HttpHost
  /** Reports that no connection can be accepted, until the returned function is called. */
  watchDescriptors(tell: (error: Error) => void): () => void
}

/** The HTTP host on Bun's own sockets. Like that on Node's, it reads one request per connection with the core's parser. */
export function bunHttpHost(parts: BunHostParts): HttpHost {
  return {
    async listen(options, handler) {
      if (!canListen(options) || !(await parts.isProven())) return parts.otherwise.listen(options, handler)
      const host = options.socketPath === undefined ? await addressOf(parts.bun, options.host) : ''
      if (host === undefined) return parts.otherwise.listen(options, handler)
      try {
        return new BunHttpListener(parts, { ...options, host }, handler)
      } catch {
        return parts.otherwise.listen(options, handler)
      }
    },
  }
}

function canListen({ handle, backlog, proxyProtocol, tls, socketPath }: ListenOptions): boolean {
  if (handle !== undefined || backlog !== undefined || proxyProtocol !== undefined) return false
  // The file of a relative path would be found from another working directory later.
  if (socketPath !== undefined && !socketPath.startsWith('/')) return false
  return tls === undefined || Object.keys(tls).every((name) => tlsOptions.has(name))
}

async function addressOf(bun: BunApi, host: string): Promise<string | undefined> {
  try {
    return (await bun.dns.lookup(host))[0]?.address
  } catch {
    return undefined
  }
}

class BunHttpListener implements HttpListener {
  readonly path = 'bun'
  readonly #listener: BunListener
  readonly #parts: BunHostParts
  readonly #options: ListenOptions
  readonly #settings: BunTransportSettings
  readonly #exchanges: HttpExchanges
  readonly #stopWatching: () => void
  /** Connections in their TLS handshake, with its timer and the deadline of the request that follows. */
  readonly #securing = new Map<BunSocket<BunTransport | undefined>, { readonly timer: Timer; readonly until: number }>()
  /** The number of connections so far. */
  #accepted = 0
  /** Called when no connection is in its TLS handshake any more. */
  #onSecured: () => void = () => {}

  constructor(parts: BunHostParts, options: ListenOptions, handler: HttpHandler) {
    const { host: hostname, port, socketPath, reusePort = false, tls } = options
    this.#parts = parts
    this.#options = options
    this.#settings = { clock: parts.clock, explain: parts.explain, encrypted: tls !== undefined }
    this.#exchanges = new HttpExchanges(options, handler, parts.clock)
    this.#listener = parts.bun.listen({
      ...(socketPath === undefined ? { hostname, port, reusePort } : { unix: socketPath }),
      ...(tls === undefined ? {} : { tls: { ...tls, ALPNProtocols: http11Alpn } }),
      allowHalfOpen: true,
      socket: tls === undefined ? this.#plainEvents() : this.#tlsEvents(),
    })
    this.#stopWatching = parts.watchDescriptors((error) => handler.failed(error))
  }

  get port(): number {
    return this.#listener.port ?? 0
  }

  get address(): string {
    return this.#options.socketPath === undefined ? this.#options.host : ''
  }

  get socketPath(): string | undefined {
    return this.#options.socketPath
  }

  get encrypted(): boolean {
    return this.#settings.encrypted
  }

  async leave(): Promise<void> {
    await this.#acceptWaiting()
    this.#stop()
    if (this.#securing.size > 0) await new Promise<void>((resolve) => (this.#onSecured = resolve))
    await this.#exchanges.settled()
  }

  close(): Promise<void> {
    this.#stop()
    this.#exchanges.drop()
    for (const socket of [...this.#securing.keys()]) socket.terminate()
    return Promise.resolve()
  }

  #stop(): void {
    this.#stopWatching()
    this.#listener.stop()
  }

  /**
   * Accepts until nothing waits, as the system resets the connections that wait at a socket that closes. More may come in
   * the rest of a turn of the event loop, so the turn must be a short one. A flood does not end, so the time is limited.
   */
  async #acceptWaiting(): Promise<void> {
    const { clock } = this.#parts
    const turn = (): Promise<void> => new Promise((resolve) => clock.task(resolve))
    const until = clock.now() + acceptWithinMs
    let longTurns = mostLongTurns
    for (;;) {
      await turn()
      const before = this.#accepted
      const begun = clock.now()
      await turn()
      const now = clock.now()
      if (now > until || (this.#accepted === before && (now - begun < shortTurnMs || longTurns-- === 0))) return
    }
  }

  #plainEvents(): TransportSocketEvents {
    return {
      ...BunTransport.events,
      open: (socket) => {
        this.#accepted += 1
        this.#begin(socket, this.#options.handshakeTimeoutMs)
      },
    }
  }

  /** The TLS handshake and the request have one time limit together. */
  #tlsEvents(): TransportSocketEvents {
    const { clock } = this.#parts
    const { handshakeTimeoutMs } = this.#options
    return {
      ...BunTransport.events,
      open: (socket) => {
        this.#accepted += 1
        const timer = clock.after(handshakeTimeoutMs, () => socket.terminate(), false)
        this.#securing.set(socket, { timer, until: clock.now() + handshakeTimeoutMs })
      },
      handshake: (socket, success) => {
        const securing = this.#securing.get(socket)
        if (securing === undefined) return
        if (success) this.#begin(socket, Math.max(0, securing.until - clock.now()))
        else socket.terminate()
        this.#endSecuring(socket)
      },
      close: (socket, error) => {
        this.#endSecuring(socket)
        BunTransport.events.close(socket, error)
      },
    }
  }

  #endSecuring(socket: BunSocket<BunTransport | undefined>): void {
    const securing = this.#securing.get(socket)
    if (securing === undefined) return
    securing.timer.cancel()
    this.#securing.delete(socket)
    if (this.#securing.size === 0) this.#onSecured()
  }

  /** Drops a TCP peer that has already reset: it has no address, which the limits need. */
  #begin(socket: BunSocket<BunTransport | undefined>, timeMs: number): void {
    const transport = new BunTransport(this.#settings, socket)
    if (transport.peer.address === undefined && this.socketPath === undefined) transport.destroy()
    else this.#exchanges.begin(transport, timeMs)
  }
}

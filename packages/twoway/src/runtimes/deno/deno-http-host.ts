import { HttpExchanges } from '../../core/http/http-exchanges.js'
import type { HttpHandler, HttpHost, HttpListener, ListenOptions } from '../../ports/http-host.js'
import type { DenoApi, DenoTlsConnection, DenoTlsListener } from './deno-sockets.js'
import { DenoTransport, type DenoTransportSettings } from './deno-transport.js'

/** Milliseconds after a failure to accept, for example for lack of descriptors. */
const pauseMs = 100

/** Milliseconds that a listener which leaves its address may take to accept the connections that wait there. */
const acceptWithinMs = 1000
/** Turns of the event loop without a connection after which none waits. */
const quietTurns = 20

export interface DenoHostParts extends DenoTransportSettings {
  readonly deno: DenoApi
  /** Listens without TLS, and with options that Deno.listenTls does not have; explains why Deno.listenTls has failed. */
  readonly otherwise: HttpHost
  /** Reports that no connection can be accepted, until the returned function is called. */
  watchDescriptors(tell: (error: Error) => void): () => void
}

/**
 * The HTTP host on Deno.listenTls. Deno's node:tls reads on while its socket is paused, so a peer could fill the memory of
 * the process. TCP without TLS stays with node:net, which is faster for long messages.
 */
export function denoHttpHost(parts: DenoHostParts): HttpHost {
  return {
    async listen(options, handler) {
      const identity = identityOf(options)
      if (identity === undefined) return parts.otherwise.listen(options, handler)
      const { host: hostname, port } = options
      let listener: DenoTlsListener
      try {
        listener = parts.deno.listenTls({ hostname, port, ...identity, alpnProtocols: ['http/1.1'] })
      } catch {
        return parts.otherwise.listen(options, handler)
      }
      return new DenoHttpListener(parts, listener, options, handler)
    },
  }
}

/** Certificate and key; undefined if Deno.listenTls can't do what the options ask for. */
function identityOf({ tls, handle, backlog, socketPath, reusePort, proxyProtocol }: ListenOptions) {
  if (tls?.cert === undefined || handle !== undefined || backlog !== undefined) return undefined
  if (socketPath !== undefined || reusePort === true || proxyProtocol !== undefined) return undefined
  if (Object.keys(tls).some((name) => name !== 'cert' && name !== 'key')) return undefined
  return { cert: textOf(tls.cert), key: textOf(tls.key) }
}

function textOf(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : String.fromCharCode(...pem)
}

class DenoHttpListener implements HttpListener {
  readonly path = 'deno'
  readonly encrypted = true
  readonly port: number
  readonly address: string
  readonly #parts: DenoHostParts
  readonly #listener: DenoTlsListener
  readonly #handshakeTimeoutMs: number
  readonly #exchanges: HttpExchanges
  readonly #stopWatching: () => void
  /** Connections in their TLS handshake. */
  readonly #securing = new Set<DenoTlsConnection>()
  /** Settles once the listener accepts no more. The address is free then. */
  readonly #accepting: Promise<void>
  #accepted = 0
  #isClosed = false
  /** Called when no connection is in its TLS handshake any more. */
  #onSecured: () => void = () => {}

  constructor(parts: DenoHostParts, listener: DenoTlsListener, options: ListenOptions, handler: HttpHandler) {
    this.#parts = parts
    this.#listener = listener
    this.#handshakeTimeoutMs = options.handshakeTimeoutMs
    this.#exchanges = new HttpExchanges(options, handler, parts.clock)
    this.port = listener.addr.port
    this.address = listener.addr.hostname
    this.#stopWatching = parts.watchDescriptors((error) => handler.failed(error))
    this.#accepting = this.#acceptAll()
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
    for (const connection of [...this.#securing]) drop(connection)
    return this.#accepting
  }

  #stop(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopWatching()
    this.#listener.close()
  }

  /** The system resets the connections that wait at a socket that closes, so they are accepted first. */
  async #acceptWaiting(): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + acceptWithinMs
    let before = this.#accepted
    for (let quiet = 0; quiet < quietTurns && clock.now() < until && !this.#isClosed; quiet += 1) {
      await new Promise<void>((resolve) => clock.task(resolve))
      if (this.#accepted !== before) quiet = 0
      before = this.#accepted
    }
  }

  async #acceptAll(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const connection = await this.#listener.accept()
        this.#accepted += 1
        void this.#secure(connection)
      } catch {
        // The report comes from watchDescriptors.
        if (!this.#isClosed) await new Promise<void>((resolve) => this.#parts.clock.after(pauseMs, resolve))
      }
    }
  }

  /** The TLS handshake and the request have one time limit together. */
  async #secure(connection: DenoTlsConnection): Promise<void> {
    const { clock } = this.#parts
    const until = clock.now() + this.#handshakeTimeoutMs
    const timer = clock.after(this.#handshakeTimeoutMs, () => drop(connection), false)
    this.#securing.add(connection)
    try {
      await connection.handshake()
      const transport = new DenoTransport(this.#parts, connection)
      this.#exchanges.begin(transport, Math.max(0, until - clock.now()))
    } catch {
      drop(connection)
    } finally {
      timer.cancel()
      this.#securing.delete(connection)
      if (this.#securing.size === 0) this.#onSecured()
    }
  }
}

function drop(connection: DenoTlsConnection): void {
  try {
    connection.close()
  } catch {
    // It is closed already.
  }
}

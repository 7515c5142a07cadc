import { HttpExchange } from '../../core/handshake/http-exchange.js'
import type { Clock } from '../../ports/clock.js'
import type { HttpHandler, HttpListener, ListenOptions } from '../../ports/http-host.js'
import type { MemoryTransport } from './memory-transport.js'

/** What listens on one address of a memory network: an HTTP server that answers one request a connection. */
export class MemoryListener implements HttpListener {
  readonly port: number
  readonly address: string
  readonly encrypted: boolean
  readonly options: ListenOptions
  readonly handler: HttpHandler
  readonly clock: Clock
  /** The connections that are no WebSockets. */
  readonly requests = new Set<HttpExchange>()
  readonly #freeAddress: () => void

  constructor(options: ListenOptions, handler: HttpHandler, clock: Clock, freeAddress: () => void) {
    this.port = options.port
    this.address = options.host
    this.encrypted = options.tls !== undefined
    this.options = options
    this.handler = handler
    this.clock = clock
    this.#freeAddress = freeAddress
  }

  accept(transport: MemoryTransport): void {
    const { options: limits, handler, clock } = this
    const timeMs = limits.handshakeTimeoutMs
    const onOver = (exchange: HttpExchange): void => void this.requests.delete(exchange)
    this.requests.add(new HttpExchange({ transport, limits, timeMs, handler, clock, onOver }))
  }

  async close(): Promise<void> {
    this.#freeAddress()
    for (const request of this.requests) request.drop()
  }
}

import { HttpExchanges } from '../../core/http/http-exchanges.js'
import type { Clock } from '../../ports/clock.js'
import type { HttpHandler, HttpListener, ListenOptions } from '../../ports/http-host.js'
import type { MemoryTransport } from './memory-transport.js'

/** The listener on an address of a memory network: an HTTP server that answers one request per connection. */
export class MemoryListener implements HttpListener {
  readonly port: number
  readonly address: string
  readonly encrypted: boolean
  /** The connections that are not WebSockets. */
  readonly #requests: HttpExchanges
  readonly #freeAddress: () => void

  constructor(options: ListenOptions, handler: HttpHandler, clock: Clock, freeAddress: () => void) {
    this.port = options.port
    this.address = options.host
    this.encrypted = options.tls !== undefined
    this.#requests = new HttpExchanges(options, handler, clock)
    this.#freeAddress = freeAddress
  }

  accept(transport: MemoryTransport): void {
    this.#requests.begin(transport)
  }

  leave(): Promise<void> {
    this.#freeAddress()
    return this.#requests.settled()
  }

  async close(): Promise<void> {
    this.#freeAddress()
    this.#requests.drop()
  }
}

import type { Clock, Timer } from '../../ports/clock.js'
import type { ExchangeLimits, HttpHandler } from '../../ports/http-host.js'
import type { RewindableTransport } from '../../ports/transport.js'
import { KnownHeads } from '../handshake/known-heads.js'
import { UnorderedSet } from '../unordered-set.js'
import { type ExchangeHost, HttpExchange } from './http-exchange.js'

/** An exchange may end late by this fraction of `handshakeTimeoutMs`, so that few checks serve many exchanges. */
const checksPerTimeout = 64

/**
 * The open requests of a host, each on a connection of its own. One timer checks the deadlines of all: a timer each
 * would slow handshakes down (`npm run bench`, row `handshake`).
 */
export class HttpExchanges implements ExchangeHost {
  readonly limits: ExchangeLimits
  readonly handler: HttpHandler
  readonly knownHeads = new KnownHeads()
  readonly #clock: Clock
  readonly #open = new UnorderedSet<HttpExchange>()
  #answering = 0
  /** Answered exchanges whose client has not closed yet, the oldest first. */
  readonly #lingering = new Set<HttpExchange>()
  readonly #onSettled: (() => void)[] = []
  #timer: Timer | undefined
  #nextCheckAt = Number.POSITIVE_INFINITY

  constructor(limits: ExchangeLimits, handler: HttpHandler, clock: Clock) {
    this.limits = limits
    this.handler = handler
    this.#clock = clock
  }

  /**
   * Reads the request of a connection.
   * @param timeMs milliseconds left for its head to arrive
   */
  begin(transport: RewindableTransport, timeMs = this.limits.handshakeTimeoutMs): void {
    const exchange = new HttpExchange(transport, this)
    this.#open.add(exchange)
    this.#giveTime(exchange, timeMs)
    transport.start(exchange)
  }

  beginAnswer(exchange: HttpExchange): boolean {
    if (this.#answering >= this.limits.maxRequests) return false
    this.#answering += 1
    exchange.isCounted = true
    this.#giveTime(exchange, this.limits.requestTimeoutMs)
    return true
  }

  linger(exchange: HttpExchange, timeMs: number): void {
    this.#endAnswer(exchange)
    this.#giveTime(exchange, timeMs)
    this.#lingering.add(exchange)
    this.#tellSettled()
    if (this.#lingering.size <= this.limits.maxRequests) return
    for (const oldest of this.#lingering) {
      oldest.drop()
      break
    }
  }

  #endAnswer(exchange: HttpExchange): void {
    if (exchange.isCounted) this.#answering -= 1
    exchange.isCounted = false
  }

  #giveTime(exchange: HttpExchange, timeMs: number): void {
    const now = this.#clock.now()
    exchange.until = now + timeMs
    if (exchange.until < this.#nextCheckAt) this.#checkIn(timeMs, now)
  }

  end(exchange: HttpExchange): void {
    this.#open.remove(exchange)
    this.#lingering.delete(exchange)
    this.#endAnswer(exchange)
    this.#tellSettled()
  }

  /** Resolves when all requests are answered, handed over or gone. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled.push(resolve)
      this.#tellSettled()
    })
  }

  #tellSettled(): void {
    if (this.#onSettled.length === 0 || this.#open.size > this.#lingering.size) return
    for (const resolve of this.#onSettled.splice(0)) resolve()
  }

  /** Drops all connections that were not handed over. */
  drop(): void {
    this.#timer?.cancel()
    this.#nextCheckAt = Number.POSITIVE_INFINITY
    for (const exchange of [...this.#open]) exchange.drop()
  }

  #checkIn(timeMs: number, now: number): void {
    this.#timer?.cancel()
    this.#nextCheckAt = now + timeMs
    // The timer need not keep the process alive: the connection does.
    this.#timer = this.#clock.after(timeMs, this.#checkDeadlines, false)
  }

  readonly #checkDeadlines = (): void => {
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    this.#nextCheckAt = next
    for (const exchange of [...this.#open]) {
      if (exchange.until <= now) exchange.expire()
      else next = Math.min(next, exchange.until)
    }
    if (next < this.#nextCheckAt)
      this.#checkIn(Math.max(next - now, this.limits.handshakeTimeoutMs / checksPerTimeout), now)
  }
}

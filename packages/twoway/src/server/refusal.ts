import { encodeResponse } from '../core/handshake/encode-response.js'
import type { Clock, Timer } from '../ports/clock.js'
import type { HttpResponse } from '../ports/http-host.js'
import type { Transport, TransportSink } from '../ports/transport.js'

/** Answers a handshake that is refused, and sees to it that the transport ends, whatever the peer does. */
export class Refusal implements TransportSink {
  readonly #transport: Transport
  readonly #octets: Uint8Array
  readonly #clock: Clock
  readonly #closeTimeoutMs: number
  #timer: Timer | undefined

  /** A UsageError where the response can't be written. */
  constructor(transport: Transport, response: HttpResponse, clock: Clock, closeTimeoutMs: number) {
    this.#transport = transport
    this.#octets = encodeResponse(response)
    this.#clock = clock
    this.#closeTimeoutMs = closeTimeoutMs
  }

  start(): void {
    this.#timer = this.#clock.after(this.#closeTimeoutMs, () => this.#transport.destroy())
    this.#transport.start(this)
    this.#transport.write(this.#octets)
    this.#transport.end()
  }

  received(): void {}
  drained(): void {}
  ended(): void {}

  closed(): void {
    this.#timer?.cancel()
  }
}

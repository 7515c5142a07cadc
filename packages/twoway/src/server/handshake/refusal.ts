import { encodeResponse } from '../../core/http/encode-response.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { HttpResponse } from '../../ports/http-host.js'
import type { Transport, TransportSink } from '../../ports/transport.js'

/** Answers a request with what is no connection, and sees to it that the transport ends, whatever the peer does. */
export class Refusal implements TransportSink {
  /** Resolves when the transport is gone. */
  readonly gone: Promise<void>
  readonly #timer: Timer
  #resolve: () => void = () => {}

  /**
   * A UsageError where the response can't be written; then nothing was.
   * @param isBodyless for the answer to HEAD
   */
  constructor(transport: Transport, response: HttpResponse, clock: Clock, closeTimeoutMs: number, isBodyless: boolean) {
    const octets = encodeResponse(response, isBodyless)
    this.gone = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = clock.after(closeTimeoutMs, () => transport.destroy())
    transport.start(this)
    transport.write(octets)
    transport.end()
  }

  received(): void {}
  drained(): void {}
  ended(): void {}

  closed(): void {
    this.#timer.cancel()
    this.#resolve()
  }
}

import { encodeResponse } from '../../core/http/encode-response.js'
import type { Clock, Timer } from '../../ports/clock.js'
import type { HttpResponse } from '../../ports/http-host.js'
import type { Transport, TransportSink } from '../../ports/transport.js'

/** Refuses a request, and ends the transport in any case. */
export class Refusal implements TransportSink {
  /** Resolves when the transport is gone. */
  readonly gone: Promise<void>
  readonly #timer: Timer
  #resolve: () => void = () => {}

  /**
   * Throws a UsageError for a response that can't be written; nothing has been written then.
   * @param isBodyless for the answer to HEAD
   */
  constructor(transport: Transport, response: HttpResponse, clock: Clock, closeTimeoutMs: number, isBodyless: boolean) {
    const bytes = encodeResponse(response, isBodyless)
    this.gone = new Promise((resolve) => {
      this.#resolve = resolve
    })
    this.#timer = clock.after(closeTimeoutMs, () => transport.destroy())
    transport.start(this)
    transport.write(bytes)
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

import type { TransportError } from '../../../core/errors.js'
import type { Transport, TransportPeer, TransportSink } from '../../../ports/transport.js'
import { queueMicrotask } from '../internals/genuine-timers.js'

/**
 * Stands in for a transport that does not exist yet: records its calls until `settle` brings the transport, and then
 * passes them on.
 */
export class DeferredTransport implements Transport {
  readonly #encrypted: boolean
  /** Undefined once the transport exists, as it may hold much. */
  #abandon: (() => void) | undefined
  #transport: Transport | undefined
  #sink: TransportSink | undefined
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #isPaused = false
  #isEnding = false
  #isGone = false
  #isTold = false
  #error: TransportError | undefined

  /** @param abandon called if `destroy` is called before the transport exists */
  constructor(encrypted: boolean, abandon: () => void) {
    this.#encrypted = encrypted
    this.#abandon = abandon
  }

  /** Whether it was destroyed or failed before the transport existed. */
  get isGone(): boolean {
    return this.#isGone
  }

  get pendingBytes(): number {
    return this.#transport === undefined ? this.#queuedBytes : this.#transport.pendingBytes
  }

  get peer(): TransportPeer {
    return this.#transport?.peer ?? { address: undefined, port: undefined, encrypted: this.#encrypted }
  }

  /** Takes over a transport that is not started. Call this or `fail` once, from an event. */
  settle(transport: Transport): void {
    const queue = this.#queue
    this.#queue = []
    this.#abandon = undefined
    this.#transport = transport
    if (this.#isPaused) transport.pause()
    queue.forEach((bytes) => {
      transport.write(bytes)
    })
    if (this.#isEnding) transport.end()
    if (this.#sink === undefined) return
    transport.start(this.#sink)
    if (this.#queuedBytes > 0 && transport.pendingBytes === 0) this.#sink.drained()
  }

  /** Reports that there will be no transport. Call it from an event; it has no effect after `destroy`. */
  fail(error: TransportError): void {
    if (this.#isGone) return
    this.#error = error
    this.#leave()
    this.#tellClosed()
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    if (this.#transport !== undefined) this.#transport.start(sink)
    else if (this.#isGone) queueMicrotask(this.#tellClosed)
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    if (this.#transport !== undefined) {
      this.#transport.write(first, second)
    } else if (!this.#isEnding) {
      // Without a transport, written bytes stay pending forever.
      if (!this.#isGone) this.#queue.push(first)
      if (!this.#isGone && second !== undefined) this.#queue.push(second)
      this.#queuedBytes += first.length + (second === undefined ? 0 : second.length)
    }
  }

  pause(): void {
    this.#isPaused = true
    this.#transport?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#transport?.resume()
  }

  end(): void {
    this.#isEnding = true
    this.#transport?.end()
  }

  destroy(reset?: boolean): void {
    if (this.#transport !== undefined) {
      this.#transport.destroy(reset)
    } else if (!this.#isGone) {
      this.#leave()
      this.#abandon?.()
      queueMicrotask(this.#tellClosed)
    }
  }

  #leave(): void {
    this.#isGone = true
    this.#queue = []
  }

  readonly #tellClosed = (): void => {
    const sink = this.#sink
    if (sink === undefined || this.#isTold) return
    this.#isTold = true
    sink.closed(this.#error)
  }
}

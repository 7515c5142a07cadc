import { Hold } from '../../core/receiving/hold.js'
import type { Payload } from '../../ports/payload.js'
import type { Transport, TransportSink } from '../../ports/transport.js'

/**
 * Octets that a peer can send ahead of the decision on its handshake and that are taken off the network; what comes
 * behind them waits there. A peer that has sent more is not read, so it is not seen to leave either.
 */
const longestAhead = 16 << 10

/** A peer that waits for the decision on its handshake: keeps what it sends ahead, and tells when it leaves. */
export class WaitingPeer implements TransportSink {
  readonly #transport: Transport
  readonly #ahead: Hold
  readonly #onLeft: () => void
  #hasLeft = false

  /** @param onLeft called once, if at all, and not from within the constructor */
  constructor(transport: Transport, payload: Payload, onLeft: () => void) {
    this.#transport = transport
    this.#ahead = new Hold(payload)
    this.#onLeft = onLeft
    transport.start(this)
  }

  /** Ends the waiting, and hands over what the peer has sent so far: whoever starts the transport next gets the rest. */
  release(): Uint8Array | undefined {
    const { length } = this.#ahead
    if (length >= longestAhead) this.#transport.resume()
    return length === 0 ? undefined : this.#ahead.take().subarray(0, length)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#ahead.append(bytes, start, end)
    if (this.#ahead.length >= longestAhead) this.#transport.pause()
  }

  drained(): void {}

  /** Who sends no more can't even close: it is gone for a WebSocket. */
  ended(): void {
    this.#leave()
    this.#transport.destroy()
  }

  closed(): void {
    this.#leave()
  }

  #leave(): void {
    if (this.#hasLeft) return
    this.#hasLeft = true
    this.#ahead.clear()
    this.#onLeft()
  }
}

import { InputBuffer } from '../../core/receiving/input-buffer.js'
import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import type { Payload } from '../../ports/payload.js'
import type { Transport, TransportSink } from '../../ports/transport.js'

/**
 * Octets that a peer can send ahead of the decision on its handshake and that are taken off the network; what comes
 * behind them waits there. A peer that has sent more is not read, so it is not seen to leave either.
 */
const longestAhead = 16 << 10

/** What becomes of a peer that waits: one of these is called, at most, and not from within the constructor. */
export interface WaitingEvents {
  left(): void
  /** The server holds too much for all its peers: this one is to be refused. */
  noRoom(): void
}

/** A peer that waits for the decision on its handshake: keeps what it sends ahead, and tells when it leaves. */
export class WaitingPeer implements TransportSink, MemoryHolder {
  readonly #transport: Transport
  readonly #ahead: InputBuffer
  readonly #budget: MemoryBudget
  #share: MemoryShare | undefined
  readonly #events: WaitingEvents
  #hasLeft = false

  constructor(transport: Transport, payload: Payload, budget: MemoryBudget, events: WaitingEvents) {
    this.#transport = transport
    this.#ahead = new InputBuffer(payload)
    this.#budget = budget
    this.#events = events
    transport.start(this)
  }

  /** Ends the waiting, and hands over what the peer has sent so far: whoever starts the transport next gets the rest. */
  release(): Uint8Array | undefined {
    this.#share?.close()
    const { length } = this.#ahead
    if (length >= longestAhead) this.#transport.resume()
    return length === 0 ? undefined : this.#ahead.take().subarray(0, length)
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#ahead.append(bytes, start, end)
    if (this.#ahead.length >= longestAhead) this.#transport.pause()
    this.#share ??= this.#budget.open(this)
    this.#share.set(this.#ahead.capacity)
  }

  drained(): void {}

  /** What the peer has sent is forgotten, so that it can't be let in. */
  evict(): void {
    const { length } = this.#ahead
    this.#ahead.clear()
    if (length >= longestAhead) this.#transport.resume()
    this.#events.noRoom()
  }

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
    this.#share?.close()
    this.#ahead.clear()
    this.#events.left()
  }
}

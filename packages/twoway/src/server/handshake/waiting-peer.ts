import { InputBuffer } from '../../core/receiving/input-buffer.js'
import type { MemoryBudget, MemoryHolder, MemoryShare } from '../../ports/memory-budget.js'
import type { Payload } from '../../ports/payload.js'
import type { Transport, TransportSink } from '../../ports/transport.js'

/**
 * Bytes that are read of a peer before the decision on its handshake. Further bytes stay in the network. The server does
 * not read a peer that has sent more, so it does not notice such a peer leaving either.
 */
const longestAhead = 16 << 10

/** The ends of a peer's waiting. At most one is called, and never from within the constructor. */
export interface WaitingEvents {
  left(): void
  /** The server holds too many bytes for all its peers, so it must refuse this one. */
  noRoom(): void
}

/** A peer that waits for the decision on its handshake: keeps the bytes that it sends ahead, and reports when it leaves. */
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

  /** Ends the waiting, and returns the bytes that have arrived. The next sink of the transport gets the rest. */
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

  /** Forgets the bytes of the peer. It can't be accepted after that. */
  evict(): void {
    const { length } = this.#ahead
    this.#ahead.clear()
    if (length >= longestAhead) this.#transport.resume()
    this.#events.noRoom()
  }

  /** A peer that has ended its side can't send a Close, so it counts as gone. */
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

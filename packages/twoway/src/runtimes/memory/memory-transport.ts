import { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../ports/transport.js'

/** Bytes that the network between two ends holds. Bytes written beyond them are pending. */
const networkBytes = 64 << 10

/** One end of a pair without a network. It behaves like a TCP socket, including closing and resets. */
export class MemoryTransport implements RewindableTransport {
  readonly peer: TransportPeer
  readonly #clock: Clock
  #other: MemoryTransport | undefined
  #sink: TransportSink | undefined
  #paused = false
  #isScheduled = false
  /** The bytes that the other end has written and this one has not taken. */
  readonly #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #owesDrained = false
  #hasEnded = false
  #otherHasEnded = false
  #endTold = false
  #isGone = false
  /** The bytes that were never delivered, once the transport is gone. */
  #lostBytes = 0
  #closedTold = false
  #error: TransportError | undefined

  constructor(peer: TransportPeer, clock: Clock) {
    this.peer = peer
    this.#clock = clock
  }

  static join(one: MemoryTransport, other: MemoryTransport): void {
    one.#other = other
    other.#other = one
  }

  get pendingBytes(): number {
    if (this.#isGone) return this.#lostBytes
    return this.#other === undefined ? 0 : Math.max(0, this.#other.#inboxBytes - networkBytes)
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#schedule()
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    const other = this.#other
    if (this.#hasEnded || other === undefined) return
    const length = first.length + (second === undefined ? 0 : second.length)
    if (length === 0) return
    if (this.#isGone || other.#isGone) {
      this.fail(peerReset())
      this.#lostBytes += length
      return
    }
    const bytes = new Uint8Array(length)
    bytes.set(first)
    if (second !== undefined) bytes.set(second, first.length)
    other.#inbox.push(bytes)
    other.#inboxBytes += bytes.length
    if (this.pendingBytes > 0) this.#owesDrained = true
    other.#schedule()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  end(): void {
    if (this.#hasEnded || this.#isGone) return
    this.#hasEnded = true
    this.#tellOtherOfEnd()
    this.#schedule()
  }

  destroy(reset = false): void {
    if (this.#isGone) return
    const other = this.#other
    this.#lostBytes = this.pendingBytes
    // As in TCP, RFC 1122 §4.2.2.13: closing with bytes unread resets the connection.
    if (other !== undefined && (reset || this.#inboxBytes > 0)) other.fail(peerReset())
    else if (other !== undefined) other.#truncateInbox()
    this.#leave(undefined)
    this.#tellOtherOfEnd()
  }

  /** Drops the connection as the network does; `closed` follows with the error. */
  fail(error: TransportError): void {
    if (this.#isGone) return
    this.#lostBytes = this.pendingBytes
    this.#leave(error)
  }

  unread(bytes: Uint8Array): void {
    this.#sink = undefined
    if (bytes.length === 0) return
    this.#inbox.unshift(new Uint8Array(bytes))
    this.#inboxBytes += bytes.length
  }

  #leave(error: TransportError | undefined): void {
    this.#isGone = true
    this.#error = error
    this.#inbox.length = 0
    this.#inboxBytes = 0
    this.#schedule()
  }

  #tellOtherOfEnd(): void {
    if (this.#other === undefined) return
    this.#other.#otherHasEnded = true
    this.#other.#schedule()
  }

  /** Removes the bytes that the other end had pending. */
  #truncateInbox(): void {
    while (this.#inboxBytes > networkBytes) {
      const last = this.#inbox.pop()!
      const kept = last.subarray(0, Math.max(0, last.length - (this.#inboxBytes - networkBytes)))
      this.#inboxBytes -= last.length - kept.length
      if (kept.length > 0) this.#inbox.push(kept)
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.task(this.#run)
  }

  readonly #run = (): void => {
    this.#isScheduled = false
    this.#tellDrained()
    while (this.#mayDeliver() && this.#inbox.length > 0) this.#deliver(this.#inbox.shift()!)
    if (this.#mayDeliver() && this.#otherHasEnded && !this.#endTold) {
      this.#endTold = true
      this.#sink!.ended()
    }
    if (this.#endTold && this.#hasEnded && this.pendingBytes === 0) this.#isGone = true
    if (!this.#isGone || this.#sink === undefined || this.#closedTold) return
    this.#closedTold = true
    this.#sink.closed(this.#error)
  }

  #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#paused && !this.#isGone
  }

  #deliver(bytes: Uint8Array): void {
    this.#inboxBytes -= bytes.length
    const other = this.#other
    if (other !== undefined && other.pendingBytes === 0) other.#schedule()
    this.#sink!.received(bytes, 0, bytes.length)
  }

  #tellDrained(): void {
    if (!this.#owesDrained || this.#isGone || this.pendingBytes > 0) return
    this.#owesDrained = false
    this.#sink?.drained()
  }
}

function peerReset(): TransportError {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  return new TransportError('the peer has reset the connection', { cause })
}

import type { Clock } from '../../ports/clock.js'
import type { Transport } from '../../ports/transport.js'
import type { ReceiveRate } from './receive-rate.js'

/** Why a connection does not read; several may hold at once. */
export const StopReason = {
  /** Its owner paused it. */
  paused: 1,
  /** What it was sent to answer its peer's messages has not gone: the peer does not read. */
  backlog: 2,
  /** It has had its share of this turn. */
  yielding: 4,
  /** A handler that is waited for is not done. */
  handler: 8,
  /** What it was sent is being decoded elsewhere. */
  decoding: 16,
  /** What came of a message waits for its reader, or all of it does. */
  reader: 32,
} as const

export type StopReason = (typeof StopReason)[keyof typeof StopReason]

/** Those for which the peer can do nothing. */
const ownStops = StopReason.paused | StopReason.handler | StopReason.reader

/** Whether a connection reads: while nothing stops it. The transport is paused with the first reason and resumed with the last. */
export class ReadGate {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #rate: ReceiveRate | undefined
  #stops = 0

  /** @param rate told of the time in which nothing is read */
  constructor(transport: Transport, clock: Clock, rate: ReceiveRate | undefined) {
    this.#transport = transport
    this.#clock = clock
    this.#rate = rate
  }

  get isOpen(): boolean {
    return this.#stops === 0
  }

  get isPaused(): boolean {
    return (this.#stops & StopReason.paused) !== 0
  }

  /** Whether it is closed for a reason for which the peer can do nothing. */
  get isClosedByUs(): boolean {
    return (this.#stops & ownStops) !== 0
  }

  /** Whether it is open, or closed for nothing but a peer that does not read: what comes next is up to the peer. */
  get isUpToPeer(): boolean {
    return (this.#stops & ~StopReason.backlog) === 0
  }

  stop(reason: StopReason): void {
    if (this.#stops === 0) {
      this.#transport.pause()
      this.#rate?.pause(this.#clock.now())
    }
    this.#stops |= reason
  }

  /** Takes a reason back. Returns whether it was the last, so that reading goes on. */
  resume(reason: StopReason): boolean {
    return (this.#stops & reason) !== 0 && this.#setStops(this.#stops & ~reason)
  }

  /** Takes all reasons back, likewise. */
  resumeAll(): boolean {
    return this.#stops !== 0 && this.#setStops(0)
  }

  #setStops(stops: number): boolean {
    this.#stops = stops
    if (stops !== 0) return false
    this.#rate?.resume(this.#clock.now())
    this.#transport.resume()
    return true
  }
}

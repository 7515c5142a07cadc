import type { Clock } from '../../ports/clock.js'
import type { Transport } from '../../ports/transport.js'
import type { ReceiveRate } from './receive-rate.js'

/** Reasons not to read; several may apply at once. */
export const StopReason = {
  /** The owner paused the connection. */
  paused: 1,
  /** The peer does not read our answers, so they wait. */
  backlog: 2,
  /** The connection has used up its turn. */
  yielding: 4,
  /** An asynchronous handler has not finished. */
  handler: 8,
  /** A piece is being decoded asynchronously. */
  decoding: 16,
  /** A streamed message waits for its reader. */
  reader: 32,
  /** Many connections read long messages, and it is the turn of others. */
  turn: 64,
} as const

export type StopReason = (typeof StopReason)[keyof typeof StopReason]

/** Reasons that the peer can't influence. */
const ownStops = StopReason.paused | StopReason.handler | StopReason.reader | StopReason.turn

/**
 * Decides whether a connection reads. Pauses the transport with the first reason and resumes it when the last is gone.
 */
export class ReadGate {
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #rate: ReceiveRate | undefined
  #stops = 0

  /** @param rate is paused while nothing is read */
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

  /** Whether a reason applies that the peer can't influence. */
  get isClosedByUs(): boolean {
    return (this.#stops & ownStops) !== 0
  }

  /** Whether reading continues or only waits for the peer to read our answers: progress depends on the peer. */
  get isUpToPeer(): boolean {
    return (this.#stops & ~StopReason.backlog) === 0
  }

  hasStopped(reason: StopReason): boolean {
    return (this.#stops & reason) !== 0
  }

  stop(reason: StopReason): void {
    if (this.#stops === 0) {
      this.#transport.pause()
      this.#rate?.pause(this.#clock.now())
    }
    this.#stops |= reason
  }

  /** Removes a reason. Returns whether it was the last, so that reading resumes. */
  resume(reason: StopReason): boolean {
    return (this.#stops & reason) !== 0 && this.#setStops(this.#stops & ~reason)
  }

  /** Removes all reasons. Returns whether there was one. */
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

import type { ServerLimits } from '../limits.js'
import { TokenBucket } from './token-bucket.js'

/** How much a peer may send. */
export type ReceiveRates = Pick<ServerLimits, 'maxMessagesPerSecond' | 'maxBytesPerSecond'>

/** Fragments from this length on count by their octets alone. */
const longFragment = 1 << 10

/** Measures what one peer sends. */
export class ReceiveRate {
  readonly limits: ReceiveRates
  readonly #messages: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined

  /** Undefined where nothing is to be measured. */
  static of(limits: ReceiveRates, now: number): ReceiveRate | undefined {
    const { maxMessagesPerSecond, maxBytesPerSecond } = limits
    if (maxMessagesPerSecond === Number.POSITIVE_INFINITY && maxBytesPerSecond === Number.POSITIVE_INFINITY) return
    return new ReceiveRate(limits, now)
  }

  private constructor(limits: ReceiveRates, now: number) {
    const { maxMessagesPerSecond, maxBytesPerSecond } = limits
    this.limits = limits
    if (Number.isFinite(maxMessagesPerSecond)) this.#messages = new TokenBucket(maxMessagesPerSecond, now)
    if (Number.isFinite(maxBytesPerSecond)) this.#bytes = new TokenBucket(maxBytesPerSecond, now)
  }

  /** Whether these octets from the network may be taken. */
  takeBytes(length: number, now: number): boolean {
    return this.#bytes?.take(length, now) ?? true
  }

  /** Whether this frame may be taken. */
  takeFrame(isContinuation: boolean, length: number, now: number): boolean {
    if (isContinuation && length >= longFragment) return true
    return this.#messages?.take(1, now) ?? true
  }

  /** The connection is not read from now on. */
  stop(now: number): void {
    this.#messages?.take(0, now)
    this.#bytes?.take(0, now)
  }

  /** The connection is read again, after `stop`. What the peer was free to send meanwhile comes all at once. */
  go(now: number): void {
    this.#messages?.keepAll(now)
    this.#bytes?.keepAll(now)
  }
}

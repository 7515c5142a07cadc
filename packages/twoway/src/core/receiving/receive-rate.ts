import type { ServerLimits } from '../limits.js'
import { TokenBucket } from './token-bucket.js'

/** Limits on how fast a peer may send. */
export type ReceiveRates = Pick<ServerLimits, 'maxMessagesPerSecond' | 'maxBytesPerSecond'>

/** Continuation frames of this length or more do not count as messages. */
const longFragment = 1 << 10

/** Measures the rate of one peer. */
export class ReceiveRate {
  readonly limits: ReceiveRates
  readonly #messages: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined

  /** Returns undefined if both rates are unlimited. */
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

  /** Whether the rate allows these bytes from the network. */
  takeBytes(length: number, now: number): boolean {
    return this.#bytes?.take(length, now) ?? true
  }

  /** Whether the rate allows this frame. */
  takeFrame(isContinuation: boolean, length: number, now: number): boolean {
    if (isContinuation && length >= longFragment) return true
    return this.#messages?.take(1, now) ?? true
  }

  /** The connection stops reading. */
  pause(now: number): void {
    this.#messages?.take(0, now)
    this.#bytes?.take(0, now)
  }

  /** The connection reads again, after `pause`. All that the peer was free to send meanwhile may come at once. */
  resume(now: number): void {
    this.#messages?.keepAll(now)
    this.#bytes?.keepAll(now)
  }
}

import { TokenBucket } from './token-bucket.js'

/** How much a peer may send. */
export interface ReceiveRates {
  /**
   * Messages a second that are taken of a connection, or Infinity; beyond it the connection fails with 1008. A second's
   * worth may come at once. Pings and pongs count too, or a flood of them would pass, and so does a further fragment of
   * a message where it is shorter than 1 KiB; longer ones do not, as browsers cut long messages of themselves.
   */
  readonly maxMessagesPerSecond: number
  /**
   * Bytes a second that are taken of a connection as they come from the network, or Infinity; beyond it the connection
   * fails with 1008. A second's worth may come at once, and for the time in which the connection was not read, as it was
   * paused or lagged behind, what that time allows.
   */
  readonly maxBytesPerSecond: number
}

/** Fragments from this length on count by their bytes alone. */
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

  /** Whether these bytes from the network may be taken. */
  takeBytes(length: number, now: number): boolean {
    return this.#bytes?.take(length, now) ?? true
  }

  /** Whether this frame may be taken. */
  takeFrame(isContinuation: boolean, length: number, now: number): boolean {
    if (isContinuation && length >= longFragment) return true
    return this.#messages?.take(1, now) ?? true
  }

  /** The connection is not read from now on. */
  pause(now: number): void {
    this.#messages?.take(0, now)
    this.#bytes?.take(0, now)
  }

  /** The connection is read again, after `pause`. What the peer was free to send meanwhile comes all at once. */
  resume(now: number): void {
    this.#messages?.keepAll(now)
    this.#bytes?.keepAll(now)
  }
}

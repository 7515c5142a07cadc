import { errorOf } from '../../../twoway/dist/core/errors.js'
import type { Loss, TransportSink } from '../../../twoway/dist/ports/transport.js'

/** A sink that records its calls, and resolves the promises that wait for them. */
export class RecordingSink implements TransportSink {
  /** The calls in order; consecutive calls of `received` are one entry. */
  readonly calls: string[] = []
  error: Error | undefined
  /** Runs within each call of `received`, before the bytes are overwritten. */
  onReceived: () => void = () => {}
  receivedBytes = 0
  readonly #pieces: Buffer[] = []
  #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  get text(): string {
    return this.bytes.toString('latin1')
  }

  /** Whether the other side has ended, or the connection is closed. */
  get hasEnded(): boolean {
    return this.calls.includes('ended') || this.calls.includes('closed')
  }

  received(bytes: Uint8Array, start: number, end: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)))
    this.receivedBytes += end - start
    this.onReceived()
    // The contract allows overwriting: the parser unmasks in place.
    bytes.fill(0x2a, start, end)
    if (this.calls.at(-1) !== 'received') this.calls.push('received')
    this.#wake()
  }

  drained(): void {
    this.#note('drained')
  }

  ended(): void {
    this.#note('ended')
  }

  closed(loss?: Loss): void {
    this.error = loss && errorOf(loss)
    this.#note('closed')
  }

  /** Resolves once the condition holds after one of the calls. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }))
  }

  untilCalled(name: string): Promise<void> {
    return this.until(() => this.calls.includes(name))
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text.includes(text))
  }

  #note(name: string): void {
    this.calls.push(name)
    this.#wake()
  }

  #wake(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet())
    this.#waiting = this.#waiting.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve()
  }
}

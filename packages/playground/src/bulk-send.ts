import { type ReadonlySignal, signal } from '@preact/signals'
import { Samples } from './samples.js'
import type { Session } from './session.js'

export const bulkBytes = 10_000_000

export interface BulkSendView {
  readonly state: 'idle' | 'sending' | 'sent' | 'closed'
  /** Milliseconds since the start. */
  readonly x: readonly number[]
  /** `bufferedAmount` at that time. */
  readonly y: readonly number[]
  readonly tookMs: number
  /** Bytes that were not sent because the connection closed. */
  readonly left: number
}

/** Sends 10 MB and watches `bufferedAmount` until it is 0. */
export class BulkSend {
  readonly #session: Session
  readonly #view = signal<BulkSendView>({ state: 'idle', x: [], y: [], tookMs: 0, left: 0 })

  constructor(session: Session) {
    this.#session = session
  }

  get view(): ReadonlySignal<BulkSendView> {
    return this.#view
  }

  /** Resolves when all bytes are sent, or the connection has ended. `bulkBytes` must be a multiple of the count. */
  async run(messages: number): Promise<void> {
    if (this.#view.value.state === 'sending') return
    const message = patterned(bulkBytes / messages)
    const samples = new Samples()
    const startedAt = performance.now()
    const now = (): number => performance.now() - startedAt
    samples.add(0, this.#session.bufferedAmount)
    for (let count = 0; count < messages; count++) {
      this.#session.send(message)
      samples.add(now(), this.#session.bufferedAmount)
    }

    const show = (state: BulkSendView['state']): void => {
      this.#view.value = {
        state,
        x: [...samples.x],
        y: [...samples.y],
        tookMs: now(),
        left: this.#session.bufferedAmount,
      }
    }
    let shownAt = Number.NEGATIVE_INFINITY
    while (this.#session.bufferedAmount > 0 && this.#session.agreement.peek()) {
      samples.add(now(), this.#session.bufferedAmount)
      if (now() - shownAt > 30) {
        show('sending')
        shownAt = now()
      }
      await nextTask()
    }
    samples.addLast(now(), this.#session.bufferedAmount)
    show(this.#session.bufferedAmount === 0 ? 'sent' : 'closed')
  }
}

/** Bytes without a short period, so that a lost or swapped part shows. */
function patterned(length: number): ArrayBuffer {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >>> 8)) & 0xff
  return bytes.buffer
}

/** Runs sooner than a timer, which browsers delay by 4 ms or more. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

import { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'

interface PendingPing {
  readonly number: number
  readonly sentAt: number
  readonly resolve: (milliseconds: number) => void
  readonly reject: (error: Error) => void
}

/** The Pings of a connection that wait for their Pongs. A number in the payload identifies each. */
export class PendingPings {
  readonly #clock: Clock
  readonly #send: (payload: string) => void
  #waiting: PendingPing[] = []
  #count = 0

  constructor(clock: Clock, send: (payload: string) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** Resolves to the milliseconds until the answer. */
  add(): Promise<number> {
    const number = ++this.#count
    const answered = new Promise<number>((resolve, reject) => {
      this.#waiting.push({ number, sentAt: this.#clock.now(), resolve, reject })
    })
    this.#send(payloadOf(number))
    return answered
  }

  /** A Pong arrived. It answers earlier Pings too, because a peer may answer only the latest, §5.5.3. */
  answer(payload: Uint8Array): void {
    const text = String.fromCharCode.apply(null, payload as unknown as number[])
    const at = this.#waiting.findIndex(({ number }) => payloadOf(number) === text)
    const now = this.#clock.now()
    this.#waiting.splice(0, at + 1).forEach(({ sentAt, resolve }) => {
      resolve(now - sentAt)
    })
  }

  /** No further Pong will arrive. */
  fail(): void {
    this.#waiting.splice(0).forEach(({ reject }) => {
      reject(closedBeforePong())
    })
  }
}

export function closedBeforePong(): TransportError {
  return new TransportError('the connection is not open, so no Pong will arrive')
}

function payloadOf(number: number): string {
  return `ping ${number}`
}

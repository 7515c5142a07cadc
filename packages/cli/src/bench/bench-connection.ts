import { WebSocket, type WebSocketOptions } from 'twoway'

export interface BenchConnectionEvents {
  /** An answer came, so long after its message was sent, or was to be sent. */
  answer(connection: BenchConnection, octets: number, milliseconds: number | undefined): void
  /** It ended though it was not to. */
  lost(connection: BenchConnection): void
}

/** Messages without an answer whose times are kept, at most: a server that answers nothing must not fill the memory. */
const mostUnanswered = 100_000

/** One of the connections under test. An answer belongs to the first message that has none yet. */
export class BenchConnection {
  /** Resolves to milliseconds until it was open; rejects with what went wrong. */
  readonly opened: Promise<number>
  readonly #socket: WebSocket
  readonly #closed: Promise<void>
  #sentAt: number[] = []
  #answered = 0
  #isClosing = false

  constructor(url: string, options: WebSocketOptions, events: BenchConnectionEvents) {
    const startedAt = performance.now()
    const socket = new WebSocket(url, options)
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    let isOpen = false
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => {
        isOpen = true
        resolve(performance.now() - startedAt)
      }
      socket.onerror = (event) => reject(event.error)
    })
    socket.onmessage = ({ data }) => {
      const octets = typeof data === 'string' ? Buffer.byteLength(data) : (data as ArrayBuffer).byteLength
      events.answer(this, octets, this.#takeTime())
    }
    this.#closed = new Promise((resolve) => {
      socket.onclose = () => {
        if (isOpen && !this.#isClosing) events.lost(this)
        resolve()
      }
    })
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Sends; `at` is when that was to happen, from which the answer's time is counted. */
  send(message: string | Uint8Array, at: number): void {
    if (this.#sentAt.length - this.#answered < mostUnanswered) this.#sentAt.push(at)
    this.#socket.send(message)
  }

  /** Resolves when it is closed. */
  close(): Promise<void> {
    this.#isClosing = true
    this.#socket.close(1000)
    return this.#closed
  }

  #takeTime(): number | undefined {
    const at = this.#sentAt[this.#answered]
    if (at === undefined) return undefined
    this.#answered += 1
    if (this.#answered === this.#sentAt.length || this.#answered === 4096) {
      this.#sentAt = this.#sentAt.slice(this.#answered)
      this.#answered = 0
    }
    return performance.now() - at
  }
}

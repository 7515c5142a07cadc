import { WebSocket, type WebSocketOptions } from 'twoway'

export interface BenchConnectionEvents {
  /** An answer arrived; `milliseconds` count from when its message was sent, or was due. */
  answer(connection: BenchConnection, bytes: number, milliseconds: number | undefined): void
  /** The connection ended before it was closed. */
  lost(connection: BenchConnection): void
}

/** The most unanswered messages whose times are kept: a server that never answers must not fill the memory. */
const mostUnanswered = 100_000

/** One of the connections under test. An answer belongs to the oldest message that has none yet. */
export class BenchConnection {
  /** Resolves to the milliseconds until the connection was open; rejects with the reason why it failed. */
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
      const bytes = typeof data === 'string' ? Buffer.byteLength(data) : (data as ArrayBuffer).byteLength
      events.answer(this, bytes, this.#takeTime())
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

  /** Sends a message; the time of its answer counts from `at`, when the message was due. */
  send(message: string | Uint8Array, at: number): void {
    if (this.#sentAt.length - this.#answered < mostUnanswered) this.#sentAt.push(at)
    this.#socket.send(message)
  }

  /** Resolves when the connection is closed. */
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

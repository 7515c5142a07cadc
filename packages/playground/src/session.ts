import { type ReadonlySignal, signal } from '@preact/signals'
import { WebSocket } from 'twoway'
import { type MessageData, payloadOf, readHead } from './payload.js'
import type { NewEntry } from './timeline-entry.js'
import { TimelineLog } from './timeline-log.js'

/** The result of a handshake. */
export interface Agreement {
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  readonly tookMs: number
}

/** Receives each message. It returns true for a message of its own, which the timeline does not list. */
export type Receiver = (data: MessageData) => boolean

/** The one connection of the page and its events. */
export class Session {
  readonly log = new TimelineLog(withNextFrame)
  readonly #readyState = signal<number>(WebSocket.CLOSED)
  readonly #agreement = signal<Agreement | undefined>(undefined)
  readonly #url = signal('')
  readonly #binaryType = signal<BinaryType>('blob')
  readonly #receivers = new Set<Receiver>()
  #socket: WebSocket | undefined
  #nextId = 1

  get readyState(): ReadonlySignal<number> {
    return this.#readyState
  }

  /** Undefined unless the connection is open. */
  get agreement(): ReadonlySignal<Agreement | undefined> {
    return this.#agreement
  }

  /** The URL of the latest connection; '' before the first. */
  get url(): ReadonlySignal<string> {
    return this.#url
  }

  get binaryType(): ReadonlySignal<BinaryType> {
    return this.#binaryType
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  setBinaryType(binaryType: BinaryType): void {
    this.#binaryType.value = binaryType
    if (this.#socket) this.#socket.binaryType = binaryType
  }

  /** Replaces the current connection, if any. Throws the constructor's DOMException for an invalid URL or subprotocol. */
  connect(url: string, protocols: readonly string[]): void {
    const socket = new WebSocket(url, [...protocols])
    const before = this.#socket
    this.#socket = socket
    before?.close(1000)
    socket.binaryType = this.#binaryType.value
    const startedAt = performance.now()
    this.#url.value = url
    this.#showState()

    socket.addEventListener('open', () => {
      const agreement = {
        url: socket.url,
        protocol: socket.protocol,
        extensions: socket.extensions,
        tookMs: performance.now() - startedAt,
      }
      if (this.#socket === socket) this.#agreement.value = agreement
      this.record({ kind: 'open', ...agreement })
      this.#showState()
    })
    socket.addEventListener('message', ({ data }) => this.#receive(data as MessageData))
    let wasOpen = false
    socket.addEventListener('open', () => {
      wasOpen = true
    })
    socket.addEventListener('error', () => this.record({ kind: 'error', url, wasOpen }))
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      if (this.#socket === socket) this.#agreement.value = undefined
      this.record({ kind: 'close', code, reason, wasClean })
      this.#showState()
    })
  }

  /** Throws the DOMException of `close` for an invalid code or reason. */
  close(code: number, reason: string): void {
    this.#socket?.close(code, reason)
    this.#showState()
  }

  /** Sends a message. Returns false if the connection is not open. */
  send(data: MessageData, options: { readonly isRecorded?: boolean } = {}): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(data)
    if (options.isRecorded ?? true) this.#recordMessage('sent', data)
    return true
  }

  /** Calls back with each message until the returned function is called. */
  onReceived(receiver: Receiver): () => void {
    this.#receivers.add(receiver)
    return () => this.#receivers.delete(receiver)
  }

  /** Adds an event with the current time to the timeline, and returns its id. */
  record(entry: NewEntry): number {
    const id = this.#nextId++
    this.log.add({ ...entry, id, at: Date.now() })
    return id
  }

  #receive(data: MessageData): void {
    const isTaken = [...this.#receivers].map((receiver) => receiver(data)).includes(true)
    if (!isTaken) this.#recordMessage('received', data)
  }

  #recordMessage(direction: 'sent' | 'received', data: MessageData): void {
    const entry = { kind: 'message', direction, payload: payloadOf(data), at: Date.now() } as const
    const id = this.record(entry)
    if (!(data instanceof Blob)) return
    readHead(data).then(
      (head) => this.log.replace({ ...entry, id, payload: { ...entry.payload, head } }),
      // The file was removed or is no longer readable: there is nothing to show.
      () => {},
    )
  }

  #showState(): void {
    this.#readyState.value = this.#socket?.readyState ?? WebSocket.CLOSED
  }
}

/** A hidden page gets no animation frames, and it is not visible. */
function withNextFrame(flush: () => void): void {
  if (document.visibilityState === 'visible') requestAnimationFrame(flush)
  else setTimeout(flush, 250)
}

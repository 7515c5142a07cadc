import { setTimeout as wait } from 'node:timers/promises'
import type { WebSocketOptions } from 'twoway'
import { BenchConnection } from './bench-connection.js'
import { Latencies } from './latencies.js'

export interface BenchPlan {
  readonly url: string
  readonly options: WebSocketOptions
  readonly connections: number
  readonly durationMs: number
  /** Messages per second of all connections together; undefined to send a message after each answer. */
  readonly rate: number | undefined
  /** Unanswered messages per connection, if there is no rate. */
  readonly inFlight: number
  /** Sends without waiting for answers, as fast as the network allows. */
  readonly oneWay: boolean
  /** The messages to send, in turn. */
  readonly messages: readonly (string | Uint8Array)[]
}

/** The counts of a run so far. */
export interface BenchCounts {
  connected: number
  failed: number
  lost: number
  sent: number
  sentBytes: number
  received: number
  receivedBytes: number
}

/** The most connections that are being opened at the same time. */
const mostConnecting = 64
/** Bytes that wait for the network above which a connection is sent nothing. */
const mostBuffered = 256 << 10
/** Milliseconds between checks of which messages are due. */
const tickMs = 2

/** A load test: connects, sends for a while, closes. */
export class BenchRun {
  readonly counts: BenchCounts = {
    connected: 0,
    failed: 0,
    lost: 0,
    sent: 0,
    sentBytes: 0,
    received: 0,
    receivedBytes: 0,
  }
  readonly connecting = new Latencies()
  readonly latencies = new Latencies()
  connectingMs = 0
  sendingMs = 0
  /** The error of the first connection that failed. */
  firstFailure: unknown
  readonly #plan: BenchPlan
  readonly #stop: AbortSignal
  readonly #open: BenchConnection[] = []
  readonly #sizes: readonly number[]
  #isSending = false

  constructor(plan: BenchPlan, stop: AbortSignal) {
    this.#plan = plan
    this.#stop = stop
    this.#sizes = plan.messages.map((message) => Buffer.byteLength(message))
  }

  /** Opens the connections, some at a time, and counts those that fail. */
  async connect(): Promise<void> {
    const { connections } = this.#plan
    const startedAt = performance.now()
    let left = connections
    const connectInTurn = async (): Promise<void> => {
      while (left > 0 && !this.#stop.aborted) {
        left -= 1
        await this.#connectOne()
      }
    }
    await Promise.all(Array.from({ length: Math.min(mostConnecting, connections) }, connectInTurn))
    this.connectingMs = performance.now() - startedAt
  }

  /** Sends until the time is up or the run is stopped. */
  async send(): Promise<void> {
    const { durationMs, rate, inFlight, oneWay } = this.#plan
    const startedAt = performance.now()
    this.#isSending = true
    const over = wait(durationMs, undefined, { signal: this.#stop }).catch(() => {})
    if (oneWay || rate !== undefined) void this.#sendInTurn(startedAt, rate ?? Number.POSITIVE_INFINITY)
    else for (const connection of this.#open) for (let sent = 0; sent < inFlight; sent++) this.#sendOne(connection)
    await over
    this.#isSending = false
    this.sendingMs = performance.now() - startedAt
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.close()))
  }

  async #connectOne(): Promise<void> {
    const { url, options, oneWay, rate } = this.#plan
    const answersDrive = !oneWay && rate === undefined
    try {
      const connection = new BenchConnection(url, options, {
        answer: (from, bytes, milliseconds) => {
          this.counts.received += 1
          this.counts.receivedBytes += bytes
          if (milliseconds !== undefined) this.latencies.add(milliseconds)
          if (answersDrive && this.#isSending && milliseconds !== undefined) this.#sendOne(from)
        },
        lost: () => {
          this.counts.lost += 1
        },
      })
      this.connecting.add(await connection.opened)
      this.counts.connected += 1
      this.#open.push(connection)
    } catch (error) {
      this.counts.failed += 1
      this.firstFailure ??= error
    }
  }

  /**
   * Sends at a rate, or as fast as possible, on one connection after another. The time of a late message counts from
   * when it was due, so that a server that stalls can't hide it by delaying its own test.
   */
  async #sendInTurn(startedAt: number, rate: number): Promise<void> {
    let sent = 0
    let turn = 0
    while (this.#isSending && this.#open.length > 0) {
      const now = performance.now()
      const due = Math.min(sent + 10_000, Math.floor(((now - startedAt) / 1000) * rate))
      let skipped = 0
      while (sent < due && skipped < this.#open.length) {
        const connection = this.#open[turn++ % this.#open.length]!
        if (!connection.isOpen || connection.bufferedBytes > mostBuffered) {
          skipped += 1
          continue
        }
        skipped = 0
        this.#sendOne(connection, rate === Number.POSITIVE_INFINITY ? now : startedAt + (sent / rate) * 1000)
        sent += 1
      }
      await wait(rate === Number.POSITIVE_INFINITY ? 0 : tickMs)
    }
  }

  #sendOne(connection: BenchConnection, at: number = performance.now()): void {
    if (!connection.isOpen) return
    const { messages } = this.#plan
    const index = this.counts.sent % messages.length
    this.counts.sent += 1
    this.counts.sentBytes += this.#sizes[index]!
    connection.send(messages[index]!, at)
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import type { WebSocketOptions } from 'twoway'
import { BenchConnection } from './bench-connection.js'
import { Latencies } from './latencies.js'

export interface BenchPlan {
  readonly url: string
  readonly options: WebSocketOptions
  readonly connections: number
  readonly durationMs: number
  /** Messages a second of all connections together; as fast as answers come without it. */
  readonly rate: number | undefined
  /** Messages of a connection that wait for answers at a time, where there is no rate. */
  readonly inFlight: number
  /** Waits for no answers: sends as fast as the network takes it. */
  readonly oneWay: boolean
  /** Sent in turn. */
  readonly messages: readonly (string | Uint8Array)[]
}

/** What a run has counted so far. */
export interface BenchCounts {
  connected: number
  failed: number
  lost: number
  sent: number
  sentBytes: number
  received: number
  receivedBytes: number
}

/** Connections that are being made at a time. */
const mostConnecting = 64
/** Octets of a connection that wait for the network above which it is sent nothing. */
const mostBuffered = 256 << 10
/** Milliseconds between looks at what is due. */
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
  /** Why the first connection that failed did. */
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

  /** Makes the connections, some at a time; those that fail are counted. */
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

  /** Sends until time is up or it is stopped. */
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
        answer: (from, octets, milliseconds) => {
          this.counts.received += 1
          this.counts.receivedBytes += octets
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
   * Sends at a rate, or as fast as it can, on one connection after the other. What is late is sent late, and its time
   * counted from when it was due: a server that stalls does not hide it by holding up its own test.
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

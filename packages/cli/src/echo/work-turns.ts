/** Bytes that the connections of a service may be sent in one turn of the event loop for what their URLs ask. */
export const bytesPerTurn = 1 << 20
/** The same in a second, by all of a service, and by one connection. */
export const bytesPerSecond = 256 << 20
export const connectionBytesPerSecond = 64 << 20
/** Bytes that a frame counts for beside its payload: an empty one takes the processor as long as so many bytes do. */
export const bytesPerFrame = 4 << 10

/** How much may come at once after a pause, as the time in which it would have come. */
const burstMs = 100

/** What the turns need of the runtime. */
export interface TurnClock {
  /** Milliseconds. */
  now(): number
  after(delayMs: number, run: () => void): unknown
  /** Calls back in the event loop's next turn. */
  nextTurn(run: () => void): unknown
}

const systemClock: TurnClock = {
  now: () => performance.now(),
  after: (delayMs, run) => setTimeout(run, delayMs),
  nextTurn: (run) => setImmediate(run),
}

interface Waiting {
  readonly bytes: number
  readonly signal: AbortSignal
  run(): void
}

/** A rate in bytes: what is taken beyond it is waited for before the next is taken. */
export class Pace {
  readonly #bytesPerMs: number
  #readyAt = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.#bytesPerMs = perSecond / 1000
  }

  /** Milliseconds until something may be taken. */
  waitMs(now: number): number {
    return Math.max(0, this.#readyAt - now)
  }

  take(bytes: number, now: number): void {
    this.#readyAt = Math.max(now - burstMs, this.#readyAt) + bytes / this.#bytesPerMs
  }
}

/**
 * Shares out among the connections of a service what they are sent for what their URLs ask. In a turn of the event loop
 * goes no more than `bytesPerTurn`, or one message that is longer, and over time no more than `bytesPerSecond`: however
 * many connections ask for however much, handshakes and signals are waited for between two turns. First come, first
 * served: a connection has one request or two in the line.
 */
export class WorkTurns {
  readonly #clock: TurnClock
  readonly #pace = new Pace(bytesPerSecond)
  #waiting: Waiting[] = []
  #isScheduled = false

  constructor(clock: TurnClock = systemClock) {
    this.#clock = clock
  }

  /** Resolves in a turn in which so many bytes may be sent. Rejects where the signal is aborted before. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ bytes, signal, run: resolve })
      this.#schedule()
    })
    signal.throwIfAborted()
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    const waitMs = this.#pace.waitMs(this.#clock.now())
    if (waitMs > 0) this.#clock.after(Math.ceil(waitMs), this.#turn)
    else this.#clock.nextTurn(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isScheduled = false
    let taken = 0
    let count = 0
    for (const { bytes, signal, run } of this.#waiting) {
      // A connection that is gone sends nothing, and takes nothing from the others.
      const own = signal.aborted ? 0 : bytes
      if (taken > 0 && taken + own > bytesPerTurn) break
      taken += own
      count += 1
      run()
    }
    this.#waiting.splice(0, count)
    this.#pace.take(taken, this.#clock.now())
    this.#schedule()
  }
}

/** Bytes of traffic caused by settings that a service may send in one turn of the event loop. */
export const bytesPerTurn = 1 << 20
/** The same per second, for all connections of a service, and for one. */
export const bytesPerSecond = 256 << 20
export const connectionBytesPerSecond = 64 << 20
/** Bytes that a frame counts for beside its payload: an empty one takes as much processor time as this many bytes. */
export const bytesPerFrame = 4 << 10

/** The burst allowed after a pause, as the time that it would have taken at the normal rate. */
const burstMs = 100

/** The clock and the event loop, as the turns need them. */
export interface TurnClock {
  /** The time in milliseconds. */
  now(): number
  after(delayMs: number, run: () => void): unknown
  /** Calls back in the next turn of the event loop. */
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

/** A rate in bytes per second. Bytes taken beyond it delay the next ones. */
export class Pace {
  readonly #bytesPerMs: number
  #readyAt = Number.NEGATIVE_INFINITY

  constructor(perSecond: number) {
    this.#bytesPerMs = perSecond / 1000
  }

  /** Milliseconds until more bytes may be taken. */
  waitMs(now: number): number {
    return Math.max(0, this.#readyAt - now)
  }

  take(bytes: number, now: number): void {
    this.#readyAt = Math.max(now - burstMs, this.#readyAt) + bytes / this.#bytesPerMs
  }
}

/**
 * Shares the traffic caused by settings among the connections of a service. A turn of the event loop sends no more than
 * `bytesPerTurn`, or one longer message, and over time no more than `bytesPerSecond`. So handshakes and signals are
 * handled between two turns, however much the connections request. Requests are served in order; a connection has one
 * or two waiting.
 */
export class WorkTurns {
  readonly #clock: TurnClock
  readonly #pace = new Pace(bytesPerSecond)
  #waiting: Waiting[] = []
  #isScheduled = false

  constructor(clock: TurnClock = systemClock) {
    this.#clock = clock
  }

  /** Resolves in a turn in which this many bytes may be sent. Rejects if the signal is aborted before. */
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
      // A connection that has ended sends nothing, so it takes nothing from the others.
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

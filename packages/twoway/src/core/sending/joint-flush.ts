import type { Clock } from '../../ports/clock.js'

/** An object that is flushed at the end of a turn. */
export interface Flushable {
  /** The end of the turn has come. */
  flushDeferred(): void
}

/**
 * Flushes all that one call has filled with a single deferral, at the end of the turn and in the call's asynchronous
 * context. Must not be shared between calls. If one flush throws, the others still run.
 */
export class JointFlush {
  readonly #clock: Clock
  #flushables: Flushable[] = []
  #flushed = 0
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns false if the turn is over: the caller then flushes itself. */
  add(flushable: Flushable): boolean {
    if (this.#isOver) return false
    if (this.#flushables.push(flushable) === 1) this.#defer()
    return true
  }

  #defer(): void {
    this.#clock.defer(() => this.#flush())
  }

  #flush(): void {
    const flushables = this.#flushables
    this.#isOver = true
    try {
      while (this.#flushed < flushables.length) flushables[this.#flushed++]!.flushDeferred()
    } finally {
      if (this.#flushed < flushables.length) this.#defer()
      else this.#flushables = []
    }
  }
}

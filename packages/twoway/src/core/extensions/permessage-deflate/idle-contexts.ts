import type { Clock, Timer } from '../../../ports/clock.js'

/** Who keeps something from message to message that it can do without. */
export interface ContextHolder {
  releaseIdle(): void
}

/** Has contexts released that were not used for a while: one timer for all holders, and none where there are none. */
export class IdleContexts {
  readonly #clock: Clock
  readonly #idleMs: number
  /** Each holder with the round in which it was used last. */
  readonly #holders = new Map<ContextHolder, number>()
  #round = 0
  #timer: Timer | undefined

  /** @param idleMs a context is released when it was not used for this long, or up to twice as long */
  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock
    this.#idleMs = idleMs
  }

  /** The holder has used its context now. */
  used(holder: ContextHolder): void {
    this.#holders.set(holder, this.#round)
    this.#timer ??= this.#clock.after(this.#idleMs, this.#endRound)
  }

  /** The holder has none any more. */
  forget(holder: ContextHolder): void {
    this.#holders.delete(holder)
    if (this.#holders.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #endRound = (): void => {
    this.#timer = undefined
    for (const [holder, round] of this.#holders) {
      if (round === this.#round) continue
      this.#holders.delete(holder)
      holder.releaseIdle()
    }
    this.#round += 1
    if (this.#holders.size > 0) this.#timer ??= this.#clock.after(this.#idleMs, this.#endRound)
  }
}

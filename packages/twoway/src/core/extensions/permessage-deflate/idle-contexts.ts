import type { Clock, Timer } from '../../../ports/clock.js'

/** Holds a context between messages, and can recreate it. */
export interface ContextHolder {
  releaseIdle(): void
}

/** Releases contexts that are idle. One timer serves all holders; it stops when there are none. */
export class IdleContexts {
  readonly #clock: Clock
  readonly #idleMs: number
  /** Each holder, with the round of its last use. */
  readonly #holders = new Map<ContextHolder, number>()
  #round = 0
  #timer: Timer | undefined

  /** @param idleMs a context is released after this time without use, or up to twice that */
  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock
    this.#idleMs = idleMs
  }

  /** The holder has just used its context. */
  used(holder: ContextHolder): void {
    this.#holders.set(holder, this.#round)
    this.#timer ??= this.#clock.after(this.#idleMs, this.#endRound)
  }

  /** The holder has no context any more. */
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

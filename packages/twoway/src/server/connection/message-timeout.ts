import type { ServerLimits } from '../../core/limits.js'
import type { ReceiveBudget } from '../../core/receiving/receive-budget.js'
import type { Clock, Timer } from '../../ports/clock.js'

/** The checks within `messageTimeoutMs`. A connection may end late by one interval between them. */
const checks = 15

interface TimeoutSettings {
  readonly limits: ServerLimits
  readonly receiveBudget: ReceiveBudget
  readonly ports: { readonly clock: Clock }
}

/**
 * Ends connections whose peers have begun a message and do not continue it. One timer serves all connections: it runs
 * while there are any, and checks those that wait for the rest of a message.
 */
export class MessageTimeout {
  readonly #settings: TimeoutSettings
  readonly #connections: { readonly size: number }
  #timer: Timer | undefined

  constructor(settings: TimeoutSettings, connections: { readonly size: number }) {
    this.#settings = settings
    this.#connections = connections
  }

  /** A connection was added. */
  start(): void {
    if (this.#timer === undefined) this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    const { limits, ports, receiveBudget } = this.#settings
    const { messageTimeoutMs } = limits
    if (messageTimeoutMs === Number.POSITIVE_INFINITY) return
    const check = (): void => {
      this.#timer = undefined
      receiveBudget.checkProgress(ports.clock.now(), messageTimeoutMs)
      if (this.#connections.size > 0) this.#arm()
    }
    // Connections keep the process alive; the timer need not.
    this.#timer = ports.clock.after(messageTimeoutMs / checks, check, false)
  }
}

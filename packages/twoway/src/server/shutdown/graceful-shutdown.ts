import { UsageError } from '../../core/errors.js'
import { settleOptions } from '../../core/options/settle-options.js'
import type { Clock } from '../../ports/clock.js'
import type { ProcessSignals } from '../../ports/process-signals.js'
import { shutdownTable } from './shutdown-options.js'
import type { Drainable, Shutdown, ShutdownOptions } from './shutdown-types.js'

/** npm forwards a signal to a process that the terminal has signalled already, so a second one this soon is the same. */
const sameSignalMs = 200

/** Milliseconds, and the part of a shorter time, in which connections no longer begin to close. */
const closing = { ms: 6000, share: 3 / 4 }

/** The same for the end, in which connections are dropped and `then` is called. */
const ending = { ms: 1000, share: 1 / 8 }

/** Milliseconds for what is dropped to be gone. */
const droppedWithinMs = 200

/** What a shutdown stops, in its own words. */
export interface ShutdownTarget {
  readonly isReady: boolean
  notReady(): void
  /** Resolves when nothing is left, for which it may take much longer than the time of the closes. */
  drain(withinMs: number): Promise<void>
  /** Drops the rest. Resolves to whether only connections were left, which a peer may hold as long as it likes. */
  drop(withinMs: number): Promise<boolean>
}

export interface ShutdownPorts {
  readonly clock: Clock
  readonly signals: ProcessSignals
  report(error: unknown): void
}

/** Stops servers at a signal, and ends the process. Throws a UsageError for wrong options. */
export function startShutdown(
  targets: readonly ShutdownTarget[],
  options: ShutdownOptions,
  ports: ShutdownPorts,
): Shutdown {
  const settings = settleOptions(options, shutdownTable, { name: 'gracefulShutdown()' })
  for (const signal of settings.signals) {
    if (ports.signals.numberOf(signal) !== undefined) continue
    throw new UsageError('optionInvalid', `the option signals has ${JSON.stringify(signal)}, which no process can handle`)
  }
  return new RunningShutdown(targets, { ...settings, then: options.then?.bind(options) }, ports)
}

/** A server, or workers, as a target. */
export function drainableTarget(drainable: Drainable, hasWorkers: boolean): ShutdownTarget {
  return {
    get isReady() {
      return drainable.isReady
    },
    notReady: () => drainable.notReady(),
    async drain(withinMs) {
      await drainable.drain({ withinMs, stopListening: true })
      await drainable.close()
    },
    async drop(withinMs) {
      await drainable.close({ withinMs })
      return !hasWorkers
    },
  }
}

interface Settings {
  readonly signals: readonly string[]
  readonly readinessDelayMs: number
  readonly withinMs: number
  readonly then: ShutdownOptions['then'] | undefined
}

class RunningShutdown implements Shutdown {
  readonly #targets: readonly ShutdownTarget[]
  readonly #settings: Settings
  readonly #ports: ShutdownPorts
  readonly #ignoreSignals: () => void
  #startedAt: number | undefined
  #signal: string | undefined

  constructor(targets: readonly ShutdownTarget[], settings: Settings, ports: ShutdownPorts) {
    this.#targets = targets
    this.#settings = settings
    this.#ports = ports
    this.#ignoreSignals = ports.signals.listen(settings.signals, (signal) => this.#signalled(signal))
  }

  start(): void {
    if (this.#startedAt !== undefined) return
    this.#startedAt = this.#ports.clock.now()
    void this.#run()
  }

  cancel(): void {
    if (this.#startedAt === undefined) this.#ignoreSignals()
  }

  #signalled(signal: string): void {
    const { clock, signals } = this.#ports
    if (this.#startedAt === undefined) {
      this.#signal = signal
      this.start()
    } else if (clock.now() - this.#startedAt >= sameSignalMs) {
      this.#endNow(128 + signals.numberOf(signal)!)
    }
  }

  async #run(): Promise<void> {
    const { readinessDelayMs, withinMs, then } = this.#settings
    const { clock, signals } = this.#ports
    const isWaitedFor = this.#targets.some(({ isReady }) => isReady)
    for (const target of this.#targets) target.notReady()
    if (isWaitedFor && readinessDelayMs > 0) await pass(clock, readinessDelayMs)
    clock.after(withinMs, () => {
      this.#ports.report(new Error(`the shutdown did not end within ${withinMs} ms, and the process was ended`))
      this.#endNow(1)
    })
    const inTime = await this.#stop(withinMs)
    let hasFailed = !inTime
    try {
      await then?.({ signal: this.#signal, inTime })
    } catch (error) {
      hasFailed = true
      this.#ports.report(error)
    }
    signals.exit(hasFailed ? 1 : 0)
  }

  /** Returns whether all requests and workers have ended in time. */
  async #stop(withinMs: number): Promise<boolean> {
    const { clock, report } = this.#ports
    const closesMs = withinMs - partOf(withinMs, closing)
    const left = new Set(this.#targets)
    const drained = Promise.all(
      this.#targets.map(async (target) => {
        await target.drain(closesMs).catch(report)
        left.delete(target)
      }),
    )
    await Promise.race([drained, pass(clock, withinMs - partOf(withinMs, ending))])
    if (left.size === 0) return true
    const droppedMs = Math.min(droppedWithinMs, partOf(withinMs, ending) / 4)
    const dropping = [...left].map((target) => target.drop(droppedMs).catch(() => false))
    const dropped = await Promise.all(dropping)
    return dropped.every((isFine) => isFine)
  }

  /** Kills workers on the way. */
  #endNow(code: number): void {
    for (const target of this.#targets) void target.drop(0).catch(() => false)
    this.#ports.signals.exit(code)
  }
}

function partOf(timeMs: number, part: { readonly ms: number; readonly share: number }): number {
  return Math.min(part.ms, timeMs * part.share)
}

/** Keeps the process alive, which the signal has not ended. */
function pass(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}

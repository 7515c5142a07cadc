import { UsageError } from '../../core/errors.js'
import type { SettingsOf } from '../../core/options/option.js'
import { settleOptions } from '../../core/options/settle-options.js'
import type { Clock } from '../../ports/clock.js'
import type { ProcessSignals } from '../../ports/process-signals.js'
import { type shutdownOptions, shutdownTable } from './shutdown-options.js'
import type { Drainable, Shutdown, ShutdownOptions } from './shutdown-types.js'

/** npm forwards a signal to a process that the terminal has signalled already, so a second one this soon is the same. */
const sameSignalMs = 200

/** Milliseconds, and the part of a shorter time, in which connections no longer begin to close. */
const closing = { ms: 6000, share: 3 / 4 }

/** The same for the end, in which connections are dropped and `then` is called. */
const ending = { ms: 1000, share: 1 / 8 }

/** Milliseconds for what is dropped to be gone. */
const droppedWithinMs = 200

/** The parts that a shutdown stops, in its own words. */
export interface ShutdownTarget {
  readonly isReady: boolean
  notReady(): void
  /** Resolves when nothing is left, for which it may take much longer than the time of the closes. */
  drain(withinMs: number): Promise<void>
  /** Drops the rest. Resolves to whether only connections were left, which a peer may hold as long as it likes. */
  drop(withinMs: number): Promise<boolean>
}

export interface ShutdownPorts<HttpServer> {
  readonly clock: Clock
  readonly signals: ProcessSignals
  /** The HTTP server of an attachment; undefined for other servers. */
  httpServerOf(server: object): HttpServer | undefined
  /** Undefined for a value that is no HTTP server. */
  httpServerTarget(server: HttpServer): ShutdownTarget | undefined
  /** Resolves once nothing sends this process connections any more, which it would not answer. */
  leave(): Promise<void>
  /** Reports an error to the operator of the program. */
  report(error: unknown): void
}

/**
 * Stops servers and ends the process at SIGTERM or SIGINT, also as process 1 of a container:
 *
 * 1. `isReady` becomes false, and the servers go on for `readinessDelayMs`.
 * 2. The servers stop listening, connections close with 1012, spread over time, and requests are answered.
 * 3. The function `then` is called, and the process ends: with code 0, or `process.exitCode`; with 1 if `then` failed, or
 *    something was not done within `withinMs`.
 *
 * Takes servers of `serve` and `attach`, the workers of `serveWorkers`, and HTTP servers; one or a list. The HTTP server of
 * an attachment is closed too. Throws a UsageError for wrong options.
 */
export type GracefulShutdown<HttpServer> = (
  servers: Drainable | HttpServer | readonly (Drainable | HttpServer)[],
  options?: ShutdownOptions,
) => Shutdown

/** Makes `gracefulShutdown` for a platform. */
export function defineGracefulShutdown<HttpServer>(ports: ShutdownPorts<HttpServer>): GracefulShutdown<HttpServer> {
  return (servers, options = {}) => {
    const all: readonly (Drainable | HttpServer)[] = Array.isArray(servers) ? [...servers] : [servers]
    const targets: ShutdownTarget[] = []
    const httpServers = new Set<HttpServer>()
    for (const server of all) {
      const httpServer = isDrainable(server) ? ports.httpServerOf(server) : server
      if (isDrainable(server)) targets.push(drainableTarget(server))
      if (httpServer !== undefined || !isDrainable(server)) httpServers.add(httpServer as HttpServer)
    }
    for (const httpServer of httpServers) targets.push(ports.httpServerTarget(httpServer) ?? refuseTarget())
    const settings = settleOptions(options, shutdownTable, { name: 'gracefulShutdown()' })
    for (const signal of settings.signals) {
      if (ports.signals.numberOf(signal) === undefined) refuseSignal(signal)
    }
    return new RunningShutdown(targets, settings, options, ports)
  }
}

function isDrainable(server: unknown): server is Drainable {
  return typeof (server as Partial<Drainable> | undefined | null)?.drain === 'function'
}

function refuseTarget(): never {
  throw new UsageError(
    'optionInvalid',
    'gracefulShutdown() takes what serve(), attach() or serveWorkers() returns, an HTTP server, or a list of these',
  )
}

function refuseSignal(signal: string): never {
  throw new UsageError(
    'optionInvalid',
    `the option signals has ${JSON.stringify(signal)}, which is no signal that a process can handle`,
  )
}

function drainableTarget(drainable: Drainable): ShutdownTarget {
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
      // Workers that are left were killed; the connections of a server are for their peers to end.
      return !('urls' in drainable)
    },
  }
}

type Settings = SettingsOf<typeof shutdownOptions>

type RunPorts = Pick<ShutdownPorts<never>, 'clock' | 'signals' | 'leave' | 'report'>

class RunningShutdown implements Shutdown {
  readonly #targets: readonly ShutdownTarget[]
  readonly #settings: Settings
  /** The user's own object, of which `then` is a method. */
  readonly #handlers: Pick<ShutdownOptions, 'then'>
  readonly #ports: RunPorts
  readonly #ignoreSignals: () => void
  #startedAt: number | undefined
  #signal: string | undefined

  constructor(
    targets: readonly ShutdownTarget[],
    settings: Settings,
    handlers: Pick<ShutdownOptions, 'then'>,
    ports: RunPorts,
  ) {
    this.#targets = targets
    this.#settings = settings
    this.#handlers = handlers
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
    const { readinessDelayMs, withinMs } = this.#settings
    const { clock, signals, leave, report } = this.#ports
    const isWaitedFor = this.#targets.some(({ isReady }) => isReady)
    for (const target of this.#targets) target.notReady()
    if (isWaitedFor && readinessDelayMs > 0) await pass(clock, readinessDelayMs)
    clock.after(withinMs, () => {
      report(new Error(`the shutdown did not end within ${withinMs} ms, and the process was ended`))
      this.#endNow(1)
    })
    const inTime = await this.#stop(withinMs)
    let hasFailed = !inTime
    try {
      await this.#handlers.then?.({ signal: this.#signal, inTime })
    } catch (error) {
      hasFailed = true
      report(error)
    }
    await leave()
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

import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadOrder, Measurement } from './load.js'
import { type ProcessUsage, processUsage } from './process-usage.js'

/** The maximum number of stored latencies: enough for a p99 of any run. */
const mostLatencies = 1 << 20

/** The interval at which a process that gets little of its core is checked, and the longest extension of its time. */
const lookMs = 50
export const longestWait = 4

/** The time after which a run without any finished message fails. */
const firstWithinMs = 20_000

/** Counts the messages within the measured time, and the time and memory that the process under test used for them. */
export class Tally {
  #pid: number
  #done = 0
  readonly #latencies = new Float64Array(mostLatencies)
  #latencyCount = 0
  #before: ProcessUsage = { cpuMicros: 0, memory: 0 }
  #ownBefore = 0
  #begunAt = 0

  constructor(pid: number) {
    this.#pid = pid
  }

  /** Adds finished messages, the oldest of which took `latencyMs`. */
  add(count: number, latencyMs: number): void {
    this.#done += count
    if (this.#latencyCount < mostLatencies) this.#latencies[this.#latencyCount++] = latencyMs
  }

  /** Adds finished messages that have no answers. */
  count(count: number): void {
    this.#done += count
  }

  /** Resolves with the result, after the time to warm up and the time to measure. */
  async measure({ warmUpMs, measureMs }: LoadOrder): Promise<Measurement> {
    // A client may not have connected yet.
    await this.#untilFirst()
    await this.#untilUsed(warmUpMs)
    this.#begin()
    await this.#untilUsed(measureMs)
    await this.#untilFirst()
    return this.#end()
  }

  async #untilFirst(): Promise<void> {
    for (let waited = 0; this.#done === 0 && waited < firstWithinMs; waited += lookMs) await sleep(lookMs)
  }

  /**
   * Waits for the time, and longer if other processes had the core: until the process has used half of that time.
   * Otherwise a busy machine would measure code that is not yet compiled.
   */
  async #untilUsed(ms: number): Promise<void> {
    const { cpuMicros } = processUsage(this.#pid)
    const used = (): number => (processUsage(this.#pid).cpuMicros - cpuMicros) / 1000
    await sleep(ms)
    for (let waited = ms; used() < ms / 2 && waited < longestWait * ms; waited += lookMs) await sleep(lookMs)
  }

  #begin(): void {
    this.#done = 0
    this.#latencyCount = 0
    this.#begunAt = performance.now()
    this.#before = processUsage(this.#pid)
    this.#ownBefore = ownMicros()
  }

  #end(): Measurement {
    const after = processUsage(this.#pid)
    const micros = 1000 * (performance.now() - this.#begunAt)
    const used = after.cpuMicros - this.#before.cpuMicros
    if (this.#done === 0) throw new Error('nothing was done within the time that was measured')
    const latencies = this.#latencies.subarray(0, this.#latencyCount).sort()
    const quantile = (share: number): number | undefined => {
      const latency = latencies[Math.floor(share * latencies.length)]
      return latency === undefined ? undefined : 1000 * latency
    }
    return {
      cost: used / this.#done,
      perSecond: (1e6 * this.#done) / micros,
      p50: quantile(0.5),
      p99: quantile(0.99),
      memory: after.memory,
      busy: used / micros,
      generatorBusy: (ownMicros() - this.#ownBefore) / micros,
    }
  }
}

function ownMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

import { type ReadonlySignal, signal } from '@preact/signals'
import { percentile } from './percentile.js'
import { Samples } from './samples.js'
import type { Session } from './session.js'

/** The longest wait for an answer, after which the measurement ends. */
const answerTimeoutMs = 10_000

export interface RoundTripsView {
  readonly state: 'idle' | 'running' | 'done' | 'noAnswer' | 'closed'
  readonly goal: number
  readonly times: readonly number[]
  readonly p50: number
  readonly p99: number
}

const nothing: RoundTripsView = { state: 'idle', goal: 0, times: [], p50: Number.NaN, p99: Number.NaN }

/** Measures the round trips of a short text, one after another. They are not listed on the timeline one by one. */
export class RoundTrips {
  readonly #session: Session
  readonly #view = signal(nothing)
  #stop: (() => void) | undefined

  constructor(session: Session) {
    this.#session = session
  }

  get view(): ReadonlySignal<RoundTripsView> {
    return this.#view
  }

  stop(): void {
    this.#stop?.()
  }

  /** Resolves when `goal` round trips are measured, or when the measurement can't continue. */
  async run(goal: number): Promise<void> {
    if (this.#view.value.state === 'running') return
    const times: number[] = []
    const isStopped = new Promise<undefined>((resolve) => {
      this.#stop = () => resolve(undefined)
    })
    this.#show('running', goal, times)
    let shownAt = performance.now()
    let end: RoundTripsView['state'] = 'done'
    while (times.length < goal) {
      const time = await Promise.race([this.#once(times.length + 1), isStopped])
      if (time === undefined) break
      if (typeof time === 'string') {
        end = time
        break
      }
      times.push(time)
      if (performance.now() - shownAt > 60) {
        this.#show('running', goal, times)
        shownAt = performance.now()
      }
    }
    this.#show(end, goal, times)
    const { p50, p99 } = this.#view.value
    if (times.length > 0) this.#session.record({ kind: 'roundTrips', count: times.length, p50, p99 })
  }

  /** One round trip in milliseconds, or the reason why there was none. */
  #once(number: number): Promise<number | 'noAnswer' | 'closed'> {
    return new Promise((resolve) => {
      const text = `round trip ${number} ${Math.random().toString(36).slice(2, 10)}`
      const startedAt = performance.now()
      const finish = (result: number | 'noAnswer' | 'closed'): void => {
        clearTimeout(timer)
        stopReceiving()
        stopWatching()
        resolve(result)
      }
      const timer = setTimeout(() => finish('noAnswer'), answerTimeoutMs)
      const stopReceiving = this.#session.onReceived((data) => {
        if (data !== text) return false
        finish(performance.now() - startedAt)
        return true
      })
      const stopWatching = this.#session.agreement.subscribe((agreement) => {
        if (!agreement) queueMicrotask(() => finish('closed'))
      })
      if (!this.#session.send(text, { isRecorded: false })) finish('closed')
    })
  }

  #show(state: RoundTripsView['state'], goal: number, times: readonly number[]): void {
    this.#view.value = {
      state,
      goal,
      times: [...times],
      p50: percentile(times, 0.5),
      p99: percentile(times, 0.99),
    }
  }
}

/** The points of the chart: the number of the round trip, and milliseconds. */
export function roundTripCurve(times: readonly number[]): Samples {
  const samples = new Samples()
  for (const [index, time] of times.entries()) samples.add(index + 1, time)
  return samples
}

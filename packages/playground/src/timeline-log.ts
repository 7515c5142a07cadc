import { type ReadonlySignal, signal } from '@preact/signals'
import type { TimelineEntry } from './timeline-entry.js'

/** The number of events that the timeline keeps: with `keptBytes` of each message, 32 MiB at most. */
export const mostEntries = 500

/**
 * The latest events, oldest first. Events beyond the limit are removed from the front, so that a session of days needs
 * no more memory than one of minutes. Its signals change at most once per frame.
 */
export class TimelineLog {
  readonly #entries = signal<readonly TimelineEntry[]>([])
  readonly #removed = signal(0)
  #pending: TimelineEntry[] = []
  #isScheduled = false
  readonly #schedule: (flush: () => void) => void

  /** @param schedule calls back soon, with the next frame for example. */
  constructor(schedule: (flush: () => void) => void) {
    this.#schedule = schedule
  }

  get entries(): ReadonlySignal<readonly TimelineEntry[]> {
    return this.#entries
  }

  /** The number of events that were removed to keep the limit. */
  get removed(): ReadonlySignal<number> {
    return this.#removed
  }

  add(entry: TimelineEntry): void {
    this.#pending.push(entry)
    // A hidden page gets no frames, possibly for hours.
    if (this.#pending.length > mostEntries) {
      this.#removed.value += this.#pending.length - mostEntries
      this.#pending = this.#pending.slice(-mostEntries)
    }
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule(() => this.flush())
  }

  /** Replaces the entry with the same id, if it is still kept. */
  replace(entry: TimelineEntry): void {
    const swap = (old: TimelineEntry): TimelineEntry => (old.id === entry.id ? entry : old)
    this.#pending = this.#pending.map(swap)
    if (this.#entries.value.some(({ id }) => id === entry.id)) this.#entries.value = this.#entries.value.map(swap)
  }

  clear(): void {
    this.#pending = []
    this.#entries.value = []
    this.#removed.value = 0
  }

  /** Shows the entries that wait for the next frame now. */
  flush(): void {
    this.#isScheduled = false
    if (this.#pending.length === 0) return
    const all = [...this.#entries.value, ...this.#pending]
    this.#pending = []
    const kept = all.slice(-mostEntries)
    this.#removed.value += all.length - kept.length
    this.#entries.value = kept
  }
}

import { type ReadonlySignal, signal } from '@preact/signals'
import type { TimelineEntry } from './timeline-entry.js'

/** How many events the timeline keeps, and how many bytes of their messages. */
export const mostEntries = 500
export const mostKeptBytes = 8 << 20

/**
 * The latest events, oldest first. What is over either limit is removed from the front, so that a session of days needs
 * no more memory than one of minutes. Its signals change once a frame at most.
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

  /** How many were removed to keep the limits. */
  get removed(): ReadonlySignal<number> {
    return this.#removed
  }

  add(entry: TimelineEntry): void {
    this.#pending.push(entry)
    // Nobody may look for long: a hidden page gets no frames.
    if (this.#pending.length > mostEntries) {
      this.#removed.value += this.#pending.length - mostEntries
      this.#pending = this.#pending.slice(-mostEntries)
    }
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule(() => this.flush())
  }

  /** Puts another in the place of the one with the same id, if that is still there. */
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

  /** Shows now what waits for the next frame. */
  flush(): void {
    this.#isScheduled = false
    if (this.#pending.length === 0) return
    const all = [...this.#entries.value, ...this.#pending]
    this.#pending = []
    const kept = withinLimits(all)
    this.#removed.value += all.length - kept.length
    this.#entries.value = kept
  }
}

function withinLimits(entries: readonly TimelineEntry[]): readonly TimelineEntry[] {
  let bytes = 0
  let at = entries.length
  while (at > 0 && entries.length - at < mostEntries) {
    const entry = entries[at - 1]!
    bytes += entry.kind === 'message' ? (entry.payload.head?.length ?? 0) : 0
    if (bytes > mostKeptBytes) break
    at--
  }
  return entries.slice(at)
}

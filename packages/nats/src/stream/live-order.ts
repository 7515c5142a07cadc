import type { LiveEntry } from './envelope.js'

/** The time in which an entry may overtake the one before it. */
const overtakenMs = 50

/** Passes the live entries of a topic on, each behind its predecessor. RePublish lets entries of two connections overtake each other. */
export class LiveOrder {
  readonly #pass: (entry: LiveEntry) => void
  /** The newest entry that was passed on; infinite if it is not known. */
  #newest = 0
  /** Entries that came before their predecessors. */
  readonly #early: LiveEntry[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(pass: (entry: LiveEntry) => void) {
    this.#pass = pass
  }

  /** Entries that follow a sequence number come next. */
  startAfter(sequence: number): void {
    this.#newest = sequence
  }

  arrived(entry: LiveEntry): void {
    if (entry.previous > this.#newest) {
      this.#early.push(entry)
      this.#timer ??= setTimeout(() => this.#passEarly(), overtakenMs)
      return
    }
    this.#next(entry)
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) this.#next(next)
  }

  /** The connection is lost: any entry may be the first one that comes behind it. */
  lost(): void {
    this.#passEarly()
    this.#newest = Number.POSITIVE_INFINITY
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #takeNext(): LiveEntry | undefined {
    const at = this.#early.findIndex(({ previous }) => previous <= this.#newest)
    return at < 0 ? undefined : this.#early.splice(at, 1)[0]
  }

  /** Passes on the entries whose predecessors do not come: the node finds the gap, and reads them. */
  #passEarly(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const entry of this.#early.splice(0).sort((a, b) => a.sequence - b.sequence)) this.#next(entry)
  }

  #next(entry: LiveEntry): void {
    const isKnown = this.#newest !== Number.POSITIVE_INFINITY
    this.#newest = isKnown ? Math.max(this.#newest, entry.sequence) : entry.sequence
    this.#pass(entry)
  }
}

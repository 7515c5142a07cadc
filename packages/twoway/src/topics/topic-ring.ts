import type { Resumed, TopicHistory, TopicMessage, TopicPosition } from '../ports/broker/topic-position.js'
import type { Budgeted, HistoryBudget } from './history-budget.js'

/** The history that a topic keeps. The first limit that is reached counts. */
export interface HistoryLimits {
  readonly count: number
  readonly bytes: number
  /** A message is kept up to this age, in milliseconds. */
  readonly ageMs: number
}

/** The facts about a message that a ring needs. */
export interface Appended {
  readonly bytes: number
  /** Not empty, and not the mark of any other message that could stand at the same offset. */
  readonly mark: string
  readonly nowMs: number
}

interface Entry<Content> {
  readonly message: TopicMessage<Content>
  readonly bytes: number
  readonly storedMs: number
}

/**
 * The newest messages of a topic. The oldest go first, so that a message that is still there proves that all after it
 * are. The head stays when the messages are gone.
 */
export class TopicRing<Content> implements Budgeted {
  readonly #limits: HistoryLimits
  /** The entries from `#start` on are kept; the offsets have no gaps. */
  #entries: (Entry<Content> | undefined)[] = []
  #start = 0
  #bytes = 0
  #head: TopicPosition
  #nowMs = Number.NEGATIVE_INFINITY

  readonly #budget: HistoryBudget | undefined

  /** @param budget of this and other rings together */
  constructor(epoch: string, limits: HistoryLimits, budget?: HistoryBudget) {
    this.#limits = limits
    this.#budget = budget
    this.#head = { epoch, offset: 0, mark: '' }
  }

  /** The position of the newest message, whether it is still kept or not. */
  get head(): TopicPosition {
    return this.#head
  }

  /** The number of messages that are kept. */
  get size(): number {
    return this.#entries.length - this.#start
  }

  /** The bytes of the messages that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  append(content: Content, { bytes, mark, nowMs }: Appended): TopicMessage<Content> {
    const { epoch, offset, mark: previousMark } = this.#head
    this.#head = { epoch, offset: offset + 1, mark }
    const message = { position: this.#head, previousMark, content }
    this.#advance(nowMs)
    this.#entries.push({ message, bytes, storedMs: this.#nowMs })
    this.#bytes += bytes
    this.#budget?.added(this, bytes)
    this.trim(nowMs)
    return message
  }

  drop(): void {
    this.#entries = []
    this.#start = 0
    this.#bytes = 0
  }

  /** All messages after a position, if the position is proved and they are whole and at most `most`. */
  since({ epoch, offset, mark }: TopicPosition, nowMs: number, most = Number.POSITIVE_INFINITY): Resumed<Content> {
    this.trim(nowMs)
    const head = this.#head
    if (epoch !== head.epoch) return { recovered: false, head, reason: 'unknown-epoch' }
    const isOffset = Number.isSafeInteger(offset) && offset >= 0 && offset <= head.offset
    if (!isOffset) return { recovered: false, head, reason: 'rewound' }
    const kept = this.#markAt(offset)
    if (kept === undefined) return { recovered: false, head, reason: 'expired' }
    if (kept !== mark) return { recovered: false, head, reason: 'rewound' }
    const missed = head.offset - offset
    if (missed > most) return { recovered: false, head, reason: 'limit' }
    return { recovered: true, head, messages: this.#newest(missed) }
  }

  /** The newest messages that are kept, at most `most`. */
  last(most: number, nowMs: number): TopicHistory<Content> {
    this.trim(nowMs)
    return { head: this.#head, messages: this.#newest(Math.min(most, this.size)) }
  }

  /** Drops the messages that are beyond a limit. A time before the latest one counts as the latest. */
  trim(nowMs: number): void {
    this.#advance(nowMs)
    const { count, bytes, ageMs } = this.#limits
    while (this.size > 0) {
      const oldest = this.#entries[this.#start]!
      const isWithin = this.size <= count && this.#bytes <= bytes && this.#nowMs - oldest.storedMs <= ageMs
      if (isWithin) break
      this.#bytes -= oldest.bytes
      this.#budget?.shrunk(oldest.bytes)
      this.#entries[this.#start] = undefined
      this.#start += 1
    }
    // Moving the rest only when it is the smaller half costs each message one move at most.
    if (this.#start <= this.size) return
    this.#entries = this.#entries.slice(this.#start)
    this.#start = 0
  }

  #newest(count: number): TopicMessage<Content>[] {
    return this.#entries.slice(this.#entries.length - count).map((entry) => entry!.message)
  }

  /** The mark at an offset up to the head's: its own, or the one that its successor names. Undefined if neither is kept. */
  #markAt(offset: number): string | undefined {
    if (offset === this.#head.offset) return this.#head.mark
    const successor = this.#entries.length - (this.#head.offset - offset)
    return successor < this.#start ? undefined : this.#entries[successor]!.message.previousMark
  }

  #advance(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs
  }
}

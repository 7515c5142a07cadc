import type { ResumeFailure, TopicPosition } from '../ports/broker/topic-position.js'
import type { Budgeted, HistoryBudget } from './history-budget.js'

/** A message whose position a broker has given. */
export interface Positioned {
  readonly position: TopicPosition
  readonly previousMark: string
  readonly bytes: number
}

/** `next`: it follows the head, and is the head now. `seen`: it was there already. `gap`: messages before it are missing. */
export type Added = 'next' | 'seen' | 'gap'

/**
 * The newest messages of a topic as one node has received them. It answers clients that come back, so that the broker need
 * not. The positions are the broker's; the ring checks that each message follows the one before it.
 */
export class NodeRing<Message extends Positioned> implements Budgeted {
  readonly #most: { readonly count: number; readonly bytes: number }
  /** The entries from `#start` on are kept; their offsets have no gaps. */
  #entries: (Message | undefined)[] = []
  #start = 0
  #bytes = 0
  #head: TopicPosition

  readonly #budget: HistoryBudget | undefined

  /** @param budget of this and other rings together */
  constructor(head: TopicPosition, most: { readonly count: number; readonly bytes: number }, budget?: HistoryBudget) {
    this.#head = head
    this.#most = most
    this.#budget = budget
  }

  get bytes(): number {
    return this.#bytes
  }

  get head(): TopicPosition {
    return this.#head
  }

  get size(): number {
    return this.#entries.length - this.#start
  }

  /** Forgets all messages, and goes on from another position. */
  reset(head: TopicPosition): void {
    this.#budget?.removed(this)
    this.drop()
    this.#head = head
  }

  drop(): void {
    this.#entries = []
    this.#start = 0
    this.#bytes = 0
  }

  add(message: Message): Added {
    const { epoch, offset } = message.position
    const head = this.#head
    if (epoch === head.epoch && offset <= head.offset) return 'seen'
    if (epoch !== head.epoch || offset !== head.offset + 1 || message.previousMark !== head.mark) return 'gap'
    this.#head = message.position
    this.#entries.push(message)
    this.#bytes += message.bytes
    this.#budget?.added(this, message.bytes)
    this.#trim()
    return 'next'
  }

  /**
   * All messages after a position, if the ring proves that they are whole. Else `older`, if the ring does not reach back so
   * far; or the reason for which the position can't be resumed, as far as this node knows.
   */
  since({ epoch, offset, mark }: TopicPosition): readonly Message[] | 'older' | ResumeFailure {
    const head = this.#head
    if (epoch !== head.epoch) return 'unknown-epoch'
    if (offset > head.offset) return 'rewound'
    const known = this.#markAt(offset)
    if (known === undefined) return 'older'
    return known === mark ? this.last(head.offset - offset) : 'rewound'
  }

  /** The newest messages, at most `most` of them. */
  last(most: number): readonly Message[] {
    const count = Math.min(most, this.size)
    return count === 0 ? [] : (this.#entries.slice(-count) as Message[])
  }

  /** The mark at an offset: its own, or the one that its successor tells. Undefined if neither message is kept. */
  #markAt(offset: number): string | undefined {
    if (offset === this.#head.offset) return this.#head.mark
    const successor = this.#entries.length - (this.#head.offset - offset)
    return successor < this.#start ? undefined : this.#entries[successor]!.previousMark
  }

  #trim(): void {
    const { count, bytes } = this.#most
    while (this.size > 0 && (this.size > count || this.#bytes > bytes)) {
      const { bytes: dropped } = this.#entries[this.#start]!
      this.#bytes -= dropped
      this.#budget?.shrunk(dropped)
      this.#entries[this.#start] = undefined
      this.#start += 1
    }
    // Moving the rest only when it is the smaller half costs each message one move at most.
    if (this.#start <= this.size) return
    this.#entries = this.#entries.slice(this.#start)
    this.#start = 0
  }
}

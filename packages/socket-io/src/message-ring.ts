import type { TopicPosition } from 'twoway/hub'

/** A message whose position a broker has given. */
export interface Positioned {
  readonly position: TopicPosition
  readonly previousMark: string
  readonly bytes: number
}

/** `next`: it follows the head, and is the head now. `seen`: it was there already. `gap`: messages before it are missing. */
type Added = 'next' | 'seen' | 'gap'

/**
 * The newest messages of a topic as one node has received them. The positions are the broker's; the ring checks that each
 * message follows the one before it.
 */
export class MessageRing<Message extends Positioned> {
  readonly #most: { readonly count: number; readonly bytes: number }
  /** The entries from `#start` on are kept; their offsets have no gaps. */
  #entries: (Message | undefined)[] = []
  #start = 0
  #bytes = 0
  #head: TopicPosition = { epoch: '', offset: 0, mark: '' }

  constructor(most: { readonly count: number; readonly bytes: number }) {
    this.#most = most
  }

  get head(): TopicPosition {
    return this.#head
  }

  /** Forgets all messages, and goes on from another position. */
  reset(head: TopicPosition): void {
    this.#entries = []
    this.#start = 0
    this.#bytes = 0
    this.#head = head
  }

  add(message: Message): Added {
    const { epoch, offset } = message.position
    const head = this.#head
    if (epoch === head.epoch && offset <= head.offset) return 'seen'
    if (epoch !== head.epoch || offset !== head.offset + 1 || message.previousMark !== head.mark) return 'gap'
    this.#head = message.position
    this.#entries.push(message)
    this.#bytes += message.bytes
    this.#trim()
    return 'next'
  }

  /** All messages after a position of the present epoch. Undefined unless the ring proves that they are whole. */
  since(offset: number, mark: string): readonly Message[] | undefined {
    const behind = this.#head.offset - offset
    if (behind === 0) return mark === this.#head.mark ? [] : undefined
    const first = this.#entries.length - behind
    if (behind < 0 || first < this.#start || this.#entries[first]!.previousMark !== mark) return undefined
    return this.#entries.slice(first) as Message[]
  }

  #trim(): void {
    const { count, bytes } = this.#most
    while (this.#entries.length - this.#start > count || this.#bytes > bytes) {
      this.#bytes -= this.#entries[this.#start]!.bytes
      this.#entries[this.#start] = undefined
      this.#start += 1
    }
    // Moving the rest only when it is the smaller half costs each message one move at most.
    if (2 * this.#start <= this.#entries.length) return
    this.#entries = this.#entries.slice(this.#start)
    this.#start = 0
  }
}

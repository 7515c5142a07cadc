import type { BrokerContent, TopicMessage, TopicPosition } from 'twoway/hub'

/** Passes on the messages of a topic that follow its head of the moment when it was opened. */
export class TopicStart {
  readonly #stored: (message: TopicMessage<BrokerContent>) => void
  /** Messages that came before the head is known. */
  #held: TopicMessage<BrokerContent>[] | undefined = []
  #head: TopicPosition | undefined

  constructor(stored: (message: TopicMessage<BrokerContent>) => void) {
    this.#stored = stored
  }

  /** @param head undefined if all messages follow it */
  at(head: TopicPosition | undefined): void {
    const held = this.#held ?? []
    this.#head = head
    this.#held = undefined
    for (const message of held) this.received(message)
  }

  received(message: TopicMessage<BrokerContent>): void {
    const { epoch, offset } = message.position
    if (this.#held !== undefined) this.#held.push(message)
    else if (epoch !== this.#head?.epoch || offset > this.#head.offset) this.#stored(message)
  }
}

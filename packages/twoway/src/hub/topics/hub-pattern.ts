import type { BrokerContent, ResumableBroker } from '../../ports/broker/broker.js'
import type { TopicPosition } from '../../ports/broker/topic-position.js'
import type { HubCounts } from '../hub-counts.js'
import { HubMessage, malformed, type ReadContent } from './hub-message.js'
import type { TopicListener } from './hub-topic.js'
import type { PatternRule, TopicRules } from './topic-rules.js'

/** Topics of a pattern whose last position is remembered. */
const rememberedTopics = 1000

/**
 * A pattern that this process watches at the broker, for all of its clients. It checks that each message follows the last
 * one of its topic; where one does not, the clients are told of a gap.
 */
export class HubPattern {
  readonly name: string
  readonly listeners = new Set<TopicListener>()
  /** Resolves when the pattern is watched; rejects if the broker does not take it. */
  readonly opened: Promise<void>
  uses = 0
  readonly #counts: HubCounts
  readonly #isOurs: (topic: string) => boolean
  /** In the order of their last message. */
  readonly #heads = new Map<string, TopicPosition>()
  #end: (() => void) | undefined
  #isLeft = false

  /** @param rule the rule under which clients get the pattern; undefined for the server itself, which gets all topics */
  constructor(
    name: string,
    rule: PatternRule | undefined,
    broker: ResumableBroker,
    rules: TopicRules,
    counts: HubCounts,
    read: ReadContent,
  ) {
    this.name = name
    this.#counts = counts
    // A topic of an earlier rule has other permissions. Names that begin with $ are the hub's own.
    this.#isOurs = (topic) => !topic.startsWith('$') && (rule === undefined || rules.ofTopic(topic) === rule)
    this.opened = broker
      .watch(name, {
        stored: (topic, message) => {
          if (this.#isOurs(topic)) this.#received(new HubMessage(topic, message, read))
        },
        volatile: (topic, received) => {
          const content = this.#isOurs(topic) ? read(topic, received) : undefined
          if (content !== undefined) this.deliverVolatile(topic, content)
        },
      })
      .then((end) => {
        this.#end = end
        if (this.#isLeft) end()
      })
  }

  /** Delivers a message of a topic that matches. */
  deliverVolatile(topic: string, content: BrokerContent): void {
    if (this.#isOurs(topic)) this.#deliver(topic, undefined, content, (listener) => listener.volatile(topic, content))
  }

  leave(): void {
    this.#isLeft = true
    this.#end?.()
  }

  #received(message: HubMessage): void {
    const { topic, position } = message
    const head = this.#heads.get(topic)
    this.#heads.delete(topic)
    this.#heads.set(topic, position)
    if (this.#heads.size > rememberedTopics) this.#heads.delete(this.#heads.keys().next().value!)
    const { before } = message
    if (head !== undefined && (head.epoch !== before.epoch || head.mark !== before.mark)) {
      const reason = head.epoch === before.epoch ? 'expired' : 'unknown-epoch'
      this.#counts.gapFound(topic)
      this.#counts.gapTold(topic, reason)
      for (const listener of this.listeners) listener.gap(topic, reason, before)
    }
    if (message.content === undefined) this.#counts.gapTold(topic, malformed)
    this.#deliver(topic, position, message.content, (listener) => listener.stored(message))
  }

  #deliver(
    topic: string,
    position: TopicPosition | undefined,
    content: BrokerContent | undefined,
    tell: (listener: TopicListener) => void,
  ): void {
    const { channels } = this.#counts
    const tellAll = (): void => {
      for (const listener of this.listeners) tell(listener)
    }
    if (content !== undefined && channels.tracesDelivery(this.listeners))
      channels.deliver(topic, position, content, tellAll)
    else tellAll()
  }
}

import type { Resumed, TopicHistory, TopicMessage, TopicPosition } from './topic-position.js'

/** The content of a message: text, or bytes that no longer change. */
export type BrokerContent = string | Uint8Array

/**
 * Carries the messages of topics between the nodes of a service, and stores them with a position, in one order per topic.
 * `delivery` tells it from a broker that stores nothing.
 */
export interface ResumableBroker {
  readonly delivery: 'resumable'
  /**
   * Subscribes a node to a topic, and resolves to it. A node calls this once per topic, however many clients it has
   * there. The name has no fault and no wildcard. Rejects if the broker is away or takes no more topics.
   */
  open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic>
  /**
   * Subscribes a node to all topics that match a pattern, those of later among them. Resolves to a function that ends it,
   * and has no effect when called again. A topic that the node also has open reports to both. Rejects as `open` does.
   */
  watch(pattern: string, events: BrokerPatternEvents): Promise<() => void>
}

/** The events of the topics of a pattern, for a node. The functions must not throw. */
export interface BrokerPatternEvents {
  /** A stored message, in the order of the offsets of its topic. */
  stored(topic: string, message: TopicMessage<BrokerContent>): void
  /** A message without a position, in the order of one sender. */
  volatile(topic: string, content: BrokerContent): void
}

/** The events of a topic for a node, until it leaves. The functions must not throw. */
export interface BrokerTopicEvents {
  /** A stored message, in the order of the offsets. The first one follows the head at the time of `open`. */
  stored(message: TopicMessage<BrokerContent>): void
  /** A message without a position, in the order of one sender, and in no order with stored ones. */
  volatile(content: BrokerContent): void
  /**
   * The broker is away: no event comes before `returned`, and a message that the node sends meanwhile never comes back to it. A
   * broker need not report this.
   */
  lost?(): void
  /**
   * The broker is there again, and messages may be missing. The node reads them before it delivers later ones. A broker that
   * does not report this is compared with every few seconds.
   */
  returned?(): void
}

interface AtMostOnceTopic {
  /** Sends to every node that has the topic open, this one included. Stores nothing, and reports nothing. */
  send(content: BrokerContent): void
  /** Ends the subscription: no event follows. A second call has no effect. */
  leave(): void
}

export interface ResumableTopic extends AtMostOnceTopic {
  /**
   * Stores a message, and resolves to its position. A second call with the same id within the broker's window stores
   * nothing and resolves to the first one's position. If it rejects, the message may still have been stored.
   */
  publish(content: BrokerContent, id?: string): Promise<TopicPosition>
  /** The position of the newest message. It outlives the message. */
  head(): Promise<TopicPosition>
  /** All messages after a position, if they are whole and at most `most`; else the reason. */
  since(position: TopicPosition, most: number): Promise<Resumed<BrokerContent>>
  /** The newest messages, at most `most` of them, in order. The last one is at the head, unless there is none. */
  last(most: number): Promise<TopicHistory<BrokerContent>>
}

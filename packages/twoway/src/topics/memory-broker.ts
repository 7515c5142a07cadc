import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../ports/broker/broker.js'
import type { TopicMessage, TopicPosition } from '../ports/broker/topic-position.js'
import type { Clock } from '../ports/clock.js'
import type { Payload } from '../ports/payload.js'
import type { Random } from '../ports/random.js'
import { DedupeWindow } from './dedupe-window.js'
import { HistoryBudget } from './history-budget.js'
import { randomName } from './random-name.js'
import { type HistoryLimits, TopicRing } from './topic-ring.js'
import { TopicTrie } from './topic-trie.js'

export interface MemoryBrokerSettings {
  readonly history: HistoryLimits
  /** Bytes of the messages of all topics together. */
  readonly totalBytes: number
  /** The window in which the id of a publish is known. */
  readonly dedupe: { readonly count: number; readonly ageMs: number }
  /** Topics that are kept. Beyond it, the broker first forgets topics that no node has open, the longest unused before others. */
  readonly maxTopics: number
  readonly clock: Clock
  readonly random: Random
  readonly payload: Payload
}

/** The ids of two minutes: a client that lost its connection comes back and repeats a publish within that. */
export const defaultDedupe = { count: 10_000, ageMs: 120_000 }

/** A broker in the memory of this process. Its messages end with it, and its topics then have other epochs. */
export class MemoryBroker implements ResumableBroker {
  readonly delivery = 'resumable'
  readonly #settings: MemoryBrokerSettings
  /** In the order of their last use. */
  readonly #topics = new Map<string, StoredTopic>()
  readonly #patterns = new TopicTrie<Set<BrokerPatternEvents>>()
  readonly #budget: HistoryBudget

  constructor(settings: MemoryBrokerSettings) {
    this.#settings = settings
    this.#budget = new HistoryBudget(settings.totalBytes)
  }

  async open(name: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    const topic = this.#topics.get(name) ?? this.#make(name)
    this.#used(name, topic)
    return topic.open(events, () => this.#used(name, topic))
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    let watchers = this.#patterns.get(pattern)
    if (watchers === undefined) {
      watchers = new Set()
      this.#patterns.set(pattern, watchers)
    }
    // A watcher of its own for each call, as the same events may watch twice.
    const watcher: BrokerPatternEvents = {
      stored: (topic, message) => events.stored(topic, message),
      volatile: (topic, content) => events.volatile(topic, content),
    }
    watchers.add(watcher)
    return () => {
      if (watchers.delete(watcher) && watchers.size === 0) this.#patterns.delete(pattern)
    }
  }

  /** Topics in use stay at the end, so that unused ones come first. */
  #used(name: string, topic: StoredTopic): void {
    this.#topics.delete(name)
    this.#topics.set(name, topic)
  }

  #make(name: string): StoredTopic {
    const { maxTopics } = this.#settings
    if (this.#topics.size >= maxTopics) {
      const unused = this.#firstUnused()
      if (unused === undefined) throw new Error(`the broker takes ${maxTopics} topics at a time`)
      this.#topics.get(unused)!.forget()
      this.#topics.delete(unused)
    }
    return new StoredTopic(name, this.#settings, this.#patterns, this.#budget)
  }

  #firstUnused(): string | undefined {
    for (const [name, { isOpen }] of this.#topics) if (!isOpen) return name
    return undefined
  }
}

/** One node's subscription. */
interface Subscriber {
  readonly events: BrokerTopicEvents
  /** The offset up to which it needs no message. */
  readonly after: number
}

/** A message on its way to the subscribers of the topic, and to those of patterns. */
type Event =
  | { readonly stored: TopicMessage<BrokerContent>; readonly volatile?: undefined }
  | { readonly stored?: undefined; readonly volatile: BrokerContent }

class StoredTopic {
  readonly #name: string
  readonly #settings: MemoryBrokerSettings
  readonly #patterns: TopicTrie<Set<BrokerPatternEvents>>
  readonly #budget: HistoryBudget
  readonly #ring: TopicRing<BrokerContent>
  readonly #published: DedupeWindow<TopicPosition>
  readonly #subscribers = new Set<Subscriber>()
  /** A subscriber that publishes must not have the others see its message before the one that it was called with. */
  readonly #events: Event[] = []
  #isDelivering = false

  constructor(
    name: string,
    settings: MemoryBrokerSettings,
    patterns: TopicTrie<Set<BrokerPatternEvents>>,
    budget: HistoryBudget,
  ) {
    this.#name = name
    this.#settings = settings
    this.#patterns = patterns
    this.#budget = budget
    this.#ring = new TopicRing(randomName(settings.random), settings.history, budget)
    this.#published = new DedupeWindow(settings.dedupe)
  }

  /** The topic is forgotten. */
  forget(): void {
    this.#budget.removed(this.#ring)
  }

  get isOpen(): boolean {
    return this.#subscribers.size > 0
  }

  open(events: BrokerTopicEvents, onLeave: () => void): ResumableTopic {
    const subscriber = { events, after: this.#ring.head.offset }
    this.#subscribers.add(subscriber)
    const { clock } = this.#settings
    return {
      publish: async (content, id) => this.#publish(content, id),
      head: async () => this.#ring.head,
      since: async (position, most) => this.#ring.since(position, clock.now(), most),
      last: async (most) => this.#ring.last(most, clock.now()),
      send: (content) => this.#deliver({ volatile: content }),
      leave: () => {
        if (this.#subscribers.delete(subscriber)) onLeave()
      },
    }
  }

  #publish(content: BrokerContent, id: string | undefined): TopicPosition {
    const { clock, random, payload } = this.#settings
    const nowMs = clock.now()
    const first = id === undefined ? undefined : this.#published.get(id, nowMs)
    if (first !== undefined) return first
    const bytes = typeof content === 'string' ? payload.byteLength(content) : content.length
    const message: TopicMessage<BrokerContent> = this.#ring.append(content, { bytes, mark: randomName(random), nowMs })
    const { position } = message
    if (id !== undefined) this.#published.add(id, position, nowMs)
    this.#deliver({ stored: message })
    return position
  }

  #deliver(event: Event): void {
    this.#events.push(event)
    if (this.#isDelivering) return
    this.#isDelivering = true
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      for (const { events, after } of this.#subscribers) {
        if (next.stored === undefined) events.volatile(next.volatile)
        else if (next.stored.position.offset > after) events.stored(next.stored)
      }
      for (const events of this.#watchers()) {
        if (next.stored === undefined) events.volatile(this.#name, next.volatile)
        else events.stored(this.#name, next.stored)
      }
    }
    this.#isDelivering = false
  }

  /** A copy: an event may begin or end a watch. */
  #watchers(): BrokerPatternEvents[] {
    const found: BrokerPatternEvents[] = []
    if (this.#patterns.size > 0) this.#patterns.match(this.#name, (watchers) => found.push(...watchers))
    return found
  }
}

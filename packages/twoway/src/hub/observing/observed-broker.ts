import { type Histogram, TimeTally } from '../../core/observing/histogram.js'
import type { BrokerOperation } from '../../core/observing/hub-metrics.js'
import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../../ports/broker/broker.js'
import type { Resumed, TopicHistory, TopicPosition } from '../../ports/broker/topic-position.js'
import type { Clock } from '../../ports/clock.js'
import { countOne } from '../hub-counts.js'

export interface ObservedBrokerSettings {
  /** Undefined for a broker of this process, whose answers take no time to speak of. */
  readonly clock: Clock | undefined
  awayChanged(): void
}

/** A hub's way to its broker: measures its answers, and counts its failures. */
export class ObservedBroker implements ResumableBroker {
  readonly delivery = 'resumable'
  readonly failures: Record<string, number> = {}
  readonly #broker: ResumableBroker
  readonly #settings: ObservedBrokerSettings
  readonly #times = new Map<BrokerOperation, TimeTally>()
  #isAway = false

  constructor(broker: ResumableBroker, settings: ObservedBrokerSettings) {
    this.#broker = broker
    this.#settings = settings
  }

  /** Whether the broker left the last question for a head without an answer. Open topics ask every few seconds. */
  get isAway(): boolean {
    return this.#isAway
  }

  get times(): Readonly<Record<string, Histogram>> {
    return Object.fromEntries([...this.#times].map(([operation, { histogram }]) => [operation, histogram]))
  }

  async open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    return new ObservedTopic(await this.measure('open', () => this.#broker.open(topic, events)), this)
  }

  watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    return this.measure('open', () => this.#broker.watch(pattern, events))
  }

  /** Asks the broker, and takes the time of its answer. */
  measure<Answer>(operation: BrokerOperation, ask: () => Promise<Answer>): Promise<Answer> {
    const { clock } = this.#settings
    if (clock === undefined) return ask()
    const askedAt = clock.now()
    const answer = ask()
    answer.then(
      () => {
        let times = this.#times.get(operation)
        if (times === undefined) {
          times = new TimeTally()
          this.#times.set(operation, times)
        }
        times.add(clock.now() - askedAt)
        if (operation === 'head') this.#setAway(false)
      },
      () => {
        countOne(this.failures, operation)
        if (operation === 'head') this.#setAway(true)
      },
    )
    return answer
  }

  #setAway(isAway: boolean): void {
    if (this.#isAway === isAway) return
    this.#isAway = isAway
    this.#settings.awayChanged()
  }
}

class ObservedTopic implements ResumableTopic {
  readonly #topic: ResumableTopic
  readonly #broker: ObservedBroker

  constructor(topic: ResumableTopic, broker: ObservedBroker) {
    this.#topic = topic
    this.#broker = broker
  }

  publish(content: BrokerContent, id?: string): Promise<TopicPosition> {
    return this.#broker.measure('publish', () => this.#topic.publish(content, id))
  }

  head(): Promise<TopicPosition> {
    return this.#broker.measure('head', () => this.#topic.head())
  }

  since(position: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
    return this.#broker.measure('read', () => this.#topic.since(position, most))
  }

  last(most: number): Promise<TopicHistory<BrokerContent>> {
    return this.#broker.measure('read', () => this.#topic.last(most))
  }

  send(content: BrokerContent): void {
    this.#topic.send(content)
  }

  leave(): void {
    this.#topic.leave()
  }
}

import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../../../twoway/dist/ports/broker/broker.js'
import type { TopicMessage } from '../../../twoway/dist/ports/broker/topic-position.js'

interface OpenedTopic {
  readonly name: string
  /** The events as the node gave them, and those that the broker calls. */
  readonly given: BrokerTopicEvents
  readonly events: BrokerTopicEvents
  topic: ResumableTopic
}

/** A node's way to a broker that loses messages, hangs, goes away, or is replaced by an older copy of itself. */
export class FaultyBroker implements ResumableBroker {
  readonly delivery = 'resumable'
  /** Whether a stored message is lost on its way to the node. */
  loses: (message: TopicMessage<BrokerContent>) => boolean = () => false
  /** Whether each question is rejected. */
  isAway = false
  /** Whether questions for older messages are rejected. */
  failsToRead = false
  /** An answer with older messages is on its way until this resolves. */
  readsUntil: Promise<void> = Promise.resolve()
  reads = 0
  #broker: ResumableBroker
  readonly #topics: OpenedTopic[] = []

  constructor(broker: ResumableBroker) {
    this.#broker = broker
  }

  /** From now on the node's topics are those of another broker, as after a restart from a copy. */
  async replace(broker: ResumableBroker): Promise<void> {
    this.#broker = broker
    for (const each of this.#topics) {
      each.topic.leave()
      each.topic = await broker.open(each.name, each.events)
    }
  }

  /** From now on no event comes and each question is rejected, and the node is told. */
  lose(): void {
    this.isAway = true
    this.loses = () => true
    for (const { given } of this.#topics) given.lost?.()
  }

  /** The broker is there again, and the node is told. */
  return(): void {
    this.isAway = false
    this.loses = () => false
    for (const { given } of this.#topics) given.returned?.()
  }

  async open(name: string, given: BrokerTopicEvents): Promise<ResumableTopic> {
    this.#refuse()
    const { stored, volatile } = given
    const events: BrokerTopicEvents = {
      stored: (message) => {
        if (!this.loses(message)) stored(message)
      },
      volatile,
    }
    const opened = { name, given, events, topic: await this.#broker.open(name, events) }
    this.#topics.push(opened)
    const ask = <Answer>(question: (topic: ResumableTopic) => Promise<Answer>): Promise<Answer> => {
      if (this.isAway) return Promise.reject(new Error('the broker is away'))
      return question(opened.topic)
    }
    const read = async <Answer>(question: (topic: ResumableTopic) => Promise<Answer>): Promise<Answer> => {
      this.reads += 1
      if (this.failsToRead) throw new Error('the broker is away')
      const { readsUntil } = this
      const answer = await ask(question)
      await readsUntil
      return answer
    }
    return {
      publish: (content, id) => ask((topic) => topic.publish(content, id)),
      head: () => ask((topic) => topic.head()),
      since: (position, most) => read((topic) => topic.since(position, most)),
      last: (most) => read((topic) => topic.last(most)),
      send: (content) => {
        if (!this.isAway) opened.topic.send(content)
      },
      leave: () => {
        const at = this.#topics.indexOf(opened)
        if (at >= 0) this.#topics.splice(at, 1)
        opened.topic.leave()
      },
    }
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    this.#refuse()
    return this.#broker.watch(pattern, {
      ...events,
      stored: (topic, message) => {
        if (!this.loses(message)) events.stored(topic, message)
      },
    })
  }

  #refuse(): void {
    if (this.isAway) throw new Error('the broker is away')
  }
}

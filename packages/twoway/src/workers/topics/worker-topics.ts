import type { BrokerContent, ResumableBroker, ResumableTopic } from '../../ports/broker/broker.js'
import type { PublishedMessage } from '../../ports/broker/shared-topics.js'
import type { TopicHistory, TopicMessage } from '../../ports/broker/topic-position.js'
import { Subscriptions } from '../../topics/subscriptions.js'
import { sentError } from '../sent-error.js'
import {
  type BrokerQuestion,
  bytesOfMessage,
  messageOverhead,
  type ParentTopicMessage,
  type WorkerTopicMessage,
} from './topic-messages.js'

/** Sends a message to a worker. Returns false, and sends nothing, if too much waits for it already. */
export type TellWorker = (message: ParentTopicMessage, bytes: number) => boolean

/** The topics that all workers share, in the parent process: where messages get their one order. */
export class SharedTopicsOfWorkers {
  /** Stores the messages of hubs. */
  readonly broker: ResumableBroker
  readonly #subscriptions = new Map<number, Subscriptions<WorkerTopics>>()

  constructor(broker: ResumableBroker) {
    this.broker = broker
  }

  /** The subscriptions of one of the servers that each worker starts. */
  ofServer(server: number): Subscriptions<WorkerTopics> {
    let subscriptions = this.#subscriptions.get(server)
    if (subscriptions === undefined) {
      subscriptions = new Subscriptions()
      this.#subscriptions.set(server, subscriptions)
    }
    return subscriptions
  }

  /** Publishes to the subscribers of all servers, and returns the number of processes that were sent the message. */
  publish(published: PublishedMessage): number {
    const workers = new Set<WorkerTopics>()
    for (const subscriptions of this.#subscriptions.values()) {
      for (const worker of subscriptions.subscribersOf(published.topic)) workers.add(worker)
    }
    let sent = 0
    for (const worker of workers) if (worker.deliver(undefined, published)) sent += 1
    return sent
  }

  leave(worker: WorkerTopics): void {
    for (const subscriptions of this.#subscriptions.values()) subscriptions.removeAll(worker)
  }
}

/** The topics of one worker, in the parent process: what it has open at the broker, and what its servers subscribe to. */
export class WorkerTopics {
  readonly #shared: SharedTopicsOfWorkers
  readonly #tell: TellWorker
  readonly #topics = new Map<number, ResumableTopic>()
  readonly #watches = new Map<number, () => void>()
  #hasLeft = false

  constructor(shared: SharedTopicsOfWorkers, tell: TellWorker) {
    this.#shared = shared
    this.#tell = tell
  }

  /** Takes a message of the worker. */
  take(message: WorkerTopicMessage): void {
    switch (message.type) {
      case 'brokerAsk':
        this.#answer(message.question).then(
          (answer) => this.#tell({ type: 'brokerAnswer', ask: message.ask, answer }, bytesOfAnswer(answer)),
          (error) => this.#tell({ type: 'brokerAnswer', ask: message.ask, error: sentError(error) }, messageOverhead),
        )
        break
      case 'brokerSend':
        this.#topics.get(message.channel)?.send(message.content)
        break
      case 'brokerLeave':
        this.#leaveChannel(message.channel)
        break
      case 'topic': {
        const subscriptions = this.#shared.ofServer(message.server)
        if (message.hasSubscribers) subscriptions.add(this, message.pattern)
        else subscriptions.remove(this, message.pattern)
        break
      }
      case 'publish':
        for (const worker of this.#shared.ofServer(message.server).subscribersOf(message.published.topic)) {
          worker.deliver(message.server, message.published, worker === this ? message.own : undefined)
        }
        break
    }
  }

  /** Sends the worker a message for its subscribers. */
  deliver(server: number | undefined, published: PublishedMessage, own?: number): boolean {
    return this.#tell({ type: 'published', server, own, published }, bytesOfMessage(published.message))
  }

  /** The worker is gone. */
  leave(): void {
    this.#hasLeft = true
    this.#shared.leave(this)
    for (const channel of [...this.#topics.keys(), ...this.#watches.keys()]) this.#leaveChannel(channel)
  }

  async #answer(question: BrokerQuestion): Promise<unknown> {
    if (question.op === 'open') return this.#open(question.channel, question.topic)
    if (question.op === 'watch') return this.#watch(question.channel, question.pattern)
    const topic = this.#topics.get(question.channel)
    if (topic === undefined) throw new Error('this topic is not open')
    switch (question.op) {
      case 'publish':
        return topic.publish(question.content, question.id)
      case 'head':
        return topic.head()
      case 'since':
        return topic.since(question.position, question.most)
      case 'last':
        return topic.last(question.most)
    }
  }

  async #open(channel: number, name: string): Promise<void> {
    const topic = await this.#shared.broker.open(name, {
      stored: (message) => this.#stored(channel, name, message),
      volatile: (content) => this.#volatile(channel, name, content),
    })
    if (this.#hasLeft) topic.leave()
    else this.#topics.set(channel, topic)
  }

  async #watch(channel: number, pattern: string): Promise<void> {
    const end = await this.#shared.broker.watch(pattern, {
      stored: (topic, message) => this.#stored(channel, topic, message),
      volatile: (topic, content) => this.#volatile(channel, topic, content),
    })
    if (this.#hasLeft) end()
    else this.#watches.set(channel, end)
  }

  /** A message that does not fit is missing in the worker, which finds that by the next message's predecessor. */
  #stored(channel: number, topic: string, message: TopicMessage<BrokerContent>): void {
    this.#tell({ type: 'brokerStored', channel, topic, message }, bytesOfMessage(message.content))
  }

  #volatile(channel: number, topic: string, content: BrokerContent): void {
    this.#tell({ type: 'brokerVolatile', channel, topic, content }, bytesOfMessage(content))
  }

  #leaveChannel(channel: number): void {
    this.#topics.get(channel)?.leave()
    this.#watches.get(channel)?.()
    this.#topics.delete(channel)
    this.#watches.delete(channel)
  }
}

/** Bytes of an answer: a position is small, and a history is the sum of its messages. */
function bytesOfAnswer(answer: unknown): number {
  const { messages = [] } = (answer ?? {}) as Partial<TopicHistory<BrokerContent>>
  return messages.reduce((sum, { content }) => sum + bytesOfMessage(content), messageOverhead)
}

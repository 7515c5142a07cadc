import { UsageError } from '../../core/errors.js'
import type { ServerLimits } from '../../core/limits.js'
import { Subscriptions } from '../../topics/subscriptions.js'
import { faultOfPattern, faultOfTopic } from '../../topics/topic-name.js'

/** The subscriptions of a server's connections, within its limits. */
export class ServerTopics<Socket extends object> {
  readonly #limits: ServerLimits
  readonly #subscriptions: Subscriptions<Socket>
  readonly #onLimit: (limit: keyof ServerLimits, socket: Socket) => void

  /** @param onChange called when a topic or pattern gets its first subscriber, and when it loses its last one */
  constructor(
    limits: ServerLimits,
    onLimit: (limit: keyof ServerLimits, socket: Socket) => void,
    onChange?: (pattern: string, hasSubscribers: boolean) => void,
  ) {
    this.#limits = limits
    this.#onLimit = onLimit
    this.#subscriptions = new Subscriptions(onChange)
  }

  /** Returns false if the connection subscribes already. Throws a UsageError beyond a limit. */
  subscribe(socket: Socket, pattern: string): boolean {
    refuse(faultOfPattern(pattern, this.#limits.maxTopicLength))
    const { maxTopics, maxTopicsPerConnection } = this.#limits
    const isNew = !this.#subscriptions.has(pattern)
    if (isNew && this.#subscriptions.size >= maxTopics) this.#refuse('maxTopics', maxTopics, socket)
    if (this.#subscriptions.countOf(socket) >= maxTopicsPerConnection && !this.topicsOf(socket).has(pattern)) {
      this.#refuse('maxTopicsPerConnection', maxTopicsPerConnection, socket)
    }
    return this.#subscriptions.add(socket, pattern)
  }

  /** Returns false if the connection does not subscribe. */
  unsubscribe(socket: Socket, pattern: string): boolean {
    refuse(faultOfPattern(pattern, this.#limits.maxTopicLength))
    return this.#subscriptions.remove(socket, pattern)
  }

  topicsOf(socket: Socket): Set<string> {
    return this.#subscriptions.topicsOf(socket)
  }

  /** The subscribers of a topic, each once. It may change while it is read. */
  subscribersOf(topic: string): ReadonlySet<Socket> {
    refuse(faultOfTopic(topic, this.#limits.maxTopicLength))
    return this.#subscriptions.subscribersOf(topic)
  }

  /** The connection is closed. */
  leave(socket: Socket): void {
    this.#subscriptions.removeAll(socket)
  }

  #refuse(limit: 'maxTopics' | 'maxTopicsPerConnection', most: number, socket: Socket): never {
    this.#onLimit(limit, socket)
    throw new UsageError('tooManyTopics', `${limit} is ${most}: unsubscribe from other topics, or raise the option`)
  }
}

function refuse(fault: string | undefined): void {
  if (fault !== undefined) throw new UsageError('topicInvalid', fault)
}

import { BroadcastMessage } from '../../core/sending/broadcast-message.js'
import type { PublishedMessage, ServerRegistration } from '../../ports/broker/shared-topics.js'
import type { Observer } from '../observing/observer.js'
import type { ServerSettings } from '../server-settings.js'
import type { BroadcastOptions, OutgoingPiece, PublishOptions } from '../server-types.js'
import { bytesOf } from './message-bytes.js'
import type { ServerConnection } from './server-connection.js'
import { ServerTopics } from './server-topics.js'

/** Sends a message to many connections of a server: to all, or to those that subscribe to a topic. Frames it once. */
export class Publisher<Data> {
  readonly topics: ServerTopics<ServerConnection<Data>>
  readonly #ports: ServerSettings<Data>['ports']
  readonly #connections: Iterable<ServerConnection<Data>>
  /** Undefined unless this process is a worker. */
  readonly #shared: ServerRegistration | undefined
  /** The connections that messages of this server leave out, by the messages' numbers. */
  readonly #left = new Map<number, ServerConnection<Data>>()

  constructor(settings: ServerSettings<Data>, connections: Iterable<ServerConnection<Data>>, observer: Observer) {
    this.#ports = settings.ports
    this.#connections = connections
    const shared = settings.ports.sharedTopics?.()?.register((message, own) => this.#deliver(message, own))
    this.#shared = shared
    this.topics = new ServerTopics(
      settings.limits,
      (limit, socket) => observer.limitReached(limit, socket.remoteAddress, socket),
      shared && ((pattern, hasSubscribers) => shared.changed(pattern, hasSubscribers)),
    )
  }

  /** Sends a message to all connections. Returns the number that took it. */
  broadcast(message: OutgoingPiece, options?: BroadcastOptions<Data>): number {
    return this.#sendTo(this.#connections, message, options)
  }

  /** Sends a message to the subscribers of a topic, in all workers. Returns the number here that took it, or is to get it. */
  publish(topic: string, message: OutgoingPiece, options?: PublishOptions<Data>): number {
    const subscribers = this.topics.subscribersOf(topic)
    if (this.#shared === undefined) return this.#sendTo(subscribers, message, options)
    const { except, compress, volatile } = options ?? {}
    const content = typeof message === 'string' ? message : bytesOf(message)
    const own = this.#shared.publish({ topic, message: content, compress, volatile })
    if (own === undefined) return 0
    if (except === undefined || subscribers.size === 0) return subscribers.size
    // Also if it does not subscribe yet: it may by the time the message is back.
    const left = except as ServerConnection<Data>
    this.#left.set(own, left)
    return subscribers.size - Number(subscribers.has(left))
  }

  /** Delivers a message of this or another process to the subscribers here. */
  #deliver({ topic, message, compress, volatile }: PublishedMessage, own: number | undefined): void {
    const except = own === undefined ? undefined : this.#left.get(own)
    if (own !== undefined) this.#forgetLeft(own)
    this.#sendTo(this.topics.subscribersOf(topic), message, { except, compress, volatile })
  }

  /** Numbers grow, so an earlier message that is still here was lost. */
  #forgetLeft(own: number): void {
    for (const number of this.#left.keys()) {
      if (number > own) break
      this.#left.delete(number)
    }
  }

  #sendTo(
    sockets: Iterable<ServerConnection<Data>>,
    message: OutgoingPiece,
    { except, compress, volatile = false }: PublishOptions<Data> = {},
  ): number {
    const bytes = typeof message === 'string' ? message : bytesOf(message)
    const broadcast = new BroadcastMessage(bytes, this.#ports)
    let taken = 0
    for (const socket of sockets) {
      if (socket === except || (volatile && !socket.hasRoom)) continue
      const result = socket.sendBroadcast(broadcast, compress)
      if (result === 'sent' || result === 'buffered') taken += 1
    }
    return taken
  }
}

import type { IoredisLike } from './redis-client.js'
import type { RedisLinkEvents, RedisSubscriptions } from './redis-subscriptions.js'
import { Resubscriber } from './resubscriber.js'

/** Milliseconds after which another server is tried. */
const retryMs = 100

/** A `Cluster` of ioredis or iovalkey, as far as its subscriber uses it. */
export interface IoredisClusterLike {
  /** The servers that it knows just now. */
  nodes(role: 'master'): readonly { duplicate(options: object): IoredisLike }[]
}

/**
 * The connection for subscriptions to a Redis Cluster: to one server, which passes on the messages of all. If it is lost, the
 * next server takes its place.
 *
 * The `Cluster` of ioredis (6.0 and before) has such a connection of its own. While no server answers, it connects again without
 * a pause, and takes a whole core and ever more memory. It has no event for a change of the server.
 */
export class ClusterSubscriber implements RedisSubscriptions {
  readonly #cluster: IoredisClusterLike
  readonly #events: RedisLinkEvents
  readonly #subscriptions: Resubscriber
  #connection: IoredisLike | undefined
  /** The number of the next server. The processes of a service begin at different ones. */
  #next: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false

  /** @param first the number of the first server, counted on beyond their end */
  constructor(cluster: IoredisClusterLike, events: RedisLinkEvents, first = Math.floor(Math.random() * 1000)) {
    this.#cluster = cluster
    this.#events = events
    this.#subscriptions = new Resubscriber(false, events, () => this.#connection?.disconnect())
    this.#next = first
    this.#connect()
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    return this.#subscriptions.subscribe(channel, listener)
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#subscriptions.unsubscribe(channel)
  }

  watch(glob: string, listener: (channel: string, message: string) => void): Promise<void> {
    return this.#subscriptions.watch(glob, listener)
  }

  unwatch(glob: string): Promise<void> {
    return this.#subscriptions.unwatch(glob)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#subscriptions.close()
  }

  #connect(): void {
    // The servers may change at any time, and are none while the cluster is away.
    const nodes = this.#cluster.nodes('master')
    const node = nodes[this.#next % nodes.length]
    this.#next += 1
    if (node === undefined) {
      this.#retryLater()
      return
    }
    const connection = node.duplicate({ lazyConnect: false, retryStrategy: null })
    this.#connection = connection
    connection.on('error', this.#events.error)
    connection.on('ready', () => void this.#subscriptions.ready(connection))
    connection.on('end', () => {
      if (connection === this.#connection) this.#ended()
    })
    this.#subscriptions.listen(connection)
  }

  #ended(): void {
    this.#connection = undefined
    this.#subscriptions.lost()
    this.#retryLater()
  }

  #retryLater(): void {
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#connect(), retryMs)
  }
}

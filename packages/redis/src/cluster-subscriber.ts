import type { IoredisLike } from './redis-client.js'
import type { RedisLinkEvents, RedisSubscriptions } from './redis-subscriptions.js'

/** Milliseconds after which another server is tried. */
const retryMs = 100

/** A `Cluster` of ioredis or iovalkey, as far as its subscriber uses it. */
export interface IoredisClusterLike {
  /** The servers that it knows just now. */
  nodes(role: 'master'): readonly { duplicate(options: object): IoredisLike }[]
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
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
  readonly #channels = new Map<string, (message: string) => void>()
  readonly #globs = new Map<string, (channel: string, message: string) => void>()
  #connection: IoredisLike | undefined
  /** Whether the connection has all subscriptions. */
  #isReady = false
  /** The number of the next server. The processes of a service begin at different ones. */
  #next: number
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Subscriptions that wait for a connection, which makes them. */
  #waiting: Waiting[] = []
  #hasLost = false
  #isClosed = false

  /** @param first the number of the first server, counted on beyond their end */
  constructor(cluster: IoredisClusterLike, events: RedisLinkEvents, first = Math.floor(Math.random() * 1000)) {
    this.#cluster = cluster
    this.#events = events
    this.#next = first
    this.#connect()
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<void> {
    this.#channels.set(channel, listener)
    await this.#made((connection) => connection.subscribe(channel)).catch((error: unknown) => {
      // A refused subscription must not be asked for again together with all others.
      this.#channels.delete(channel)
      throw error
    })
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel)
    if (this.#isReady) await this.#connection!.unsubscribe(channel)
  }

  async watch(glob: string, listener: (channel: string, message: string) => void): Promise<void> {
    this.#globs.set(glob, listener)
    await this.#made((connection) => connection.psubscribe(glob)).catch((error: unknown) => {
      this.#globs.delete(glob)
      throw error
    })
  }

  async unwatch(glob: string): Promise<void> {
    this.#globs.delete(glob)
    if (this.#isReady) await this.#connection!.punsubscribe(glob)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#connection?.disconnect()
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the broker is closed'))
  }

  /** Resolves when a subscription is made: now, or by the next connection. */
  async #made(ask: (connection: IoredisLike) => Promise<unknown>): Promise<void> {
    const connection = this.#connection
    if (connection !== undefined && this.#isReady) {
      try {
        await ask(connection)
        return
      } catch (error) {
        // The server has refused it. If the connection is lost instead, the next one makes the subscription.
        if (connection.status === 'ready') throw error
      }
    }
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }))
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
    connection.on('ready', () => void this.#restore(connection))
    connection.on('message', (channel, message) => this.#channels.get(channel)?.(message))
    connection.on('pmessage', (glob, channel, message) => this.#globs.get(glob)?.(channel, message))
    connection.on('end', () => {
      if (connection === this.#connection) this.#ended()
    })
  }

  /** Makes all subscriptions on a new connection. */
  async #restore(connection: IoredisLike): Promise<void> {
    const made = this.#waiting
    this.#waiting = []
    try {
      if (this.#channels.size > 0) await connection.subscribe(...this.#channels.keys())
      if (this.#globs.size > 0) await connection.psubscribe(...this.#globs.keys())
    } catch (error) {
      // The server has refused one of them. The earlier ones were accepted before, and are made again without the new ones.
      if (connection.status === 'ready') for (const { reject } of made) reject(error as Error)
      else this.#waiting.push(...made)
      this.#events.error(error as Error)
      connection.disconnect()
      return
    }
    this.#isReady = true
    for (const { resolve } of made) resolve()
    if (this.#hasLost) this.#events.returned()
    this.#hasLost = false
    // Those that came meanwhile may have missed the lists above.
    if (this.#waiting.length > 0) await this.#restore(connection)
  }

  #ended(): void {
    this.#connection = undefined
    if (this.#isReady && !this.#isClosed) {
      this.#hasLost = true
      this.#events.lost()
    }
    this.#isReady = false
    this.#retryLater()
  }

  #retryLater(): void {
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#connect(), retryMs)
  }
}

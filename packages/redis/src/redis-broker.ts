import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
  Resumed,
  TopicHistory,
  TopicPosition,
} from 'twoway/hub'
import { topicMatches } from 'twoway/hub'
import { type ChannelMessage, readChannelMessage, volatileMessage } from './channel-messages.js'
import { type EntryReply, lastOf, resumedFrom } from './history.js'
import { globOf, keyOf, topicOfKey } from './names.js'
import { checkCounts, refuseUnknown, shown } from './options.js'
import { within } from './publishing/deadline.js'
import { Publisher } from './publishing/publisher.js'
import { Replicas } from './publishing/replicas.js'
import { type Script, ScriptRunner, scriptOf } from './publishing/script-runner.js'
import { headScript, lastScript, positionOf, sendScript, sinceScript } from './publishing/scripts.js'
import type { RedisClient } from './redis-client.js'
import { type RedisLink, redisLink } from './redis-link.js'
import { Subscriptions } from './subscriptions.js'
import { TopicStart } from './topic-start.js'
import { unique } from './unique.js'

export interface RedisBrokerOptions {
  /**
   * A client of ioredis, iovalkey, @redis/client or redis, of one server, of a primary behind Sentinel, or of a cluster. The
   * broker makes one duplicate of it, for its subscriptions.
   */
  readonly client: RedisClient
  /**
   * Put before the names of all keys and channels, so that several services can share a Redis.
   * @default 'twoway:'
   */
  readonly prefix?: string | undefined
  /**
   * Messages of a topic that are kept.
   * @default 1_000
   */
  readonly historyCount?: number | undefined
  /**
   * Milliseconds after the last message of a topic, after which its messages expire: Redis may keep them an eighth longer. Its head
   * stays.
   * @default 3_600_000 (1 hour)
   */
  readonly historyAgeMs?: number | undefined
  /**
   * Milliseconds for which the key of a publish is known.
   * @default 120_000
   */
  readonly dedupeMs?: number | undefined
  /**
   * Replicas that must have a message before its publish resolves, so that a fail-over to one of them loses nothing that was
   * acknowledged. A publish that no replica confirms in time rejects; it may have been stored. Not with a cluster.
   * @default 0
   */
  readonly replicas?: number | undefined
  /**
   * Whether messages go through sharded channels, which Redis 7.0 has: a cluster sends them to the subscribers of one shard
   * instead of all its servers. Patterns are refused then. It must be the same on all nodes.
   * @default false
   */
  readonly sharded?: boolean | undefined
  /**
   * Milliseconds that Redis may take for an answer. Then a publish rejects; it may have been stored.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined
  /** Called with errors of the connection for subscriptions, which is opened again after a loss, and of the node's events. */
  readonly error?: ((error: Error) => void) | undefined
}

/** A broker on Redis 6.2 or later. `close` ends its connection for subscriptions; the client is yours. */
export interface RedisBroker extends ResumableBroker {
  close(): void
}

const known: Readonly<Record<keyof RedisBrokerOptions, true>> = {
  client: true,
  prefix: true,
  historyCount: true,
  historyAgeMs: true,
  dedupeMs: true,
  replicas: true,
  sharded: true,
  timeoutMs: true,
  error: true,
}

const scripts = { head: scriptOf(headScript), since: scriptOf(sinceScript), last: scriptOf(lastScript) }

/**
 * Topics on Redis: streams for history, a text for the head, PUBLISH for delivery. All that belongs to a publish is one
 * script, so that a position never lies. A Redis that comes back from an older copy of its data is noticed by the marks.
 */
export function redisBroker(options: RedisBrokerOptions): RedisBroker {
  // Without any, the error names the client that is missing.
  refuseUnknown('redisBroker()', options ?? {}, known)
  const {
    client,
    prefix = 'twoway:',
    historyCount = 1000,
    historyAgeMs = 3_600_000,
    dedupeMs = 120_000,
    replicas = 0,
    sharded = false,
    timeoutMs = 5000,
    error = () => undefined,
  } = options ?? {}
  checkCounts({ historyCount, historyAgeMs, dedupeMs, timeoutMs })
  if (!Number.isSafeInteger(replicas) || replicas < 0)
    throw new TypeError(`replicas must be a whole number, not ${shown(replicas)}`)
  return new Broker(client, error, { prefix, historyCount, historyAgeMs, dedupeMs, replicas, sharded, timeoutMs })
}

type SettingName = 'prefix' | 'historyCount' | 'historyAgeMs' | 'dedupeMs' | 'replicas' | 'sharded' | 'timeoutMs'
type Settings = { readonly [Name in SettingName]: NonNullable<RedisBrokerOptions[Name]> }

class Broker implements RedisBroker {
  readonly delivery = 'resumable'
  readonly #link: RedisLink
  readonly #settings: Settings
  readonly #scripts: ScriptRunner
  readonly #publisher: Publisher
  readonly #error: (error: Error) => void
  readonly #channels: Subscriptions<(event: ChannelMessage) => void>
  readonly #globs: Subscriptions<(channel: string, event: ChannelMessage) => void>
  readonly #opened = new Set<OpenTopic>()
  /** Tells the messages of this node from those of others. */
  readonly #node = unique()

  constructor(client: RedisClient, error: (error: Error) => void, settings: Settings) {
    const { replicas, sharded } = settings
    this.#error = error
    this.#settings = settings
    this.#link = redisLink(client, sharded, {
      error,
      lost: () => this.#setAway(true),
      returned: () => this.#setAway(false),
    })
    this.#channels = new Subscriptions(
      (channel, listeners) =>
        this.#within(
          this.#link.subscribe(channel, (message) => {
            const event = this.#read(message)
            if (event !== undefined) for (const listener of listeners) this.#guarded(() => listener(event))
          }),
        ),
      (channel) => this.#link.unsubscribe(channel),
    )
    this.#globs = new Subscriptions(
      (glob, listeners) =>
        this.#within(
          this.#link.watch(glob, (channel, message) => {
            const event = this.#read(message)
            if (event !== undefined) for (const listener of listeners) this.#guarded(() => listener(channel, event))
          }),
        ),
      (glob) => this.#link.unwatch(glob),
    )
    this.#scripts = new ScriptRunner(this.#link, settings.timeoutMs)
    if (replicas > 0 && this.#link.connections === undefined)
      throw new TypeError('replicas takes a client with one connection')
    this.#publisher = new Publisher(this.#scripts, {
      ...settings,
      isCluster: this.#link.isCluster,
      replicas: replicas > 0 ? new Replicas(this.#link, replicas) : undefined,
      command: this.#publishCommand(),
    })
  }

  async open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    const channel = this.#channelOf(topic)
    const start = new TopicStart((message) => events.stored(message))
    const leave = await this.#channels.join(channel, (event) => {
      if (event.stored === undefined) events.volatile(event.volatile)
      else for (const message of event.stored) start.received(message)
    })
    const key = this.#keyOf(topic)
    const published = this.#publisher.topic(key, channel)
    const own: OpenTopic = { events, isAway: false }
    // Before the head is asked for: a loss meanwhile concerns this topic too.
    this.#opened.add(own)
    await this.#begin(topic, start, () => {
      this.#opened.delete(own)
      leave()
    })
    return {
      publish: (content, id) => this.#publisher.publish(published, content, id),
      head: () => this.#head(topic),
      since: (position, most) => this.#since(topic, position, most),
      last: (most) => this.#last(topic, most),
      send: (content) => {
        // A client keeps commands until it is there again.
        if (this.#link.isAway) return
        const message = [channel, volatileMessage(content, own.isAway ? this.#node : undefined)] as const
        const sent = this.#link.isCluster
          ? this.#link.command(key, 'EVAL', sendScript, 1, key, this.#publishCommand(), ...message)
          : this.#link.command(key, this.#publishCommand(), ...message)
        sent.catch(() => undefined)
      },
      leave: () => {
        this.#opened.delete(own)
        leave()
      },
    }
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    const { prefix, sharded } = this.#settings
    if (sharded) throw new Error('sharded channels have no patterns: a pattern takes a broker without sharded: true')
    const start = `${prefix}c:`
    return this.#globs.join(globOf(start, pattern), (channel, event) => {
      const topic = topicOfKey(channel.slice(start.length))
      if (!topicMatches(pattern, topic)) return
      if (event.stored === undefined) events.volatile(topic, event.volatile)
      else for (const message of event.stored) events.stored(topic, message)
    })
  }

  close(): void {
    this.#link.close()
  }

  /** Servers of a cluster pass messages on: one that was published before the subscription may come after it. */
  async #begin(topic: string, start: TopicStart, leave: () => void): Promise<void> {
    try {
      start.at(this.#link.isCluster ? await this.#head(topic) : undefined)
    } catch (error) {
      leave()
      throw error
    }
  }

  async #since(topic: string, position: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
    const { historyCount } = this.#settings
    const limits = { most: Number.isFinite(most) ? most : Number.MAX_SAFE_INTEGER, historyCount }
    const { epoch, offset } = position
    if (!Number.isSafeInteger(offset)) return resumedFrom(position, await this.#head(topic), [], limits)
    const reply = await this.#run(scripts.since, topic, [epoch, offset, limits.most, historyCount])
    const { head, entries } = read(reply)
    return resumedFrom(position, head, entries, limits)
  }

  async #last(topic: string, most: number): Promise<TopicHistory<BrokerContent>> {
    const count = Math.min(most, this.#settings.historyCount)
    const { head, entries } = read(await this.#run(scripts.last, topic, [count]))
    return lastOf(head, entries, count)
  }

  async #head(topic: string): Promise<TopicPosition> {
    return positionOf((await this.#run(scripts.head, topic, [])) as string)
  }

  /** Runs a script on the head and the stream of a topic. The braces keep its keys in one slot of a cluster. */
  #run(script: Script, topic: string, args: readonly (string | number)[]): Promise<unknown> {
    const key = this.#keyOf(topic)
    return this.#scripts.run(script, [`${key}:h`, `${key}:s`], args)
  }

  #keyOf(topic: string): string {
    return `${this.#settings.prefix}{${keyOf(topic)}}`
  }

  #publishCommand(): string {
    return this.#settings.sharded ? 'SPUBLISH' : 'PUBLISH'
  }

  /** A sharded channel must be in the slot of the keys. */
  #channelOf(topic: string): string {
    const { prefix, sharded } = this.#settings
    return sharded ? `${prefix}{${keyOf(topic)}}:c` : `${prefix}c:${keyOf(topic)}`
  }

  /** The connection for subscriptions is lost, or there again. */
  #setAway(isAway: boolean): void {
    for (const topic of [...this.#opened]) {
      topic.isAway = isAway && topic.events.lost !== undefined
      this.#guarded(() => (isAway ? topic.events.lost?.() : topic.events.returned?.()))
    }
  }

  /** Reads a message of a channel, unless this node has delivered it already. */
  #read(message: string): ChannelMessage | undefined {
    const event = readChannelMessage(message)
    const isKnown = event?.stored === undefined && event?.deliveredBy === this.#node
    return isKnown ? undefined : event
  }

  /** A client of Redis ends its connection, or the process, for an error of a listener. */
  #guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#error(error as Error)
    }
  }

  #within<Answer>(promise: Promise<Answer>): Promise<Answer> {
    const { timeoutMs } = this.#settings
    return within(promise, performance.now() + timeoutMs, timeoutMs)
  }
}

/** The answer of a script with the head and entries of a topic. */
function read(reply: unknown): { readonly head: TopicPosition; readonly entries: readonly EntryReply[] } {
  const [head, entries] = reply as readonly [string, readonly EntryReply[]]
  return { head: positionOf(head), entries }
}

interface OpenTopic {
  readonly events: BrokerTopicEvents
  /** Whether the node has been told that its subscription is lost, so that it delivers its own volatile messages at once. */
  isAway: boolean
}

import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
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
import { Backlog } from './backlog.js'
import { type ChannelMessage, readChannelMessage, volatileMessage } from './channel-messages.js'
import { globOf, keyOf, topicOfKey } from './names.js'
import { type RedisClient, type RedisLink, redisLink } from './redis-link.js'
import { Replicas } from './replicas.js'
import { type EntryReply, encode, type HeadReply, messageOf, positionOf } from './replies.js'
import { headScript, lastScript, publishScript, sendScript, sinceScript } from './scripts.js'
import { Subscriptions } from './subscriptions.js'

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
   * Milliseconds after the last message of a topic, after which its messages expire. Its head stays.
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

interface Script {
  readonly text: string
  readonly sha: string
}

const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })
const scripts = {
  head: scriptOf(headScript),
  publish: scriptOf(publishScript),
  since: scriptOf(sinceScript),
  last: scriptOf(lastScript),
}

/**
 * Topics on Redis: streams for history, a hash for the head, PUBLISH for delivery. All that belongs to one publish is one
 * script, so that a position never lies. A Redis that comes back from an older copy of its data is noticed by the marks.
 */
export function redisBroker(options: RedisBrokerOptions): RedisBroker {
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
  } = options
  for (const [name, value] of Object.entries({ historyCount, historyAgeMs, dedupeMs, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`${name} must be a whole number above 0, not ${value}`)
  }
  if (!Number.isSafeInteger(replicas) || replicas < 0)
    throw new TypeError(`replicas must be a whole number, not ${replicas}`)
  return new Broker(client, error, { prefix, historyCount, historyAgeMs, dedupeMs, replicas, sharded, timeoutMs })
}

type SettingName = 'prefix' | 'historyCount' | 'historyAgeMs' | 'dedupeMs' | 'replicas' | 'sharded' | 'timeoutMs'
type Settings = { readonly [Name in SettingName]: NonNullable<RedisBrokerOptions[Name]> }

class Broker implements RedisBroker {
  readonly delivery = 'resumable'
  readonly #link: RedisLink
  readonly #settings: Settings
  readonly #replicas: Replicas | undefined
  readonly #error: (error: Error) => void
  readonly #channels: Subscriptions<(event: ChannelMessage) => void>
  readonly #globs: Subscriptions<(channel: string, event: ChannelMessage) => void>
  readonly #opened = new Set<OpenTopic>()
  /** Tells the messages of this node from those of others. */
  readonly #node = tag()
  readonly #backlog = new Backlog()

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
    if (replicas === 0) return
    if (this.#link.connections === undefined) throw new TypeError('replicas takes a client with one connection')
    this.#replicas = new Replicas(this.#link, replicas)
  }

  async open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    const channel = this.#channelOf(topic)
    const leave = await this.#channels.join(channel, (event) => {
      if (event.stored === undefined) events.volatile(event.volatile)
      else events.stored(event.stored)
    })
    const key = this.#keyOf(topic)
    const own: OpenTopic = { events, isAway: false }
    this.#opened.add(own)
    return {
      publish: (content, id) => this.#backlog.add(content.length, () => this.#publish(topic, content, id)),
      head: async () => positionOf((await this.#run(scripts.head, topic, [])) as HeadReply),
      since: (position, most) => this.#since(topic, position, most),
      last: (most) => this.#last(topic, most),
      send: (content) => {
        // A client keeps commands until it is there again.
        if (this.#link.isAway) return
        const message = [channel, volatileMessage(content, own.isAway ? this.#node : undefined)] as const
        const sent = this.#link.isCluster
          ? this.#link.command(key, 'EVAL', sendScript, 1, key, this.#publishCommand, ...message)
          : this.#link.command(key, this.#publishCommand, ...message)
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
      else events.stored(topic, event.stored)
    })
  }

  close(): void {
    this.#link.close()
  }

  async #publish(topic: string, content: BrokerContent, id: string | undefined): Promise<TopicPosition> {
    const { historyCount, historyAgeMs, dedupeMs, timeoutMs } = this.#settings
    // ioredis repeats a command whose answer was lost. A publish without an id gets one for that case.
    const [record, recordMs] = id === undefined ? [`r:${tag()}`, repeatTimeouts * timeoutMs] : [`d:${id}`, dedupeMs]
    const channel = this.#channelOf(topic)
    const rest = [encode(content), channel, historyCount, historyAgeMs, recordMs, this.#publishCommand]
    const until = performance.now() + timeoutMs
    for (;;) {
      // A message that is stored again, after a fail-over, is another one at another offset.
      const reply = (await this.#run(scripts.publish, topic, [tag(), ...rest], record, until)) as HeadReply
      if (this.#replicas === undefined) return positionOf(reply)
      if (await this.#within(this.#replicas.confirm(), until).catch(() => false)) return positionOf(reply)
      if (performance.now() + retryMs > until)
        throw new Error(`no replica of Redis confirmed the message within ${timeoutMs} ms`)
      // The record makes this harmless. A primary that lost the message in a fail-over stores it again.
      await sleep(retryMs)
    }
  }

  async #since(topic: string, { epoch, offset, mark }: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      return { recovered: false, head: await this.#head(topic), reason: 'rewound' }
    }
    const args = [epoch, offset, mark, Number.isFinite(most) ? most : Number.MAX_SAFE_INTEGER]
    const [reason, ...rest] = (await this.#run(scripts.since, topic, args)) as [
      string,
      ...HeadReply,
      readonly EntryReply[],
    ]
    const head = positionOf(rest as unknown as HeadReply)
    if (reason !== '') return { recovered: false, head, reason: reason as 'expired' }
    return {
      recovered: true,
      head,
      messages: (rest[3] as readonly EntryReply[]).map((entry) => messageOf(head.epoch, entry)),
    }
  }

  async #last(topic: string, most: number): Promise<TopicHistory<BrokerContent>> {
    const count = Math.min(most, this.#settings.historyCount)
    const reply = (await this.#run(scripts.last, topic, [count])) as [...HeadReply, readonly EntryReply[]]
    const head = positionOf(reply as unknown as HeadReply)
    return { head, messages: reply[3].map((entry) => messageOf(head.epoch, entry)).reverse() }
  }

  async #head(topic: string): Promise<TopicPosition> {
    return positionOf((await this.#run(scripts.head, topic, [])) as HeadReply)
  }

  /**
   * Runs a script on the keys of a topic. The braces keep them in one slot of a cluster. During a fail-over or a start, Redis
   * refuses scripts for a while.
   */
  async #run(
    script: Script,
    topic: string,
    args: readonly (string | number)[],
    record = 'd:',
    until = performance.now() + this.#settings.timeoutMs,
  ): Promise<unknown> {
    const key = this.#keyOf(topic)
    const rest = [3, `${key}:h`, `${key}:s`, `${key}:${record}`, tag(), ...args]
    let isKnown = true
    for (;;) {
      // The client would keep the command after this has given up.
      if (this.#link.isAway) await this.#within(this.#link.there(), until)
      try {
        const [name, text] = isKnown ? ['EVALSHA', script.sha] : ['EVAL', script.text]
        return await this.#within(this.#link.command(`${key}:h`, name!, text!, ...rest), until)
      } catch (error) {
        // ioredis gives a command up after so many attempts to connect, however much time there is.
        const refusal =
          /\b(NOSCRIPT|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MaxRetriesPerRequestError)\b/.exec(
            String(error),
          )
        if (refusal === null) throw error
        if (refusal[1] === 'NOSCRIPT') isKnown = false
        else if (performance.now() + retryMs > until) throw error
        else await sleep(retryMs)
      }
    }
  }

  #keyOf(topic: string): string {
    return `${this.#settings.prefix}{${keyOf(topic)}}`
  }

  get #publishCommand(): string {
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

  async #within<Answer>(
    promise: Promise<Answer>,
    until = performance.now() + this.#settings.timeoutMs,
  ): Promise<Answer> {
    const { timeoutMs } = this.#settings
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Redis has not answered within ${timeoutMs} ms`)),
        until - performance.now(),
      )
      timer.unref()
    })
    // The client may still reject later.
    promise.catch(() => undefined)
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }
}

interface OpenTopic {
  readonly events: BrokerTopicEvents
  /** Whether the node has been told that its subscription is lost, so that it delivers its own volatile messages at once. */
  isAway: boolean
}

/** The wait before a question that Redis has refused for now is asked again. */
const retryMs = 50

/** A client that repeats a command does so within as many times the time for an answer. */
const repeatTimeouts = 6

/** 64 random bits. */
function tag(): string {
  return randomBytes(8).toString('hex')
}

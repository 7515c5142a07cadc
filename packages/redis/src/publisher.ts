import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerContent, TopicPosition } from 'twoway/hub'
import { within } from './deadline.js'
import type { Replicas } from './replicas.js'
import { encode, positionOf } from './replies.js'
import { retryMs, type ScriptRunner, scriptOf } from './script-runner.js'
import { publishScript } from './scripts.js'
import { unique } from './unique.js'

export interface PublisherSettings {
  /** Whether the keys of two topics may be on different servers, so that a script takes one topic. */
  readonly isCluster: boolean
  /** Confirms that replicas have the stored messages; undefined if no replica must. */
  readonly replicas: Replicas | undefined
  readonly historyCount: number
  readonly historyAgeMs: number
  readonly dedupeMs: number
  readonly timeoutMs: number
  /** PUBLISH or SPUBLISH. */
  readonly command: string
}

/** A topic, by the start of its keys and by its channel. */
export interface TopicKeys {
  readonly key: string
  readonly channel: string
}

interface Waiting {
  readonly topic: TopicKeys
  readonly encoded: string
  readonly id: string | undefined
  /** The end of its time, as a time of `performance.now()`. */
  readonly until: number
  resolve(position: TopicPosition): void
  reject(error: unknown): void
}

/** The most messages, and characters of them, that one script stores: Redis does nothing else meanwhile. */
const most = { count: 128, length: 256 << 10 }

/** A client that repeats a command does so within as many times the time for an answer. */
const repeatTimeouts = 6

const script = scriptOf(publishScript)

type Earlier = readonly [index: number, epoch: string, offset: number, mark: string]
type TopicReply = readonly [epoch: string, first: number, earlier: readonly Earlier[]]
type Reply = readonly [tag: string, ...topics: readonly (TopicReply | string)[]]

/**
 * Stores messages, one script after the other: those of a topic are stored in the order of their publishes, also if Redis
 * refuses a script for a while. A script stores all messages that wait. In a cluster, each topic has scripts of its own.
 */
export class Publisher {
  readonly #scripts: ScriptRunner
  readonly #settings: PublisherSettings
  /** The messages that wait; a script is on its way for each queue. */
  readonly #queues = new Map<string, Waiting[]>()

  constructor(scripts: ScriptRunner, settings: PublisherSettings) {
    this.#scripts = scripts
    this.#settings = settings
  }

  publish(topic: TopicKeys, content: BrokerContent, id: string | undefined): Promise<TopicPosition> {
    const { isCluster, timeoutMs } = this.#settings
    const name = isCluster ? topic.key : ''
    return new Promise((resolve, reject) => {
      let queue = this.#queues.get(name)
      if (queue === undefined) {
        queue = []
        this.#queues.set(name, queue)
        // The first script stores the messages of this turn of the event loop.
        setImmediate(() => this.#storeAll(name))
      }
      queue.push({ topic, encoded: encode(content), id, until: performance.now() + timeoutMs, resolve, reject })
    })
  }

  async #storeAll(name: string): Promise<void> {
    const queue = this.#queues.get(name)!
    while (queue.length > 0) {
      const messages = this.#takeFrom(queue)
      if (messages.length === 0) continue
      const batch = byTopic(messages)
      try {
        const [tag, ...replies] = await this.#stored(batch, messages[0]!.until)
        for (const [index, ofTopic] of batch.entries()) settle(ofTopic, tag, replies[index]!)
      } catch (error) {
        for (const { reject } of messages) reject(error)
      }
    }
    this.#queues.delete(name)
  }

  /**
   * Takes messages for one script: at most `most`, and none that has much more time than the first one. Rejects those whose time
   * is over.
   */
  #takeFrom(queue: Waiting[]): Waiting[] {
    const { timeoutMs } = this.#settings
    const now = performance.now()
    while (queue[0] !== undefined && queue[0].until <= now) {
      queue.shift()!.reject(new Error(`Redis has not stored the message within ${timeoutMs} ms`))
    }
    if (queue.length === 0) return []
    const latest = queue[0]!.until + timeoutMs / 10
    let [count, length] = [0, 0]
    for (const { encoded, until } of queue) {
      length += encoded.length
      if (count > 0 && (count === most.count || length > most.length || until > latest)) break
      count += 1
    }
    return queue.splice(0, count)
  }

  async #stored(batch: readonly (readonly Waiting[])[], until: number): Promise<Reply> {
    const { replicas, historyCount, historyAgeMs, dedupeMs, timeoutMs, command } = this.#settings
    // ioredis repeats a command whose answer was lost: messages without an id have one record for that case.
    const isRecorded = batch.some((messages) => messages.some(({ id }) => id === undefined))
    const keys = [`${batch[0]![0]!.topic.key}:r:${isRecorded ? unique() : ''}`]
    const recordMs = isRecorded ? repeatTimeouts * timeoutMs : ''
    const args: (string | number)[] = [command, historyCount, historyAgeMs, recordMs, dedupeMs]
    for (const messages of batch) {
      const { key, channel } = messages[0]!.topic
      keys.push(`${key}:h`, `${key}:s`)
      args.push(channel, messages.length)
      for (const { encoded, id } of messages) {
        if (id !== undefined) keys.push(`${key}:d:${id}`)
        args.push(encoded, id === undefined ? encoded.length : -encoded.length)
      }
    }
    for (;;) {
      // Messages that are stored again, after a fail-over, are others at other offsets.
      const reply = (await this.#scripts.run(script, keys, [unique(), ...args], until)) as Reply
      if (replicas === undefined) return reply
      if (await within(replicas.confirm(), until, timeoutMs).catch(() => false)) return reply
      if (performance.now() + retryMs > until)
        throw new Error(`no replica of Redis confirmed the message within ${timeoutMs} ms`)
      // The records make this harmless. A primary that lost the messages in a fail-over stores them again.
      await sleep(retryMs)
    }
  }
}

function byTopic(messages: readonly Waiting[]): Waiting[][] {
  const topics = new Map<TopicKeys, Waiting[]>()
  for (const message of messages) {
    const others = topics.get(message.topic)
    if (others === undefined) topics.set(message.topic, [message])
    else others.push(message)
  }
  return [...topics.values()]
}

/** Settles the messages of a topic by the answer of the script. */
function settle(messages: readonly Waiting[], tag: string, reply: TopicReply | string): void {
  if (typeof reply === 'string') {
    for (const { reject } of messages) reject(new Error(`Redis has not stored the message: ${reply}`))
    return
  }
  const [epoch, first, known] = reply
  const earlier = new Map(known.map(([number, ...position]) => [number, positionOf(position)]))
  let offset = Number(first)
  for (const [index, { resolve }] of messages.entries()) {
    const number = index + 1
    const position = earlier.get(number)
    if (position !== undefined) resolve(position)
    else {
      resolve({ epoch, offset, mark: `${tag}.${number}` })
      offset += 1
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { BrokerContent, TopicPosition } from 'twoway/hub'
import { storedContent } from '../channel-messages.js'
import { unique } from '../unique.js'
import { Backlog } from './backlog.js'
import { within } from './deadline.js'
import type { Replicas } from './replicas.js'
import { retryMs, type ScriptRunner, scriptOf } from './script-runner.js'
import { positionOf, publishScript } from './scripts.js'

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

/** A topic: the start of its keys, its channel, and its lane, see `Publisher`. */
export interface PublisherTopic {
  readonly key: string
  readonly channel: string
  readonly lane: string
}

interface Waiting {
  readonly topic: PublisherTopic
  readonly content: BrokerContent
  readonly id: string | undefined
  /** The end of its time, as a time of `performance.now()`. */
  readonly until: number
  resolve(position: TopicPosition): void
  reject(error: unknown): void
}

/** The most messages, and characters or bytes of them, that one script stores: Redis does nothing else meanwhile. */
const most = { count: 128, length: 256 << 10 }

/** A client that repeats a command does so within as many times the time for an answer. */
const repeatTimeouts = 6

/** Scripts on their way at a time: Redis runs one while this process reads the answer of the other and makes the next one. */
const lanes = 2

const script = scriptOf(publishScript)

/**
 * Stores messages. Each topic belongs to a lane, which runs one script after the other: the messages of a topic are stored in the
 * order of their publishes, also if Redis refuses a script for a while. A script stores all messages of a lane that wait. In a
 * cluster, each topic is a lane.
 */
export class Publisher {
  readonly #scripts: ScriptRunner
  readonly #settings: PublisherSettings
  /** The messages that wait, by lanes; a script is on its way for each queue. */
  readonly #queues = new Map<string, Waiting[]>()
  readonly #backlog = new Backlog()

  constructor(scripts: ScriptRunner, settings: PublisherSettings) {
    this.#scripts = scripts
    this.#settings = settings
  }

  topic(key: string, channel: string): PublisherTopic {
    return { key, channel, lane: this.#settings.isCluster ? key : laneOf(key) }
  }

  publish(topic: PublisherTopic, content: BrokerContent, id: string | undefined): Promise<TopicPosition> {
    const { lane } = topic
    return new Promise((resolve, reject) => {
      this.#backlog.enter(content.length)
      let queue = this.#queues.get(lane)
      if (queue === undefined) {
        queue = []
        this.#queues.set(lane, queue)
        // The first script stores the messages of this turn of the event loop.
        setImmediate(() => this.#storeAll(lane))
      }
      queue.push({ topic, content, id, until: performance.now() + this.#settings.timeoutMs, resolve, reject })
    })
  }

  async #storeAll(lane: string): Promise<void> {
    const queue = this.#queues.get(lane)!
    while (queue.length > 0) {
      const messages = this.#takeFrom(queue)
      if (messages.length === 0) continue
      const batch = byTopic(messages)
      try {
        const [tag, ...lines] = await this.#stored(batch, messages[0]!.until)
        for (const [index, ofTopic] of batch.entries()) settle(ofTopic, tag!, lines[index]!)
      } catch (error) {
        for (const { reject } of messages) reject(error)
      } finally {
        for (const { content } of messages) this.#backlog.leave(content.length)
      }
    }
    this.#queues.delete(lane)
  }

  /**
   * Takes messages for one script: at most `most`, and none that has much more time than the first one. Rejects those whose time
   * is over.
   */
  #takeFrom(queue: Waiting[]): Waiting[] {
    const { timeoutMs } = this.#settings
    const now = performance.now()
    while (queue[0] !== undefined && queue[0].until <= now) {
      const { content, reject } = queue.shift()!
      this.#backlog.leave(content.length)
      reject(new Error(`Redis has not stored the message within ${timeoutMs} ms`))
    }
    if (queue.length === 0) return []
    const latest = queue[0]!.until + timeoutMs / 10
    let [count, length] = [0, 0]
    for (const { content, until } of queue) {
      length += content.length
      if (count > 0 && (count === most.count || length > most.length || until > latest)) break
      count += 1
    }
    return queue.splice(0, count)
  }

  /** Resolves to the lines of the script's answer. */
  async #stored(batch: readonly (readonly Waiting[])[], until: number): Promise<string[]> {
    const { replicas, historyCount, historyAgeMs, dedupeMs, timeoutMs, command } = this.#settings
    // ioredis repeats a command whose answer was lost: messages without an id have one record for that case.
    const isRecorded = batch.some((messages) => messages.some(({ id }) => id === undefined))
    const recordMs = isRecorded ? repeatTimeouts * timeoutMs : ''
    // A stream is told its age once in each period, instead of with each message, and expires that much later.
    const periodMs = Math.ceil(historyAgeMs / 8)
    const args: (string | number)[] = [command, historyCount, historyAgeMs + periodMs, periodMs, recordMs, dedupeMs]
    args.push(batch.length)
    const keys = [`${batch[0]![0]!.topic.key}:r:${isRecorded ? unique() : ''}`]
    for (const [message] of batch) keys.push(`${message!.topic.key}:h`)
    for (const [message] of batch) keys.push(`${message!.topic.key}:s`)
    for (const messages of batch) addMessages(messages, keys, args)
    for (;;) {
      // Messages that are stored again, after a fail-over, are others at other offsets.
      const reply = (await this.#scripts.run(script, keys, [unique(), ...args], until)) as string
      if (replicas === undefined) return reply.split('\n')
      if (await within(replicas.confirm(), until, timeoutMs).catch(() => false)) return reply.split('\n')
      if (performance.now() + retryMs > until)
        throw new Error(`no replica of Redis confirmed the message within ${timeoutMs} ms`)
      // The records make this harmless. A primary that lost the messages in a fail-over stores them again.
      await sleep(retryMs)
    }
  }
}

function laneOf(key: string): string {
  let sum = 0
  for (let at = 0; at < key.length; at += 1) sum += key.charCodeAt(at)
  return `${sum % lanes}`
}

function byTopic(messages: readonly Waiting[]): Waiting[][] {
  const topics = new Map<string, Waiting[]>()
  for (const message of messages) {
    const others = topics.get(message.topic.key)
    if (others === undefined) topics.set(message.topic.key, [message])
    else others.push(message)
  }
  return [...topics.values()]
}

/** Adds the arguments of the script for the messages of a topic, and the keys of those with an id. */
function addMessages(messages: readonly Waiting[], keys: string[], args: (string | number)[]): void {
  const { key, channel } = messages[0]!.topic
  const pieces: (string | number)[] = []
  let [text, number, isPlain] = ['', 0, true]
  for (const { content, id } of messages) {
    number += 1
    const stored = storedContent(number, content)
    if (id === undefined) text += stored
    else {
      isPlain = false
      keys.push(`${key}:d:${id}`)
      addPiece(pieces, text, number - 1)
      pieces.push(stored, number, 0)
      text = ''
    }
  }
  if (isPlain) {
    args.push(channel, number, text)
    return
  }
  addPiece(pieces, text, number)
  args.push(channel, 0, pieces.length / 3, ...pieces)
}

/** Adds messages in a row without an id, if there are some. */
function addPiece(pieces: (string | number)[], text: string, last: number): void {
  if (text === '') return
  const before = pieces.length === 0 ? 0 : (pieces.at(-2) as number)
  pieces.push(text, last, last - before)
}

/** Settles the messages of a topic by the line of the script's answer. */
function settle(messages: readonly Waiting[], tag: string, line: string): void {
  if (line.startsWith('!')) {
    for (const { reject } of messages) reject(new Error(`Redis has not stored the message: ${line.slice(1)}`))
    return
  }
  const [epochEnd, tab] = [line.indexOf(' '), line.indexOf('\t')]
  const epoch = line.slice(0, epochEnd)
  let offset = Number(line.slice(epochEnd + 1, line.indexOf(' ', epochEnd + 1)))
  const earlier = tab < 0 ? undefined : readEarlier(line.slice(tab + 1))
  let number = 0
  for (const { resolve } of messages) {
    number += 1
    const position = earlier?.get(number)
    if (position === undefined) offset += 1
    resolve(position ?? { epoch, offset, mark: `${tag}.${number}` })
  }
}

/** Reads the positions of the messages that were stored earlier, by their numbers. */
function readEarlier(text: string): ReadonlyMap<number, TopicPosition> {
  const earlier = new Map<number, TopicPosition>()
  for (const each of text.split('\t')) {
    const end = each.indexOf(' ')
    earlier.set(Number(each.slice(0, end)), positionOf(each.slice(end + 1)))
  }
  return earlier
}

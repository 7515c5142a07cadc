import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
} from '../../../twoway/dist/ports/broker/broker.js'
import type { TopicMessage } from '../../../twoway/dist/ports/broker/topic-position.js'
import type { Clock } from '../../../twoway/dist/ports/clock.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { MemoryBroker } from '../../../twoway/dist/topics/memory-broker.js'
import type { Chance } from './chance.js'

/** A message as the storage took it, in this life of the storage or an earlier one. */
export interface Stored {
  readonly topic: string
  readonly message: TopicMessage<BrokerContent>
  /** Which copy of the storage took it first. */
  readonly life: number
}

const history = { count: 60, bytes: 1 << 20, ageMs: 10 * 60_000 }
const dedupe = { count: 1000, ageMs: 120_000 }

/** The storage of a broker. It can be replaced by an older copy of itself, as after a restart from a snapshot. */
export class Storage {
  /** All messages that were ever stored, for the oracle. */
  readonly log: Stored[] = []
  life = 0
  broker: MemoryBroker
  readonly #clock: Clock
  readonly #chance: Chance
  /** The topics of the present life: the epoch and the messages in order of each. */
  #kept = new Map<string, { epoch: string; messages: Stored[] }>()
  /** Random bytes that are taken before others, so that a copy gets the epochs and marks of the original. */
  readonly #scripted: string[] = []
  /** The ids under which messages were published, by their marks. A copy of the storage knows them too. */
  readonly #ids = new Map<string, string>()
  readonly #ways = new Set<Way>()

  constructor(clock: Clock, chance: Chance) {
    this.#clock = clock
    this.#chance = chance
    this.broker = this.#make()
  }

  /** A node's way to the storage. */
  connect(): Way {
    const way = new Way(this, this.#clock, this.#chance)
    this.#ways.add(way)
    return way
  }

  disconnect(way: Way): void {
    this.#ways.delete(way)
  }

  noteOpened(topic: string, epoch: string): void {
    if (!this.#kept.has(topic)) this.#kept.set(topic, { epoch, messages: [] })
  }

  noteId(mark: string, id: string): void {
    this.#ids.set(mark, id)
  }

  noteStored(topic: string, message: TopicMessage<BrokerContent>): void {
    const { messages } = this.#kept.get(topic)!
    const isKnown = messages.at(-1) !== undefined && messages.at(-1)!.message.position.offset >= message.position.offset
    if (isKnown) return
    const stored = { topic, message, life: this.life }
    messages.push(stored)
    this.log.push(stored)
  }

  /** Whether a message is part of the present life. */
  keeps(topic: string, mark: string): boolean {
    return this.#kept.get(topic)?.messages.some(({ message }) => message.position.mark === mark) === true
  }

  /** The nodes lose their connection. The copy lacks the last messages of each topic. The others have the same positions. */
  async restoreOlder(): Promise<void> {
    this.life += 1
    for (const way of this.#ways) way.lose()
    const kept = this.#kept
    this.#kept = new Map()
    this.broker = this.#make()
    for (const [topic, { epoch, messages }] of kept) {
      const left = messages.slice(0, messages.length - this.#chance.below(6))
      this.#kept.set(topic, { epoch, messages: left })
      this.#scripted.push(epoch, ...left.map(({ message }) => message.position.mark))
      const opened = await this.broker.open(topic, { stored: () => undefined, volatile: () => undefined })
      for (const { message } of left) await opened.publish(message.content, this.#ids.get(message.position.mark))
      opened.leave()
      this.#scripted.length = 0
    }
    for (const way of this.#ways) {
      await way.reopen()
      way.return()
    }
  }

  #make(): MemoryBroker {
    const random = {
      maskingKey: () => this.#chance.below(2 ** 31),
      bytes: (length: number) => {
        const scripted = this.#scripted.shift()
        if (scripted !== undefined) return Uint8Array.from(Buffer.from(scripted, 'hex'))
        return Uint8Array.from({ length }, () => this.#chance.below(256))
      },
    }
    return new MemoryBroker({
      history,
      dedupe,
      maxTopics: 100,
      totalBytes: 1 << 26,
      clock: this.#clock,
      random,
      payload: webPayload,
    })
  }
}

interface Opened {
  readonly name: string
  readonly events: BrokerTopicEvents
  topic: ResumableTopic
}

/** A node's way to the storage: it takes time, loses events, and breaks. */
export class Way implements ResumableBroker {
  readonly delivery = 'resumable'
  /** The share of events that are lost on their way, in percent. */
  lossPercent = 0
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #opened = new Set<Opened>()
  #eventsUntil = 0
  #isCut = false
  /** How often the connection was lost. Neither events nor answers survive that. */
  #losses = 0

  constructor(storage: Storage, clock: Clock, chance: Chance) {
    this.#storage = storage
    this.#clock = clock
    this.#chance = chance
  }

  async open(name: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    await this.#pass()
    const opened: Opened = { name, events: this.#delayed(name, events), topic: undefined as never }
    opened.topic = await this.#storage.broker.open(name, opened.events)
    this.#storage.noteOpened(name, (await opened.topic.head()).epoch)
    this.#opened.add(opened)
    const ask = async <Answer>(question: () => Promise<Answer>): Promise<Answer> => {
      await this.#pass()
      const answer = await question()
      // The answer may be lost though the question has taken effect.
      await this.#pass()
      return answer
    }
    return {
      publish: (content, id) =>
        ask(async () => {
          const position = await opened.topic.publish(content, id)
          if (id !== undefined) this.#storage.noteId(position.mark, id)
          return position
        }),
      head: () => ask(() => opened.topic.head()),
      since: (position, most) => ask(() => opened.topic.since(position, most)),
      last: (most) => ask(() => opened.topic.last(most)),
      send: (content) => {
        if (!this.#isCut) opened.topic.send(content)
      },
      leave: () => {
        this.#opened.delete(opened)
        opened.topic.leave()
      },
    }
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    await this.#pass()
    return this.#storage.broker.watch(pattern, events)
  }

  /** The connection to the storage is lost, and the node notices. */
  lose(): void {
    if (this.#isCut) return
    this.#isCut = true
    this.#losses += 1
    for (const { events } of this.#opened) events.lost?.()
  }

  /** The connection is there again. */
  return(): void {
    if (!this.#isCut) return
    this.#isCut = false
    for (const { events } of this.#opened) events.returned?.()
  }

  /** The storage is another copy now. */
  async reopen(): Promise<void> {
    for (const opened of this.#opened) opened.topic = await this.#storage.broker.open(opened.name, opened.events)
  }

  /** The node is dead: nothing of it happens any more. */
  end(): void {
    this.#isCut = true
    this.#losses += 1
    for (const { topic } of this.#opened) topic.leave()
    this.#storage.disconnect(this)
  }

  /** Events arrive later, in order. */
  #delayed(name: string, events: BrokerTopicEvents): BrokerTopicEvents {
    const { stored, volatile } = events
    const later = (event: () => void): void => {
      const losses = this.#losses
      this.#eventsUntil = Math.max(this.#eventsUntil, this.#clock.now() + this.#chance.below(20))
      this.#clock.after(this.#eventsUntil - this.#clock.now(), () => {
        if (losses === this.#losses && this.#chance.below(100) >= this.lossPercent) event()
      })
    }
    return {
      ...events,
      stored: (message) => {
        this.#storage.noteStored(name, message)
        later(() => stored(message))
      },
      volatile: (content) => later(() => volatile(content)),
    }
  }

  async #pass(): Promise<void> {
    const losses = this.#losses
    await new Promise<void>((resolve) => this.#clock.after(this.#chance.below(10), resolve))
    if (this.#isCut || losses !== this.#losses) throw new Error('the broker is away')
  }
}

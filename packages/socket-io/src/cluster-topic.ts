import type { BrokerContent, ResumableBroker, ResumableTopic, TopicMessage, TopicPosition } from 'twoway/hub'
import type { Timer, Timers } from './clock.js'
import { decode, type Envelope } from './envelope.js'
import { MessageRing, type Positioned } from './message-ring.js'

/** A stored message of the cluster. */
export interface ClusterMessage extends Positioned {
  readonly content: BrokerContent
  /** Undefined for a message that no adapter has published. */
  readonly envelope: Envelope | undefined
}

/** The functions must not throw. */
export interface ClusterTopicEvents {
  /** Each stored message after the start, once and in order. */
  stored(message: ClusterMessage): void
  volatile(content: BrokerContent): void
  /** Stored messages are lost: the broker has them no more, or went back in time. */
  gap(): void
  /** The broker does not take the topic. The next attempt follows. */
  failed(error: unknown): void
}

export interface ClusterTopicSettings {
  readonly clock: Timers
  /** Messages and bytes that are kept for clients that come back. */
  readonly count: number
  readonly bytes: number
}

/** Messages that wait for missing ones. Later ones are read from the broker. */
const maxHeld = 10_000
const checkMs = 3000
/** Between two questions for clients that come back. */
const pauseMs = 50
const firstRetryMs = 200
const longestRetryMs = 5000

/**
 * The topic that all nodes of a Socket.IO cluster share for one namespace. It delivers every stored message once and in
 * order, reads missing ones, and keeps the newest.
 */
export class ClusterTopic {
  /** Resolves when the topic is open, or closed before that. */
  readonly opened: Promise<void>
  readonly #settings: ClusterTopicSettings
  readonly #events: ClusterTopicEvents
  readonly #ring: MessageRing<ClusterMessage>
  readonly #publishing = new Set<Promise<unknown>>()
  #topic: ResumableTopic | undefined
  /** Messages that came while the topic was opening, or while missing ones are read. Undefined if none must wait. */
  #held: ClusterMessage[] | undefined = []
  #reading: Promise<void> | undefined
  /** Our head at the last check, if it was not the broker's. */
  #suspected: TopicPosition | undefined
  /** The comparison that has not begun yet. */
  #comparing: Promise<void> | undefined
  /** Resolves when the next one may begin. */
  #compared: Promise<unknown> = Promise.resolve()
  #timer: Timer | undefined
  /** The last message for which missing ones were read. */
  #unfit: ClusterMessage | undefined
  #isClosed = false
  #wake = (): void => undefined

  constructor(broker: ResumableBroker, name: string, settings: ClusterTopicSettings, events: ClusterTopicEvents) {
    this.#settings = settings
    this.#events = events
    this.#ring = new MessageRing({ count: settings.count, bytes: settings.bytes })
    this.opened = this.#open(broker, name)
  }

  get head(): TopicPosition {
    return this.#ring.head
  }

  /** Stores a message, once the topic is open. */
  async publish(content: BrokerContent): Promise<TopicPosition> {
    const published = this.opened.then(() => {
      if (this.#topic === undefined) throw new Error('the adapter is closed')
      return this.#topic.publish(content)
    })
    this.#publishing.add(published)
    try {
      return await published
    } finally {
      this.#publishing.delete(published)
    }
  }

  /** Sends a message at most once. It is lost while the topic is not open. */
  send(content: BrokerContent): void {
    this.#topic?.send(content)
  }

  /**
   * Resolves when all messages have been delivered that were stored before the call. Rejects if the broker is away. All calls
   * of a moment share one question to the broker, so that it is asked a few times when many clients come back.
   */
  upToHead(): Promise<void> {
    this.#comparing ??= this.#compared.then(() => {
      this.#comparing = undefined
      const comparing = this.#compare()
      const pause = new Promise<void>((resolve) => void this.#settings.clock.after(pauseMs, resolve, false))
      this.#compared = Promise.allSettled([comparing, pause])
      return comparing
    })
    return this.#comparing
  }

  /** The messages after a position, if they are kept and proved to be whole. */
  since(offset: number, mark: string): readonly ClusterMessage[] | undefined {
    return this.#ring.since(offset, mark)
  }

  /** Leaves the topic when the publishes under way have ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#wake()
    await Promise.allSettled([this.opened, ...this.#publishing])
    this.#topic?.leave()
    this.#topic = undefined
  }

  async #open(broker: ResumableBroker, name: string): Promise<void> {
    for (let retryMs = firstRetryMs; !this.#isClosed; retryMs = Math.min(2 * retryMs, longestRetryMs)) {
      try {
        await this.#openOnce(broker, name)
        return
      } catch (error) {
        this.#held = []
        this.#events.failed(error)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          this.#timer = this.#settings.clock.after(retryMs, resolve)
        })
      }
    }
  }

  async #openOnce(broker: ResumableBroker, name: string): Promise<void> {
    const topic = await broker.open(name, {
      stored: (message) => this.#received(own(message)),
      volatile: (content) => {
        if (!this.#isClosed) this.#events.volatile(content)
      },
      returned: () => {
        if (this.#topic === undefined) return
        if (this.#held === undefined) void this.#missed([])
        else void this.#read()
      },
    })
    try {
      const { head, messages } = await topic.last(this.#settings.count)
      const owned = messages.map(own)
      this.#ring.reset(owned[0] === undefined ? head : before(owned[0]))
      for (const message of owned) this.#ring.add(message)
      // Messages that do not follow each other up to the head prove nothing.
      if (this.head.mark !== head.mark || this.head.epoch !== head.epoch) this.#ring.reset(head)
    } catch (error) {
      topic.leave()
      throw error
    }
    this.#topic = topic
    this.#release()
    this.#watch()
  }

  /** Compares the positions every few seconds, as a lost last message shows in no other way. */
  #watch(): void {
    if (this.#isClosed) return
    this.#timer = this.#settings.clock.after(checkMs, () => {
      void this.#check().finally(() => this.#watch())
    })
  }

  async #check(): Promise<void> {
    if (this.#held !== undefined) {
      await this.#read()
      return
    }
    const head = await this.#topic?.head().catch(() => undefined)
    if (head === undefined || this.#held !== undefined || this.#isClosed) return
    const ours = this.head
    if (isSame(head, ours)) this.#suspected = undefined
    else if (this.#suspected === ours) await this.#missed([])
    else this.#suspected = ours
  }

  async #compare(): Promise<void> {
    await this.opened
    if (this.#topic === undefined) throw new Error('the adapter is closed')
    const head = await this.#topic.head()
    if (this.#has(head)) return
    if (this.#held === undefined) await this.#missed([])
    else await this.#read()
    if (!this.#has(head)) throw new Error('the broker does not answer')
  }

  #has({ epoch, offset, mark }: TopicPosition): boolean {
    const ours = this.head
    return epoch === ours.epoch && (offset < ours.offset || (offset === ours.offset && mark === ours.mark))
  }

  #received(message: ClusterMessage): void {
    if (this.#isClosed) return
    if (this.#held === undefined) {
      const added = this.#ring.add(message)
      if (added === 'next') this.#events.stored(message)
      else if (added === 'gap') void this.#missed([message])
    } else if (this.#held.length < maxHeld) this.#held.push(message)
  }

  /** Messages after the head are missing. Later ones wait until they have been read. */
  #missed(held: ClusterMessage[]): Promise<void> {
    this.#held = held
    return this.#read()
  }

  /** Reads the messages after the head. After a failure, the next check reads again. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce()
      .catch(() => undefined)
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    const answer = await this.#topic?.since(this.head, Number.MAX_SAFE_INTEGER)
    if (answer === undefined || this.#isClosed) return
    if (answer.recovered) {
      for (const message of answer.messages) {
        const owned = own(message)
        if (this.#ring.add(owned) === 'next') this.#events.stored(owned)
      }
    } else {
      this.#ring.reset(answer.head)
      this.#events.gap()
    }
    this.#release()
  }

  /** Delivers the messages that waited. */
  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    this.#suspected = undefined
    for (const [index, message] of held.entries()) {
      const added = this.#ring.add(message)
      if (added === 'next') this.#events.stored(message)
      if (added !== 'gap' || message === this.#unfit) continue
      this.#unfit = message
      void this.#missed(held.slice(index))
      return
    }
  }
}

function own({ position, previousMark, content }: TopicMessage<BrokerContent>): ClusterMessage {
  return { position, previousMark, bytes: content.length, content, envelope: decode(content) }
}

function before({ position, previousMark }: ClusterMessage): TopicPosition {
  return { epoch: position.epoch, offset: position.offset - 1, mark: previousMark }
}

function isSame(one: TopicPosition, other: TopicPosition): boolean {
  return one.epoch === other.epoch && one.offset === other.offset && one.mark === other.mark
}

import type { BrokerContent, ResumableBroker, ResumableTopic } from '../../ports/broker/broker.js'
import type { Resumed, ResumeFailure, TopicMessage, TopicPosition } from '../../ports/broker/topic-position.js'
import type { HistoryBudget } from '../../topics/history-budget.js'
import { NodeRing } from '../../topics/node-ring.js'
import type { HubCounts } from '../hub-counts.js'
import { HubMessage, malformed, type ReadContent } from './hub-message.js'
import type { PatternRule } from './topic-rules.js'

/** A receiver of the messages of a topic. The functions must not throw. */
export interface TopicListener {
  stored(message: HubMessage): void
  volatile(topic: string, content: BrokerContent): void
  /** Messages are missing, and the topic goes on after `head`. */
  gap(topic: string, reason: ResumeFailure, head: TopicPosition): void
}

/** The answer to a client that comes back: all messages after a position, or the reason why they are not whole. */
export type Resumption =
  | { readonly recovered: true; readonly head: TopicPosition; readonly messages: readonly HubMessage[] }
  | { readonly recovered: false; readonly head: TopicPosition; readonly reason: ResumeFailure }

export interface TopicSettings {
  readonly ringCount: number
  readonly ringBytes: number
  /** The longest history that one client is sent. */
  readonly historyCount: number
  readonly counts: HubCounts
  /** Of the rings of all topics. */
  readonly budget: HistoryBudget
  readonly read: ReadContent
}

/** Gets an Error if the broker does not answer, or if its answer does not join the messages of this process. */
type Answered = (resumption: Resumption | Error) => void

/** A busy topic may get more messages than its ring keeps while the broker answers. */
const mostQuestions = 3

/**
 * A topic that this process has open at the broker, for all of its clients. It checks that each message follows its
 * predecessor, reads missing messages before it delivers later ones, and answers clients that come back from a ring.
 *
 * Callbacks instead of promises: no message may come between an answer and the client's place among the listeners.
 */
export class HubTopic {
  readonly name: string
  readonly rule: PatternRule
  readonly listeners = new Set<TopicListener>()
  /** Resolves when the topic can be used; rejects if the broker does not take it. */
  readonly opened: Promise<void>
  /** Publishes of the server that wait for `opened`. */
  waiting = 0
  /** Uses under way that need the topic open. */
  uses = 0
  /** Whether the broker has said that it is away. */
  isAway = false
  readonly #settings: TopicSettings
  readonly #ring: NodeRing<HubMessage>
  #topic: ResumableTopic | undefined
  /** Messages that came while the topic was opening, or while missing ones are read. Undefined where none must wait. */
  #held: HubMessage[] | undefined = []
  /** The clients that wait for the broker's answer about a position. */
  readonly #asked = new Map<string, Answered[]>()
  /** A read of the messages after our head, which all clients share that have more messages than this process. */
  #catchingUp: Promise<void> | undefined
  /** Our head at the last check, if it was not the broker's. */
  #suspected: TopicPosition | undefined
  /** The last message for which missing ones were read. */
  #unfit: HubMessage | undefined
  #isLeft = false

  constructor(name: string, rule: PatternRule, broker: ResumableBroker, settings: TopicSettings) {
    this.name = name
    this.rule = rule
    this.#settings = settings
    this.#ring = new NodeRing(
      { epoch: '', offset: 0, mark: '' },
      { count: settings.ringCount, bytes: settings.ringBytes },
      settings.budget,
    )
    this.opened = this.#open(broker)
  }

  get isOpen(): boolean {
    return this.#topic !== undefined
  }

  /** Whether a publish may go on within the call: those that have waited for `opened` come first. */
  get isReady(): boolean {
    return this.#topic !== undefined && this.waiting === 0
  }

  get head(): TopicPosition {
    return this.#ring.head
  }

  /** Stores a message. The topic must be open. */
  publish(content: BrokerContent, key: string | undefined): Promise<TopicPosition> {
    return this.#topic!.publish(content, key)
  }

  /** Sends a message without storing it. The topic must be open. */
  send(content: BrokerContent): void {
    this.#topic!.send(content)
  }

  /**
   * Answers a client that has all messages up to a position: at once, or when the broker has been asked.
   * @param questions to the broker, until its answer joins the messages of this process
   */
  resume(position: TopicPosition, answered: Answered, questions = mostQuestions): void {
    const known = this.#ring.since(position)
    if (typeof known !== 'string') answered({ recovered: true, head: this.head, messages: known })
    else if (questions > 0) void this.#ask(position, answered, questions)
    else answered(new Error('the topic has more messages than this process keeps while the broker answers'))
  }

  /** Gives the newest messages, from the ring if it has as many. */
  last(most: number, answered: (messages: readonly HubMessage[]) => void, failed: (error: unknown) => void): void {
    const count = Math.min(most, this.#settings.historyCount)
    const known = this.#ring.last(count)
    const first = known[0]?.position.offset ?? this.head.offset + 1
    if (known.length === count || first === 1) {
      answered(known)
      return
    }
    this.#settings.counts.brokerReads += 1
    this.#topic!.last(count).then(({ messages }) => {
      answered(this.#upToHead(messages.map((message) => this.#own(message))).slice(-count))
    }, failed)
  }

  /**
   * Compares the broker's head with ours. If they differ, and ours is the same at the next check, messages were lost on
   * their way, or the broker went back in time. Called every few seconds.
   */
  async check(): Promise<void> {
    if (this.#topic === undefined) return
    if (this.#held !== undefined) {
      this.#fill()
      return
    }
    const head = await this.#topic.head().catch(() => undefined)
    if (head === undefined || this.#held !== undefined || this.#isLeft) return
    const ours = this.head
    const isSame = head.epoch === ours.epoch && head.offset === ours.offset && head.mark === ours.mark
    if (isSame) this.#suspected = undefined
    else if (this.#suspected === ours) this.#missed([])
    else this.#suspected = ours
  }

  leave(): void {
    this.#isLeft = true
    this.#topic?.leave()
    this.#ring.reset(this.head)
  }

  async #open(broker: ResumableBroker): Promise<void> {
    const topic = await broker.open(this.name, {
      stored: (message) => this.#received(this.#own(message)),
      volatile: (received) => {
        const content = this.#settings.read(this.name, received)
        if (content !== undefined) this.deliverVolatile(content)
      },
      lost: () => {
        this.isAway = true
      },
      returned: () => this.#returned(),
    })
    this.#settings.counts.brokerReads += 1
    const { head, messages } = await topic.last(this.#settings.ringCount).catch((error: unknown) => {
      topic.leave()
      throw error
    })
    this.#topic = topic
    if (this.#isLeft) topic.leave()
    const owned = messages.map((message) => this.#own(message))
    this.#ring.reset(owned[0]?.before ?? head)
    for (const message of owned) this.#ring.add(message)
    // A message that is no successor of the one before it, or not the head, proves nothing.
    if (this.head.mark !== head.mark || this.head.epoch !== head.epoch) this.#ring.reset(head)
    this.#release()
  }

  #received(message: HubMessage): void {
    if (this.#held === undefined) this.#accept(message)
    // A message that does not fit is found missing when the rest is released.
    else if (this.#held.length < this.#settings.ringCount) this.#held.push(message)
  }

  /**
   * Messages may be missing. Later ones wait until they have been read. Those that wait already are read too, unless the broker came
   * back without them.
   */
  #returned(): void {
    this.isAway = false
    if (this.#isLeft) return
    this.#held = []
    if (this.#topic !== undefined) this.#fill(true)
  }

  /** Delivers a message that follows the head. */
  #accept(message: HubMessage): void {
    const added = this.#ring.add(message)
    if (added === 'next') this.#deliver(message)
    else if (added === 'gap') this.#missed([message])
  }

  #deliver(message: HubMessage): void {
    const { counts } = this.#settings
    const { channels } = counts
    const tell = (): void => {
      for (const listener of this.listeners) listener.stored(message)
    }
    const { position, content } = message
    if (content === undefined) counts.gapTold(this.name, malformed)
    if (content !== undefined && channels.tracesDelivery(this.listeners)) {
      channels.deliver(this.name, position, content, tell)
    } else tell()
  }

  deliverVolatile(content: BrokerContent): void {
    const { channels } = this.#settings.counts
    const tell = (): void => {
      for (const listener of this.listeners) listener.volatile(this.name, content)
    }
    if (channels.tracesDelivery(this.listeners)) channels.deliver(this.name, undefined, content, tell)
    else tell()
  }

  /** Messages after the head are missing. Later ones wait until they have been read. */
  #missed(held: HubMessage[]): void {
    this.#settings.counts.gapFound(this.name)
    this.#held = held
    this.#fill()
  }

  /** @param isReturn whether the messages are a gap that has not been counted */
  #fill(isReturn = false): void {
    const { counts, historyCount } = this.#settings
    counts.brokerReads += 1
    const from = this.head
    this.#topic!.since(from, historyCount).then(
      (answer) => {
        if (this.#isLeft || this.#held === undefined) return
        if (answer.recovered && answer.messages.length > 0) {
          if (isReturn) counts.gapFound(this.name)
          counts.gapFilled(this.name)
        }
        this.#take(answer, from)
        this.#release()
      },
      // The next check tries again.
      () => undefined,
    )
  }

  /** Delivers the messages that waited. */
  #release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const [index, message] of held.entries()) {
      const added = this.#ring.add(message)
      if (added === 'next') this.#deliver(message)
      // A message that does not fit after a read either belongs to another life of the topic. The next check finds the gap.
      if (added !== 'gap' || message === this.#unfit) continue
      this.#unfit = message
      this.#missed(held.slice(index))
      return
    }
  }

  /**
   * Asks the broker about a position. If the client has more messages than this process, this process gets them before the client is
   * answered: if the broker lost them later, this process would notice no loss, and tell the client of none.
   */
  async #ask(position: TopicPosition, answered: Answered, questions: number): Promise<void> {
    const key = JSON.stringify(position)
    const asked = this.#asked.get(key)
    if (asked !== undefined) {
      asked.push(answered)
      return
    }
    const waiting = [answered]
    this.#asked.set(key, waiting)
    const isAhead = position.epoch === this.head.epoch && position.offset > this.head.offset
    const answer = await this.#read(position, isAhead || questions < mostQuestions).catch(
      (error: unknown) => new Error('the broker does not answer', { cause: error }),
    )
    // From here on, no message may come before the clients have their answer.
    this.#asked.delete(key)
    const joined = answer !== undefined && 'recovered' in answer ? this.#joined(position, answer) : answer
    for (const each of waiting) {
      if (joined === undefined) this.resume(position, each, questions - 1)
      else each(joined)
    }
  }

  /**
   * Reads the messages after a position from the broker. Resolves to undefined if our own messages are an answer meanwhile.
   * @param isBehind whether this process must first read the messages after its head
   */
  async #read(position: TopicPosition, isBehind: boolean): Promise<Resumed<BrokerContent> | undefined> {
    if (isBehind) {
      this.#catchingUp ??= this.#catchUp().finally(() => {
        this.#catchingUp = undefined
      })
      await this.#catchingUp
      if (typeof this.#ring.since(position) !== 'string') return undefined
    }
    const { counts, historyCount } = this.#settings
    counts.brokerReads += 1
    return this.#topic!.since(position, historyCount)
  }

  /** The broker's answer, continued by our messages. Undefined if these do not follow it, as they are of another time. */
  #joined(position: TopicPosition, answer: Resumed<BrokerContent>): Resumption | undefined {
    const { head } = this
    if (!answer.recovered) return { recovered: false, head, reason: answer.reason }
    const owned = answer.messages.map((message) => this.#own(message))
    const messages = this.#upToHead(owned, position)
    const last = messages.at(-1)?.position ?? position
    return last.epoch === head.epoch && last.mark === head.mark ? { recovered: true, head, messages } : undefined
  }

  /** Reads the messages after our head. Rejects if they are too many. */
  async #catchUp(): Promise<void> {
    const { counts, historyCount } = this.#settings
    counts.brokerReads += 1
    const from = this.head
    const answer = await this.#topic!.since(from, historyCount)
    if (this.#isLeft) return
    // Messages that are too many to be read, or gone already, may still be on their way to the listeners.
    if (!answer.recovered && (answer.reason === 'limit' || answer.reason === 'expired')) {
      throw new Error(`this process lacks more messages of the topic than it can read: ${answer.reason}`)
    }
    this.#take(answer, from)
  }

  /** Takes the broker's answer about a head of ours: delivers the messages after it, or tells that they are missing. */
  #take(answer: Resumed<BrokerContent>, from: TopicPosition): void {
    if (answer.recovered) {
      for (const message of answer.messages) {
        const owned = this.#own(message)
        if (this.#ring.add(owned) === 'next') this.#deliver(owned)
      }
      return
    }
    // Another answer has moved the head meanwhile.
    if (this.head !== from) return
    this.#ring.reset(answer.head)
    this.#settings.counts.gapTold(this.name, answer.reason)
    for (const listener of this.listeners) listener.gap(this.name, answer.reason, answer.head)
  }

  /**
   * Messages of an answer, cut off behind our head, or continued up to it. Messages may have come since the broker answered.
   * @param after the position that the messages follow
   */
  #upToHead(messages: readonly HubMessage[], after?: TopicPosition): readonly HubMessage[] {
    const { head } = this
    const received = messages.filter(({ position }) => position.epoch === head.epoch && position.offset <= head.offset)
    const last = received.at(-1)?.position ?? after
    const later = last === undefined ? [] : this.#ring.since(last)
    return typeof later === 'string' ? received : [...received, ...later]
  }

  #own(message: TopicMessage<BrokerContent>): HubMessage {
    return new HubMessage(this.name, message, this.#settings.read)
  }
}

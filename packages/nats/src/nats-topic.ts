import { setTimeout as sleep } from 'node:timers/promises'
import type { Msg } from '@nats-io/nats-core'
import type {
  BrokerContent,
  BrokerTopicEvents,
  ResumableTopic,
  Resumed,
  ResumeFailure,
  TopicHistory,
  TopicMessage,
  TopicPosition,
} from 'twoway/hub'
import type { Backlog } from './backlog.js'
import type { Inbox } from './connection/inbox.js'
import type { LastingConnection } from './connection/lasting-connection.js'
import { guarded, subscribe } from './connection/subscribe.js'
import { Publisher } from './publisher.js'
import type { SendWindow } from './send-window.js'
import { isWhole, messagesAfter, messagesOf, validAfter, withoutVoidStart } from './stream/chain.js'
import {
  decode,
  type Entry,
  encode,
  type Head,
  type LiveEntry,
  readLiveEntry,
  sequenceBefore,
  sequenceOf,
} from './stream/envelope.js'
import { LiveOrder } from './stream/live-order.js'
import { startOfNewest } from './stream/newest-start.js'
import type { Stream, StreamSettings } from './stream/stream.js'

/** The parts of a broker that its topics share. */
export interface NatsNode {
  readonly connection: LastingConnection
  readonly stream: Stream
  readonly settings: StreamSettings
  readonly backlog: Backlog
  readonly window: SendWindow
  readonly inbox: Inbox
  /** Gets errors that no call rejects with. */
  readonly report: (error: unknown) => void
}

/** The time in which RePublish usually tells a node of its own message. */
const toldWithinMs = 200
/**
 * The time in which a new leader has what the cluster has confirmed. Before nats-server 2.11 it answers earlier, as if the stream
 * came from an older copy: see its pull request 6485.
 */
const electedMs = 250
/** Entries of a topic in a cluster whose predecessors are remembered. */
const rememberedEntries = 1000

/** Messages that are read one by one in any stream, and at most: each is a question that waits for the one before it. */
const fewSteps = 16
const mostSteps = 256
/** Messages of other topics that a consumer skips in the time in which one is read by its number. */
const skippedPerRead = 256

/** A topic that a node has open on the stream of its broker. */
export class NatsTopic implements ResumableTopic {
  readonly #connection: LastingConnection
  readonly #stream: Stream
  readonly #settings: StreamSettings
  readonly #report: (error: unknown) => void
  readonly #topic: string
  readonly #subject: string
  readonly #events: BrokerTopicEvents
  /** Ends the subscriptions; undefined before they begin and after they ended. */
  #end: (() => void) | undefined
  readonly #publisher: Publisher
  /** In a cluster: the predecessors of the newest entries, by their sequence numbers, and the publishes that wait for them. */
  readonly #previous = new Map<number, number>()
  readonly #awaited = new Map<number, (previous: number) => void>()
  readonly #order = new LiveOrder((entry) => this.#deliver(entry))
  /** The newest message at the time of `open`: those up to it are not delivered, also when RePublish sends them later. */
  #opened: Head | undefined
  /** The server and the connection at the time of `open`. */
  #openedOn = ''

  constructor(node: NatsNode, topic: string, events: BrokerTopicEvents) {
    const { connection, stream, settings, backlog, window, inbox, report } = node
    this.#connection = connection
    this.#stream = stream
    this.#settings = settings
    this.#report = report
    this.#topic = topic
    this.#subject = stream.subjectOf(topic)
    this.#events = events
    this.#publisher = new Publisher({
      stream: settings.stream,
      subject: this.#subject,
      timeoutMs: settings.timeoutMs,
      backlog,
      window,
      tail: stream.tail,
      request: (subject, data, options) => inbox.request(subject, data, options),
      readHead: (until) => this.#readHead(until),
      isReplicated: () => stream.isReplicated,
      follows: (sequence, previous, until) => this.#follows(sequence, previous, until),
      validPositionsAt: (sequence, until) => this.#validPositionsAt(sequence, until),
    })
  }

  async start(): Promise<void> {
    let early: LiveEntry[] | undefined = []
    const callbacks = {
      [this.#stream.liveSubjectOf(this.#topic)]: (message: Msg) => {
        const entry = readLiveEntry(message)
        if (!entry) return
        if (early) early.push(entry)
        else this.#order.arrived(entry)
      },
      [`${this.#settings.prefix}.v.${this.#topic}`]: (message: Msg) => {
        const content = decode(message.data)
        if (content !== undefined) this.#events.volatile(content)
      },
    }
    const endListening = await subscribe(this.#connection.connection, callbacks, this.#report)
    const endReturns = this.#connection.listen({
      lost: () => {
        // An older copy of the stream may come back without them.
        early?.splice(0)
        this.#order.lost()
        this.#publisher.forget()
        this.#previous.clear()
        this.#events.lost?.()
      },
      returned: () => this.#events.returned?.(),
    })
    this.#end = () => {
      endListening()
      endReturns()
    }
    try {
      this.#openedOn = this.#linkName()
      this.#opened = await this.#readHead()
    } catch (error) {
      this.leave()
      throw error
    }
    const entries = early
    early = undefined
    this.#order.startAfter(this.#opened.sequence)
    for (const entry of entries) this.#order.arrived(entry)
  }

  publish(content: BrokerContent, id?: string): Promise<TopicPosition> {
    return this.#publisher.publish(content, id)
  }

  async head(): Promise<TopicPosition> {
    return (await this.#readHead()).position
  }

  async since(position: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
    const answer = await this.#since(position, most)
    if (answer.recovered || answer.reason !== 'rewound' || !this.#stream.isReplicated) return answer
    await sleep(electedMs)
    return this.#since(position, most)
  }

  async #since(position: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
    const { sequence, position: head } = await this.#readHead()
    const refuse = (reason: ResumeFailure): Resumed<BrokerContent> => ({ recovered: false, head, reason })
    const { epoch, offset, mark } = position
    if (epoch !== head.epoch) return refuse('unknown-epoch')
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > head.offset) return refuse('rewound')
    // No mark shows that this is the beginning of the same topic: its messages may have been removed, and counted anew.
    if (offset === 0 && mark === '' && (await this.#stream.mayHaveEmptied())) return refuse('expired')
    if (offset === head.offset) {
      return mark === head.mark ? { recovered: true, head, messages: [] } : refuse('rewound')
    }
    const from = offset === 0 ? 0 : sequenceBefore(mark)
    if (from === undefined || from >= sequence || (offset === 0 && mark !== '')) return refuse('rewound')
    const missing = head.offset - offset
    if (missing > this.#settings.historyCount) return refuse('expired')
    // A wrong mark is told before a limit, as the limit says that the position itself is good.
    const read = await this.#newest({ sequence, position: head }, missing, from)
    const messages = messagesAfter(position, read)
    // A history that reaches back to the position has another message there.
    if (messages === undefined)
      return refuse(read.some((each) => each.position.offset <= offset + 1) ? 'rewound' : 'expired')
    if (!isWhole(messages, head)) return refuse('expired')
    if (missing > most) return refuse('limit')
    return { recovered: true, head, messages }
  }

  async last(most: number): Promise<TopicHistory<BrokerContent>> {
    const { sequence, position: head } = await this.#readHead()
    if (most < 1 || sequence === 0) return { head, messages: [] }
    const count = Math.min(most, this.#settings.historyCount)
    const messages = await this.#newest({ sequence, position: head }, Math.min(count, head.offset), 0)
    return { head, messages: withoutVoidStart(messages).slice(-count) }
  }

  send(content: BrokerContent): void {
    // The client would keep the message until it is there again.
    if (this.#connection.isAway) return
    try {
      this.#connection.connection.publish(`${this.#settings.prefix}.v.${this.#topic}`, encode(content))
    } catch {
      // A closed connection sends nothing, and a volatile message may be lost.
    }
  }

  leave(): void {
    this.#end?.()
    this.#end = undefined
    this.#order.end()
  }

  #deliver(entry: LiveEntry): void {
    if (this.#end === undefined) return
    const { sequence, previous, messages } = entry
    if (this.#stream.isReplicated) {
      this.#awaited.get(sequence)?.(previous)
      this.#previous.set(sequence, previous)
      if (this.#previous.size > rememberedEntries) this.#previous.delete(this.#previous.keys().next().value!)
    }
    const isVoid = this.#stream.isVoid(entry)
    this.#publisher.learn(sequence, previous, isVoid ? undefined : messages.at(-1)?.position)
    if (messages.length === 0) this.#reportForeign(sequence)
    if (isVoid || this.#isBeforeOpen(entry)) return
    for (const message of messages) {
      // An event may have left the topic.
      if (this.#end !== undefined) this.#events.stored(message)
    }
  }

  #reportForeign(sequence: number): void {
    const { stream } = this.#settings
    guarded(this.#report, () => {
      throw new Error(
        `message ${sequence} of the stream ${stream} is none of a hub: another program has published to "${this.#subject}"`,
      )
    })
  }

  /** A stream that was made again, or restored from an older snapshot, gives out numbers again: those messages are new. */
  #isBeforeOpen({ sequence, messages }: Entry): boolean {
    const opened = this.#opened
    if (opened === undefined || sequence > opened.sequence) return false
    return messages[0]?.position.epoch === opened.position.epoch && this.#openedOn === this.#linkName()
  }

  #linkName(): string {
    const { server_id, client_id } = this.#connection.connection.info ?? {}
    return `${server_id} ${client_id}`
  }

  /**
   * At least the newest messages of this number, as far as they are there; all behind a sequence number where that is cheaper. A
   * consumer costs the server time for itself, and for each message of other topics that it skips. A few messages are read one by
   * one, from each to the predecessor that it names.
   */
  async #newest(head: Head, count: number, after: number): Promise<TopicMessage<BrokerContent>[]> {
    const isSparse = head.sequence - after > skippedPerRead * count
    if (count > mostSteps || !(count <= fewSteps || isSparse)) {
      const next = (sequence: number): Promise<Entry | undefined> => this.#stream.next(this.#subject, sequence)
      const start = after > 0 ? after : await startOfNewest(head, count, next)
      const entries = await this.#stream.between(this.#subject, start + 1, head.sequence)
      const { isReplicated } = this.#stream
      const messages = messagesOf(entries, isReplicated)
      // A replica may have drifted from the leader, which answers below: see nats-server's pull request 4365.
      if (!isReplicated || messages.at(-1)?.position.mark === head.position.mark) return messages
    }
    const messages: TopicMessage<BrokerContent>[] = []
    for (let { mark } = head.position; messages.length < count; ) {
      const sequence = sequenceOf(mark)
      const found = sequence === undefined ? [] : ((await this.#stream.at(sequence))?.messages ?? [])
      if (found.at(-1)?.position.mark !== mark) break
      messages.unshift(...found)
      mark = found[0]!.previousMark
    }
    return messages
  }

  async #readHead(until = performance.now() + this.#settings.timeoutMs): Promise<Head> {
    const entry = await this.#stream.newest(this.#subject, until)
    if (entry === undefined) {
      return { sequence: 0, position: { epoch: await this.#stream.epoch(until), offset: 0, mark: '' } }
    }
    const { sequence, expected, messages } = entry
    const [oldest, position] = [messages[0], messages.at(-1)?.position]
    if (oldest === undefined || position === undefined) return this.#headBefore(sequence, until)
    if (!this.#stream.isReplicated || this.#previous.get(sequence) === expected) return { sequence, position }
    const [first, ...rest] = await this.#entriesBehind(expected, sequence, until)
    if (first === undefined || first.sequence === sequence) return { sequence, position }
    // The newest entry is void. Its publisher knew the head before it; the valid entries since then follow.
    const before = { ...position, offset: oldest.position.offset - 1, mark: oldest.previousMark }
    const since = [...(first.expected === expected ? [first] : []), ...validAfter(first, rest)]
    return { sequence, position: since.flatMap(({ messages }) => messages).at(-1)?.position ?? before }
  }

  /** The few entries behind one up to another, as the leader has them. */
  async #entriesBehind(previous: number, last: number, until: number): Promise<Entry[]> {
    const entries: Entry[] = []
    for (let at = previous; at < last; ) {
      const entry = await this.#stream.next(this.#subject, at + 1, until)
      if (entry === undefined) break
      entries.push(entry)
      at = entry.sequence
    }
    return entries
  }

  /** The head of a topic whose newest entry is the message of another program. */
  async #headBefore(sequence: number, until: number): Promise<Head> {
    const entries = await this.#stream.between(this.#subject, 1, sequence, until)
    const position = messagesOf(entries, this.#stream.isReplicated).at(-1)?.position
    // Messages of the topic may have been removed for those of the other program: this is another life of it.
    return {
      sequence,
      position: position ?? { epoch: `${await this.#stream.epoch(until)}.${sequence}`, offset: 0, mark: '' },
    }
  }

  /** The positions of the messages of an entry; empty if it is void. */
  async #validPositionsAt(sequence: number, until: number): Promise<readonly TopicPosition[]> {
    const entry = await this.#stream.at(sequence, until)
    if (entry === undefined) throw new Error('the message was stored before, and is no longer in the history')
    const isValid = await this.#follows(sequence, entry.expected, until)
    return isValid ? entry.messages.map(({ position }) => position) : []
  }

  /** Whether an entry is the next one of its topic after another one, 0 for none. If not, it is void. */
  async #follows(sequence: number, previous: number, until: number): Promise<boolean> {
    if (!this.#stream.isReplicated) return true
    const told = this.#previous.get(sequence) ?? (await this.#toldPrevious(sequence, until))
    if (told !== undefined) return told === previous
    const first = await this.#stream.next(this.#subject, previous + 1, until)
    return first?.sequence === sequence
  }

  /** Waits a moment for RePublish to tell the predecessor of an entry. */
  #toldPrevious(sequence: number, until: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const end = (previous: number | undefined): void => {
        clearTimeout(timer)
        this.#awaited.delete(sequence)
        resolve(previous)
      }
      const timer = setTimeout(() => end(undefined), Math.min(toldWithinMs, until - performance.now()))
      this.#awaited.set(sequence, end)
    })
  }
}

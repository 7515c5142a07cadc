import type { Msg, NatsConnection } from '@nats-io/nats-core'
import type {
  BrokerContent,
  BrokerPatternEvents,
  BrokerTopicEvents,
  ResumableBroker,
  ResumableTopic,
  Resumed,
  ResumeFailure,
  TopicHistory,
  TopicMessage,
  TopicPosition,
} from 'twoway/hub'
import { Backlog } from './backlog.js'
import { decode, type Entry, encode, type Head, type LiveEntry, readEntry, sequenceOf } from './envelope.js'
import { Inbox } from './inbox.js'
import { LastingConnection } from './lasting-connection.js'
import { Publisher } from './publisher.js'
import { fieldsOf, Stream, type StreamSettings } from './stream.js'
import { subjectOf, topicOf } from './subject.js'

export interface NatsBrokerOptions {
  /** A connection of `@nats-io/transport-node`, or of another transport of NATS. It must connect again after a loss. */
  readonly connection: NatsConnection
  /**
   * The name of the stream. The broker makes the stream if it is missing.
   * @default 'twoway'
   */
  readonly stream?: string | undefined
  /**
   * Put before all subjects, with a dot, so that several services can share a server. Each prefix takes a stream of its own.
   * @default 'twoway'
   */
  readonly prefix?: string | undefined
  /**
   * Messages of a topic that are kept. Older ones are removed.
   * @default 1_000
   */
  readonly historyCount?: number | undefined
  /**
   * Milliseconds for which the key of a publish is known.
   * @default 120_000
   */
  readonly dedupeMs?: number | undefined
  /**
   * Where the server stores the stream: with 'memory', a restart of the server loses it.
   * @default 'file'
   */
  readonly storage?: 'file' | 'memory' | undefined
  /**
   * Servers of a cluster that store the stream: 3 survive the loss of one.
   * @default 1
   */
  readonly replicas?: number | undefined
  /**
   * Bytes of the stream. At the limit the oldest messages of all topics are removed. At the limit of the account, publishes are
   * refused.
   * @default -1 (the limit of the account)
   */
  readonly maxBytes?: number | undefined
  /**
   * Milliseconds that the server may take for an answer. Then a publish rejects; it may have been stored.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined
}

/** A broker on nats-server 2.9 or later with JetStream. The connection stays yours: close it after the hub. */
export interface NatsBroker extends ResumableBroker {}

/**
 * Topics on one stream of JetStream. A message carries its epoch, offset, tag and the mark of its predecessor. JetStream stores
 * it only if the predecessor is still the newest of its subject, so that offsets have no holes, whichever node publishes.
 * RePublish delivers what is stored. The settings for the stream have an effect only when the broker makes it.
 */
export function natsBroker(options: NatsBrokerOptions): NatsBroker {
  const {
    connection,
    stream = 'twoway',
    prefix = 'twoway',
    historyCount = 1000,
    dedupeMs = 120_000,
    storage = 'file',
    replicas = 1,
    maxBytes = -1,
    timeoutMs = 5000,
  } = options
  if (typeof connection?.request !== 'function') throw new TypeError('connection must be a connection to NATS')
  for (const [name, value] of Object.entries({ historyCount, dedupeMs, replicas, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw new TypeError(`${name} must be a whole number above 0, not ${value}`)
  }
  if (!/^[^\s\p{Cc}.*>/\\]+$/u.test(stream))
    throw new TypeError('stream must be a name without dots, spaces and wildcards')
  if (!/^[^\s\p{Cc}.*>]+(\.[^\s\p{Cc}.*>]+)*$/u.test(prefix))
    throw new TypeError('prefix must be a subject without wildcards')
  return new Broker(connection, { stream, prefix, historyCount, dedupeMs, storage, replicas, maxBytes, timeoutMs })
}

class Broker implements NatsBroker {
  readonly delivery = 'resumable'
  readonly #connection: LastingConnection
  readonly #settings: StreamSettings
  readonly #stream: Stream
  readonly #backlog = new Backlog()
  readonly #inbox: Inbox
  #prepared: Promise<void> | undefined

  constructor(connection: NatsConnection, settings: StreamSettings) {
    this.#connection = new LastingConnection(connection)
    this.#settings = settings
    this.#stream = new Stream(this.#connection, settings)
    this.#inbox = new Inbox(this.#connection)
  }

  async open(topic: string, events: BrokerTopicEvents): Promise<ResumableTopic> {
    await this.#prepare()
    const opened = new Topic(
      this.#connection,
      this.#stream,
      this.#settings,
      this.#backlog,
      this.#inbox,
      subjectOf(topic),
      events,
    )
    await opened.start()
    return opened
  }

  async watch(pattern: string, events: BrokerPatternEvents): Promise<() => void> {
    await this.#prepare()
    const subject = subjectOf(pattern)
    const { prefix } = this.#settings
    const nameOf = (message: Msg): string => topicOf(message.subject.slice(prefix.length + '.l.'.length))
    return await listen(this.#connection.connection, {
      [this.#stream.liveSubjectOf(subject)]: (message) => {
        const entry = liveEntryOf(message)
        if (entry && !this.#stream.isVoid(entry)) events.stored(nameOf(message), entry.message)
      },
      [`${prefix}.v.${subject}`]: (message) => {
        const content = decode(message.data)
        if (content !== undefined) events.volatile(nameOf(message), content)
      },
    })
  }

  /** Makes the stream once; after a failure, the next call tries again. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.#stream.prepare().catch((error) => {
      this.#prepared = undefined
      throw error
    })
    return this.#prepared
  }
}

/** The time in which RePublish usually tells a node of its own message. */
const toldWithinMs = 200
/** The time in which an entry may overtake the one before it. */
const overtakenMs = 50
/** Entries of a topic in a cluster whose predecessors are remembered. */
const rememberedEntries = 1000

class Topic implements ResumableTopic {
  readonly #connection: LastingConnection
  readonly #stream: Stream
  readonly #settings: StreamSettings
  readonly #backlog: Backlog
  readonly #topic: string
  readonly #subject: string
  readonly #events: BrokerTopicEvents
  /** Ends the subscriptions; undefined before they begin and after they ended. */
  #end: (() => void) | undefined
  readonly #publisher: Publisher
  /** In a cluster: the predecessors of the newest entries, by their sequence numbers, and the publishes that wait for them. */
  readonly #previous = new Map<number, number>()
  readonly #awaited = new Map<number, (previous: number) => void>()
  /** The newest entry that RePublish has sent, infinite if it is not known, and those that came before their predecessors. */
  #live = 0
  readonly #early: LiveEntry[] = []
  #earlyTimer: NodeJS.Timeout | undefined
  /** The newest message at the time of `open`: those up to it are not delivered, also when RePublish sends them later. */
  #opened: Head | undefined
  /** The server and the connection at the time of `open`. */
  #openedOn = ''

  constructor(
    connection: LastingConnection,
    stream: Stream,
    settings: StreamSettings,
    backlog: Backlog,
    inbox: Inbox,
    topic: string,
    events: BrokerTopicEvents,
  ) {
    this.#connection = connection
    this.#stream = stream
    this.#settings = settings
    this.#backlog = backlog
    this.#topic = topic
    this.#subject = stream.subjectOf(topic)
    this.#events = events
    this.#publisher = new Publisher({
      stream: settings.stream,
      subject: this.#subject,
      timeoutMs: settings.timeoutMs,
      tail: stream.tail,
      request: (subject, data, options) => inbox.request(subject, data, options),
      readHead: (timeoutMs) => this.#readHead(timeoutMs),
      isReplicated: () => stream.isReplicated,
      follows: (sequence, previous) => this.#follows(sequence, previous),
      validPositionAt: (sequence) => this.#validPositionAt(sequence),
    })
  }

  async start(): Promise<void> {
    let early: LiveEntry[] | undefined = []
    const endListening = await listen(this.#connection.connection, {
      [this.#stream.liveSubjectOf(this.#topic)]: (message) => {
        const entry = liveEntryOf(message)
        if (!entry) return
        if (early) early.push(entry)
        else this.#arrived(entry)
      },
      [`${this.#settings.prefix}.v.${this.#topic}`]: (message) => {
        const content = decode(message.data)
        if (content !== undefined) this.#events.volatile(content)
      },
    })
    const endReturns = this.#connection.listen({
      lost: () => {
        this.#deliverEarly()
        this.#live = Number.POSITIVE_INFINITY
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
    this.#live = this.#opened.sequence
    for (const entry of entries) this.#arrived(entry)
  }

  publish(content: BrokerContent, id?: string): Promise<TopicPosition> {
    return this.#backlog.add(content.length, () => this.#publisher.publish(content, id))
  }

  async head(): Promise<TopicPosition> {
    return (await this.#readHead()).position
  }

  async since(position: TopicPosition, most: number): Promise<Resumed<BrokerContent>> {
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
    const from = offset === 0 ? 0 : sequenceOf(mark)
    if (from === undefined || from >= sequence || (offset === 0 && mark !== '')) return refuse('rewound')
    const missing = head.offset - offset
    if (missing > this.#settings.historyCount) return refuse('expired')
    // A wrong mark is told before a limit, as the limit says that the position itself is good.
    const entries = await this.#stream.between(this.#subject, from + 1, sequence)
    // Void entries that come first have lost against the position or one before it.
    const start = entries.findIndex(({ message }) => message.position.offset > offset)
    if (start < 0) return refuse(entries.length === 0 ? 'expired' : 'rewound')
    const messages = this.#messagesOf(entries.slice(start))
    const first = messages[0]!
    if (first.position.offset > offset + 1) return refuse('expired')
    if (first.previousMark !== mark) return refuse('rewound')
    if (!isWhole(messages, head)) return refuse('expired')
    if (missing > most) return refuse('limit')
    return { recovered: true, head, messages }
  }

  async last(most: number): Promise<TopicHistory<BrokerContent>> {
    const { sequence, position: head } = await this.#readHead()
    if (most < 1 || sequence === 0) return { head, messages: [] }
    const entries = await this.#stream.between(this.#subject, 1, sequence)
    const messages = this.#messagesOf(entries)
    // The predecessor of the first entry is gone, so that it may be void.
    if (messages[1] !== undefined && messages[1].previousMark !== messages[0]!.position.mark) messages.shift()
    return { head, messages: messages.slice(-Math.min(most, this.#settings.historyCount)) }
  }

  send(content: BrokerContent): void {
    // The client keeps what is published until it is there again.
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
    clearTimeout(this.#earlyTimer)
  }

  /** Delivers an entry behind the one before it. RePublish lets entries of two connections overtake each other. */
  #arrived(entry: LiveEntry): void {
    if (entry.previous > this.#live) {
      this.#early.push(entry)
      this.#earlyTimer ??= setTimeout(() => this.#deliverEarly(), overtakenMs)
      return
    }
    this.#pass(entry)
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) this.#pass(next)
  }

  #takeNext(): LiveEntry | undefined {
    const at = this.#early.findIndex(({ previous }) => previous <= this.#live)
    return at < 0 ? undefined : this.#early.splice(at, 1)[0]
  }

  /** Delivers the entries whose predecessors do not come: the node finds the gap, and reads them. */
  #deliverEarly(): void {
    clearTimeout(this.#earlyTimer)
    this.#earlyTimer = undefined
    for (const entry of this.#early.splice(0).sort((a, b) => a.sequence - b.sequence)) this.#pass(entry)
  }

  #pass(entry: LiveEntry): void {
    // After a loss of the connection, any entry may be the first one.
    this.#live = this.#live === Number.POSITIVE_INFINITY ? entry.sequence : Math.max(this.#live, entry.sequence)
    this.#deliver(entry)
  }

  #deliver(entry: LiveEntry): void {
    if (this.#end === undefined) return
    const { sequence, previous, message } = entry
    if (this.#stream.isReplicated) {
      this.#awaited.get(sequence)?.(previous)
      this.#previous.set(sequence, previous)
      if (this.#previous.size > rememberedEntries) this.#previous.delete(this.#previous.keys().next().value!)
    }
    const isVoid = this.#stream.isVoid(entry)
    this.#publisher.learn(sequence, previous, isVoid ? undefined : message.position)
    if (!isVoid && !this.#isBeforeOpen(entry)) this.#events.stored(message)
  }

  /** A stream that was made again, or restored from an older snapshot, gives out numbers again: those messages are new. */
  #isBeforeOpen({ sequence, message }: Entry): boolean {
    const opened = this.#opened
    if (opened === undefined || sequence > opened.sequence) return false
    return message.position.epoch === opened.position.epoch && this.#openedOn === this.#linkName()
  }

  #linkName(): string {
    const { server_id, client_id } = this.#connection.connection.info ?? {}
    return `${server_id} ${client_id}`
  }

  /** The messages of entries without a gap, but for void ones. The first one is taken as valid. */
  #messagesOf(entries: readonly Entry[]): TopicMessage<BrokerContent>[] {
    const [first, ...rest] = entries
    if (first === undefined || !this.#stream.isReplicated) return entries.map(({ message }) => message)
    return [first, ...validAfter(first, rest)].map(({ message }) => message)
  }

  async #readHead(timeoutMs = this.#settings.timeoutMs): Promise<Head> {
    const entry = await this.#stream.newest(this.#subject, timeoutMs)
    if (entry === undefined) {
      return { sequence: 0, position: { epoch: await this.#stream.epoch(), offset: 0, mark: '' } }
    }
    const { sequence, expected, message } = entry
    const { position, previousMark } = message
    if (!this.#stream.isReplicated || this.#previous.get(sequence) === expected) return { sequence, position }
    const [first, ...rest] = await this.#stream.between(this.#subject, expected + 1, sequence)
    if (first === undefined || first.sequence === sequence) return { sequence, position }
    // The newest entry is void. Its publisher knew the head before it; the valid entries since then follow.
    const before = { ...position, offset: position.offset - 1, mark: previousMark }
    const since = [...(first.expected === expected ? [first] : []), ...validAfter(first, rest)]
    return { sequence, position: since.at(-1)?.message.position ?? before }
  }

  /** The position of an entry; undefined if it is void. */
  async #validPositionAt(sequence: number): Promise<TopicPosition | undefined> {
    const entry = await this.#stream.at(sequence)
    if (entry === undefined) throw new Error('the message was stored before, and is no longer in the history')
    return (await this.#follows(sequence, entry.expected)) ? entry.message.position : undefined
  }

  /** Whether an entry is the next one of its topic after another one, 0 for none. If not, it is void. */
  async #follows(sequence: number, previous: number): Promise<boolean> {
    if (!this.#stream.isReplicated) return true
    const told = this.#previous.get(sequence) ?? (await this.#toldPrevious(sequence))
    if (told !== undefined) return told === previous
    const [first] = await this.#stream.between(this.#subject, previous + 1, sequence)
    return first?.sequence === sequence
  }

  /** Waits a moment for RePublish to tell the predecessor of an entry. */
  #toldPrevious(sequence: number): Promise<number | undefined> {
    return new Promise((resolve) => {
      const end = (previous: number | undefined): void => {
        clearTimeout(timer)
        this.#awaited.delete(sequence)
        resolve(previous)
      }
      const timer = setTimeout(() => end(undefined), toldWithinMs)
      this.#awaited.set(sequence, end)
    })
  }
}

/** Subscribes to subjects. Rejects if the user may not. */
async function listen(
  connection: NatsConnection,
  callbacks: Readonly<Record<string, (message: Msg) => void>>,
): Promise<() => void> {
  let refused: Error | undefined
  const subscriptions = Object.entries(callbacks).map(([subject, callback]) =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (error) refused ??= error
        else callback(message)
      },
    }),
  )
  const end = (): void => {
    for (const subscription of subscriptions) subscription.unsubscribe()
  }
  try {
    // The server refuses a subscription before it answers.
    await connection.flush()
    if (refused !== undefined) throw refused
  } catch (error) {
    end()
    throw error
  }
  return end
}

/** Whether messages follow each other up to the head, without a hole. */
function isWhole(messages: readonly TopicMessage<BrokerContent>[], head: TopicPosition): boolean {
  const isChain = messages.every(
    ({ position, previousMark }, index) =>
      index === 0 ||
      (previousMark === messages[index - 1]!.position.mark &&
        position.offset === messages[index - 1]!.position.offset + 1),
  )
  return isChain && messages.at(-1)?.position.mark === head.mark
}

function liveEntryOf(message: Msg): LiveEntry | undefined {
  const entry = readEntry(Number(message.headers?.get('Nats-Sequence')), fieldsOf(message), message.data)
  return entry && { ...entry, previous: Number(message.headers?.get('Nats-Last-Sequence')) }
}

/**
 * The valid entries of those that follow one directly. Servers of a cluster before 2.11 may store two messages that expect the same
 * predecessor; the first one of them is valid, and the other one void.
 */
function validAfter(first: Entry, rest: readonly Entry[]): Entry[] {
  return rest.filter(({ expected }, index) => expected === (rest[index - 1] ?? first).sequence)
}

import type { HubMetrics } from '../core/observing/hub-metrics.js'
import { joinPrepared, type PreparesMessages, prepareMessage } from '../core/prepared-message.js'
import type { BrokerContent, ResumableBroker } from '../ports/broker/broker.js'
import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { Clock, Timer } from '../ports/clock.js'
import type { Diagnostics } from '../ports/diagnostics.js'
import type { ErrorCode, Json } from '../subprotocol/messages.js'
import { HistoryBudget } from '../topics/history-budget.js'
import { isPattern, matches } from '../topics/topic-name.js'
import { HubCounts } from './hub-counts.js'
import { HubError } from './hub-error.js'
import { HubPresence } from './hub-presence.js'
import type { HubLimits } from './hub-settings.js'
import type { HubClient, HubData, Identity, Presence, PublishSettings, RequestRule } from './hub-types.js'
import { HubChannels, type HubTraces } from './observing/hub-diagnostics.js'
import { ObservedBroker } from './observing/observed-broker.js'
import type { TraceContext } from './observing/trace-context.js'
import { checkTopic, publishTo, publishWhenOpen } from './server-publish.js'
import { checkKey, encodeContent, isContent, withTrace } from './topics/content.js'
import { type Frames, type HubMessage, type Prepare, type ReadContent, volatileFrames } from './topics/hub-message.js'
import { HubPattern } from './topics/hub-pattern.js'
import { HubTopic, type TopicListener } from './topics/hub-topic.js'
import { type Join, type MessageRun, MessageRuns } from './topics/message-runs.js'
import type { PatternRule, TopicRules } from './topics/topic-rules.js'

export interface HubCoreSettings {
  readonly rules: TopicRules
  readonly requests: ReadonlyMap<string, RequestRule>
  readonly limits: HubLimits
  readonly broker: ResumableBroker
  /** Whether other processes may be on this broker. */
  readonly isShared: boolean
  /** The hub, as the messages of channels name it. */
  readonly hub: unknown
  readonly diagnostics: Diagnostics | undefined
  readonly clock: Clock
  /** A name for this process that no other has. */
  readonly node: string
  authenticate(credentials: {
    readonly token: Json | undefined
    readonly request: unknown
    readonly data: unknown
  }): Identity | undefined | Promise<Identity | undefined>
  /** An error of the application's code, or of the broker. */
  report(error: unknown, client?: HubClient): void
}

/** The key of a publish, its sender and its trace. */
export interface PublishOrigin extends TraceContext {
  readonly key?: string | undefined
  /** Undefined for the server itself. */
  readonly client?: HubClient | undefined
}

/** A client, as all of them together see it. */
export interface HubMember extends HubClient {
  readonly subscriptions: number
  /** Ends its connection with an error. */
  disconnect(code: ErrorCode, message: string): void
}

/** Milliseconds after which heads are compared with the broker's, and unused topics are left. */
const checkEveryMs = 5000
/** Heads that are compared at a time. Further topics take turns: each comparison is a question to the broker. */
const mostChecks = 1000
const sweepEveryMs = 200

/** The state that all sessions of a hub share: topics and patterns that are open, presence, requests, counts. */
export class HubCore {
  readonly counts: HubCounts
  readonly presence: HubPresence
  readonly #settings: HubCoreSettings
  readonly #sessions = new Set<HubMember>()
  readonly #topics = new Map<string, HubTopic>()
  readonly #patterns = new Map<string, HubPattern>()
  #prepare: Prepare | undefined
  #join: Join | undefined
  readonly #runs = new MessageRuns()
  /** The last volatile message, for the next one of its many receivers. */
  #framed: { readonly topic: string; readonly content: BrokerContent; readonly frames: Frames } | undefined
  readonly #ringBudget: HistoryBudget
  readonly #channels: HubChannels
  readonly #broker: ObservedBroker
  #wasStale = false
  #checking: Timer | undefined
  #sweptAt = Number.NEGATIVE_INFINITY
  /** A number for the present turn of the event loop. */
  #turn = 0
  #waitingForTurn: (() => void)[] | undefined
  #isClosed = false
  readonly #read: ReadContent

  constructor(settings: HubCoreSettings) {
    this.#settings = settings
    this.#ringBudget = new HistoryBudget(settings.limits.historyTotalBytes)
    const { broker, isShared, clock, node, limits } = settings
    this.#channels = new HubChannels(settings.hub, settings.diagnostics)
    this.counts = new HubCounts(this.#channels)
    this.#broker = new ObservedBroker(broker, {
      clock: isShared ? clock : undefined,
      awayChanged: () => this.#noteStale(),
    })
    // No other program writes to a broker of our own.
    this.#read = isShared ? (topic, content) => this.#checked(topic, content) : (_topic, content) => content
    this.presence = new HubPresence({
      broker: isShared ? this.#broker : undefined,
      staleChanged: () => this.#noteStale(),
      clock,
      node,
      leaseMs: limits.leaseMs,
      maxMembers: limits.maxMembers,
      maxTopics: limits.maxTopics,
      prepare: (message) => this.prepare(message),
      report: settings.report,
    })
  }

  get rules(): TopicRules {
    return this.#settings.rules
  }
  get requests(): ReadonlyMap<string, RequestRule> {
    return this.#settings.requests
  }
  get limits(): HubLimits {
    return this.#settings.limits
  }
  get clock(): Clock {
    return this.#settings.clock
  }
  get sessions(): ReadonlySet<HubMember> {
    return this.#sessions
  }

  get prepare(): Prepare {
    return this.#prepare!
  }

  /** A connection of this server is there. Its frames fit the connections of all servers. */
  setServer(server: PreparesMessages): void {
    this.#prepare ??= (message) => server[prepareMessage](message)
    this.#join ??= (messages) => server[joinPrepared](messages)
  }

  /**
   * Messages in a row for a client, of which others may be sent the same ones.
   *
   * @param isPacked whether the client takes `run` messages
   */
  runsOf(messages: readonly HubMessage[], isPacked: boolean): readonly MessageRun[] {
    return this.#runs.of(messages, this.prepare, this.#join!, isPacked)
  }

  authenticate(credentials: Parameters<HubCoreSettings['authenticate']>[0]) {
    return this.#settings.authenticate(credentials)
  }

  report(error: unknown, client?: HubClient): void {
    this.#settings.report(error, client)
  }

  entered(session: HubMember): void {
    this.#sessions.add(session)
    this.#checkLater()
  }

  left(session: HubMember): void {
    this.#sessions.delete(session)
  }

  /** A number that changes with each turn of the event loop. */
  get turn(): number {
    if (this.#waitingForTurn === undefined) {
      this.#waitingForTurn = []
      this.#settings.clock.task(() => {
        const waiting = this.#waitingForTurn!
        this.#waitingForTurn = undefined
        this.#turn += 1
        for (const resume of waiting) resume()
      })
    }
    return this.#turn
  }

  /** Calls back in the next turn. */
  inNextTurn(resume: () => void): void {
    if (this.turn >= 0) this.#waitingForTurn!.push(resume)
  }

  /** A topic, opened at the broker once. Throws a HubError if too many are in use. */
  openTopic(name: string, rule: PatternRule): HubTopic {
    return this.#open(this.#topics, name, () => {
      const { ringCount, ringBytes, historyCount } = this.limits
      return new HubTopic(name, rule, this.#broker, {
        ringCount,
        ringBytes,
        historyCount,
        counts: this.counts,
        budget: this.#ringBudget,
        read: this.#read,
      })
    })
  }

  openPattern(name: string, rule: PatternRule): HubPattern {
    return this.#openPattern(name, name, rule)
  }

  /** Listens to a topic or pattern for the server itself. */
  listen(name: string, listener: TopicListener): { readonly opened: Promise<void>; end(): void } {
    const rule = this.rules.ofTopic(name)
    if (!isPattern(name) && rule === undefined) throw noRule(name)
    const source = isPattern(name)
      ? this.#openPattern(`for the server ${name}`, name, undefined)
      : this.openTopic(name, rule!)
    source.listeners.add(listener)
    return { opened: source.opened, end: () => source.listeners.delete(listener) }
  }

  #openPattern(key: string, name: string, rule: PatternRule | undefined): HubPattern {
    const { rules } = this.#settings
    return this.#open(
      this.#patterns,
      key,
      () => new HubPattern(name, rule, this.#broker, rules, this.counts, this.#read),
    )
  }

  /** Stores a message, or only sends it where the rule says so. */
  publish(topic: HubTopic, content: BrokerContent, origin: PublishOrigin): Promise<TopicPosition | undefined> {
    this.counts.published += 1
    const { key, client, traceparent, tracestate } = origin
    const trace = this.#channels.tracedPublish
    if (!trace.hasSubscribers) return this.#store(topic, withTrace(content, origin), key)
    const { hub } = this.#channels
    const context: HubTraces['twoway:publish'] = { hub, topic: topic.name, client, key, traceparent, tracestate }
    const stored = trace.run(context, () => this.#store(topic, withTrace(content, context), key))
    return stored as Promise<TopicPosition | undefined>
  }

  #store(topic: HubTopic, content: BrokerContent, key: string | undefined): Promise<TopicPosition | undefined> {
    if (topic.rule.store === false) {
      this.send(topic, content)
      return Promise.resolve(undefined)
    }
    return topic.publish(content, key).then(this.#countStored)
  }

  readonly #countStored = (position: TopicPosition): TopicPosition => {
    this.counts.stored += 1
    return position
  }

  /** Sends a message without storing it. While the broker is away, the clients of this process get it all the same. */
  send(topic: HubTopic, content: BrokerContent): void {
    topic.send(content)
    if (!topic.isAway) return
    topic.deliverVolatile(content)
    for (const pattern of this.#patterns.values()) {
      if (matches(pattern.name, topic.name)) pattern.deliverVolatile(topic.name, content)
    }
  }

  /** Publishes for the server itself: within the call if the topic is in use. */
  publishData(name: string, data: HubData, settings: PublishSettings): Promise<TopicPosition | undefined> {
    try {
      const known = this.#topics.get(name)
      // The name and the rules are checked once for each topic.
      if (known === undefined) checkTopic(name)
      const rule = known?.rule ?? this.rules.ofTopic(name)
      if (rule === undefined) throw noRule(name)
      const { key, volatile = false } = settings
      checkKey(key)
      const content = encodeContent(volatile ? { key } : {}, data)
      const topic = known ?? this.openTopic(name, rule)
      return topic.isReady ? publishTo(this, topic, content, settings) : publishWhenOpen(this, topic, content, settings)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async presenceOf(name: string): Promise<Presence> {
    const rule = this.rules.ofTopic(name)
    if (rule === undefined) throw noRule(name)
    if (rule.presence !== true)
      throw new HubError('forbidden', `the topic "${name}" has no presence: its rule needs presence: true`)
    await this.presence.open(name)
    return this.presence.view(name)
  }

  volatileFrames(topic: string, content: BrokerContent): Frames {
    const framed = this.#framed
    if (framed?.content === content && framed.topic === topic) return framed.frames
    const frames = volatileFrames(topic, content, this.prepare)
    this.#framed = { topic, content, frames }
    return frames
  }

  metrics(): HubMetrics {
    let subscriptions = 0
    for (const session of this.#sessions) subscriptions += session.subscriptions
    const { notRecovered, errors, channels: _, ...counts } = this.counts
    return {
      clients: this.#sessions.size,
      subscriptions,
      topics: this.#topics.size + this.#patterns.size,
      stale: Number(this.#isStale()),
      ...counts,
      brokerFailures: { ...this.#broker.failures },
      brokerMs: this.#broker.times,
      notRecovered: { ...notRecovered },
      errors: { ...errors },
    }
  }

  /** Whether the view of other processes may be out of date. */
  #isStale(): boolean {
    return this.presence.isStale || (this.#broker.isAway && this.#topics.size > 0)
  }

  #noteStale(): void {
    const isStale = this.#isStale()
    if (isStale === this.#wasStale) return
    this.#wasStale = isStale
    this.#channels.stale(isStale)
  }

  close(): void {
    this.#isClosed = true
    this.#checking?.cancel()
    this.presence.close()
    for (const source of [...this.#topics.values(), ...this.#patterns.values()]) source.leave()
    this.#topics.clear()
    this.#patterns.clear()
    this.#runs.clear()
  }

  #checked(topic: string, content: BrokerContent): BrokerContent | undefined {
    if (isContent(content)) return content
    this.counts.malformed += 1
    this.report(new Error(`a message of the topic "${topic}" at the broker is none of a hub: ${excerptOf(content)}`))
    return undefined
  }

  #open<Source extends HubTopic | HubPattern>(sources: Map<string, Source>, name: string, make: () => Source): Source {
    const known = sources.get(name)
    if (known !== undefined) return known
    if (this.#isClosed) throw new HubError('unavailable', 'the hub is closed')
    const { maxTopics } = this.limits
    if (this.#topics.size + this.#patterns.size >= maxTopics) this.#sweepAgain()
    if (this.#topics.size + this.#patterns.size >= maxTopics) {
      throw new HubError('limit', `this server takes ${maxTopics} topics at a time`, { retryAfterMs: checkEveryMs })
    }
    const source = make()
    sources.set(name, source)
    source.opened.catch((error: unknown) => {
      this.report(error)
      if (sources.get(name) === source) sources.delete(name)
      source.leave()
    })
    this.#checkLater()
    return source
  }

  #checkLater(): void {
    if (this.#isClosed) return
    this.#checking ??= this.clock.after(
      checkEveryMs,
      () => {
        this.#checking = undefined
        this.#sweep()
        this.#noteStale()
        this.#runs.clear()
        this.presence.sweep()
        this.#checkHeads()
        if (this.#topics.size + this.#patterns.size > 0) this.#checkLater()
      },
      false,
    )
  }

  #checkHeads(): void {
    const due: [string, HubTopic][] = []
    for (const entry of this.#topics) {
      if (due.length === mostChecks) break
      due.push(entry)
    }
    for (const [name, topic] of due) {
      void topic.check()
      // The next time the others come first.
      this.#topics.delete(name)
      this.#topics.set(name, topic)
    }
  }

  /** A sweep looks at all topics, so that a client that asks for ever new ones must not cause one each time. */
  #sweepAgain(): void {
    if (this.clock.now() - this.#sweptAt >= sweepEveryMs) this.#sweep()
  }

  /** Leaves the topics and patterns that are not in use. */
  #sweep(): void {
    this.#sweptAt = this.clock.now()
    for (const sources of [this.#topics, this.#patterns]) {
      for (const [name, source] of sources) {
        if (source.uses > 0 || source.listeners.size > 0) continue
        sources.delete(name)
        source.leave()
      }
    }
  }
}

function excerptOf(content: BrokerContent): string {
  return typeof content === 'string' ? content.slice(0, 99) : `${content.length} bytes`
}

function noRule(topic: string): HubError {
  return new HubError('unknown-topic', `no rule of this hub covers the topic "${topic}"`)
}

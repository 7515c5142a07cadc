import type { Json, OkMessage, SubscribeMessage } from '../../subprotocol/messages.js'
import { positionOf, wirePosition } from '../../subprotocol/positions.js'
import { faultOfPattern, faultOfTopic, isPattern, matches } from '../../topics/topic-name.js'
import type { HubCore } from '../hub-core.js'
import { HubError, unavailable } from '../hub-error.js'
import type { PresenceWatcher } from '../hub-presence.js'
import type { HubData, Identity, Permission } from '../hub-types.js'
import { checkKey, encodeContent } from '../topics/content.js'
import { type HubMessage, partOf } from '../topics/hub-message.js'
import type { HubPattern } from '../topics/hub-pattern.js'
import { HubTopic, type Resumption } from '../topics/hub-topic.js'
import { type SubscribedClient, Subscription } from '../topics/subscription.js'
import type { PatternRule } from '../topics/topic-rules.js'
import { after } from './after.js'
import { checkData } from './check-data.js'
import type { SessionOutput } from './session-output.js'
import type { MessageOf, Received } from './session-types.js'

/** The session, as far as its topics need it. */
export interface TopicsOwner extends PresenceWatcher {
  readonly isOpen: boolean
  readonly identity: Identity
  /** An answer of many messages was sent. */
  countAnswer(messages: number): void
  /** The client does not read its messages. */
  tooSlow(): void
}

/** One client's topics: subscribe, publish, history and presence, each by the rule of its topic. */
export class SessionTopics implements SubscribedClient {
  readonly #core: HubCore
  readonly #owner: TopicsOwner
  readonly #output: SessionOutput
  readonly #subscriptions = new Map<string, Subscription>()
  #behind = new Set<Subscription>()
  /** Publishes that the broker has not answered. */
  #publishes = 0
  /** Goes on with the publish that waits for the answer to an earlier one. */
  #publishNext: (() => void) | undefined

  constructor(core: HubCore, owner: TopicsOwner, output: SessionOutput) {
    this.#core = core
    this.#owner = owner
    this.#output = output
  }

  get size(): number {
    return this.#subscriptions.size
  }

  // The messages of the client. Each throws a HubError, or rejects with one.

  async subscribe(message: SubscribeMessage): Promise<void> {
    const { topic: name } = message
    const isWide = isPattern(name)
    checkName(faultOfPattern(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, isWide)
    await this.#allow(rule.subscribe ?? true, name, 'subscribe to')
    const { maxTopicsPerClient } = this.#core.limits
    if (!this.#subscriptions.has(name) && this.#subscriptions.size >= maxTopicsPerClient) {
      throw new HubError('limit', `a client subscribes to at most ${maxTopicsPerClient} topics`)
    }
    const source = isWide ? this.#core.openPattern(name, rule) : this.#core.openTopic(name, rule)
    await this.#whileOpen(source, async () => {
      if (!this.#owner.isOpen) return
      if (rule.presence === true && !isWide) this.#core.presence.reserve(name)
      // A client that asks again goes on from the position that it tells.
      this.#endSubscription(name)
      if (source instanceof HubTopic) await this.#beginAt(source, message)
      else {
        this.#begin(source, message)
        this.#output.ok({ id: message.id, ...(message.at !== undefined && { recovered: false, reason: 'pattern' }) })
      }
      if (this.#owner.isOpen && rule.presence === true && !isWide) await this.#joinPresence(name, message.who === true)
    })
  }

  unsubscribe({ id, topic }: MessageOf<'unsub'>): void {
    this.#leave(topic)
    this.#output.ok({ id })
  }

  publish({ message, body }: Received<MessageOf<'pub'>>): void | Promise<void> {
    const { id, key, traceparent, tracestate } = message
    checkKey(key)
    if (this.#publishes >= this.#core.limits.maxPending) {
      return new Promise<void>((resolve) => {
        this.#publishNext = resolve
      }).then(() => (this.#owner.isOpen ? this.publish({ message, body }) : undefined))
    }
    return this.#withPublishable(message, body, (topic, data) => {
      const content = encodeContent({ from: this.#owner.identity.user }, data)
      topic.uses += 1
      this.#publishes += 1
      // The answer does not hold up the client's next message.
      this.#core
        .publish(topic, content, { key, client: this.#owner, traceparent, tracestate })
        .then(
          (at) => this.#output.ok({ id, ...(at !== undefined && { at: wirePosition(at) }) }),
          (error: unknown) => this.#output.fail(message, unavailable(error)),
        )
        .finally(() => {
          topic.uses -= 1
          this.#publishes -= 1
          this.#publishNext?.()
          this.#publishNext = undefined
        })
    })
  }

  sendVolatile({ message, body }: Received<MessageOf<'vol'>>): void | Promise<void> {
    const { key } = message
    checkKey(key)
    return this.#withPublishable(message, body, (topic, data) =>
      this.#core.send(topic, encodeContent({ from: this.#owner.identity.user, key }, data)),
    )
  }

  async history({ id, topic: name, at, last = 0 }: MessageOf<'hist'>): Promise<void> {
    checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    await this.#allow(rule.subscribe ?? true, name, 'read')
    const topic = this.#core.openTopic(name, rule)
    await this.#whileOpen(topic, () =>
      this.#older(topic, at, last, (messages, ok) => {
        this.#owner.countAnswer(messages.length)
        for (const message of messages) {
          if (message.content === undefined) continue
          const { header, body } = partOf(id, message, message.content)
          this.#output.text(header)
          if (body !== undefined) this.#output.bytes(body)
        }
        this.#output.ok({ id, at: wirePosition(topic.head), ...ok })
      }),
    )
  }

  async who({ id, topic: name }: MessageOf<'who'>): Promise<void> {
    checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    if (rule.presence !== true) throw new HubError('forbidden', `the topic "${name}" has no presence`)
    await this.#allow(rule.subscribe ?? true, name, 'see the presence of')
    await this.#core.presence.open(name)
    this.#output.ok({ id, ...this.#core.presence.view(name) })
  }

  // Events of the session.

  /** There is room again. */
  catchUp(): void {
    const behind = this.#behind
    this.#behind = new Set()
    for (const subscription of behind) subscription.catchUp()
  }

  leaveAll(): void {
    for (const name of [...this.#subscriptions.keys()]) this.#leave(name)
    this.#behind.clear()
  }

  // Events of subscriptions.

  isForPattern(subscription: Subscription, topic: string): boolean {
    if (this.#subscriptions.has(topic)) return false
    // The first of several patterns that match.
    for (const [pattern, other] of this.#subscriptions) {
      if (other.source instanceof HubTopic || !matches(pattern, topic)) continue
      return other === subscription
    }
    return false
  }

  fellBehind(subscription: Subscription): void {
    this.#behind.add(subscription)
  }

  tooSlow(): void {
    this.#owner.tooSlow()
  }

  // Subscriptions.

  /** Answers a subscription with the messages before it, and begins it in the same turn, so that none falls between. */
  #beginAt(topic: HubTopic, message: SubscribeMessage): Promise<void> {
    const { id, at, last = 0, run = false } = message
    const { counts } = this.#core
    return this.#older(topic, at, last, (messages, ok) => {
      if (ok.recovered === true) counts.resumed(this.#owner, topic.name, messages.length)
      if (ok.reason !== undefined) counts.notResumed(this.#owner, topic.name, ok.reason)
      if (!this.#owner.isOpen) return
      const subscription = this.#begin(topic, message)
      this.#owner.countAnswer(messages.length)
      this.#output.ok({ id, ...ok, count: messages.length, at: wirePosition(topic.head) })
      subscription.older(this.#core.runsOf(messages, run))
    })
  }

  #begin(source: HubTopic | HubPattern, { slow = 'catch-up' }: SubscribeMessage): Subscription {
    const subscription = new Subscription(source, this, this.#output, slow)
    // The name of the source is one string for all clients.
    this.#subscriptions.set(source.name, subscription)
    source.listeners.add(subscription)
    return subscription
  }

  async #joinPresence(name: string, watches: boolean): Promise<void> {
    const { presence } = this.#core
    presence.join(name, this.#owner)
    if (!watches) return
    await presence.open(name)
    if (!this.#subscriptions.has(name)) return
    presence.watch(name, this.#owner)
    this.#output.message({ t: 'here', topic: name, ...presence.view(name) })
  }

  #leave(name: string): void {
    if (this.#endSubscription(name)) this.#core.presence.leave(name, this.#owner)
  }

  /** Returns false if there is none. The client stays a member of the topic. */
  #endSubscription(name: string): boolean {
    const subscription = this.#subscriptions.get(name)
    if (subscription === undefined) return false
    this.#subscriptions.delete(name)
    this.#behind.delete(subscription)
    subscription.source.listeners.delete(subscription)
    return true
  }

  /** The messages after a position, or the newest ones, with the fields of the answer that tell of a resume. */
  #older(
    topic: HubTopic,
    at: SubscribeMessage['at'],
    last: number,
    answer: (messages: readonly HubMessage[], ok: Pick<OkMessage, 'recovered' | 'reason'>) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => reject(unavailable(error))
      const resumed = (resumption: Resumption | Error): void => {
        if (!('recovered' in resumption)) failed(resumption)
        else if (resumption.recovered) answer(resumption.messages, { recovered: true })
        else answer([], { recovered: false, reason: resumption.reason })
        resolve()
      }
      const gotten = (messages: readonly HubMessage[]): void => {
        answer(messages, {})
        resolve()
      }
      if (at === undefined) topic.last(last, gotten, failed)
      else topic.resume(positionOf(at), resumed)
    })
  }

  // Checks.

  /** Calls back with the open topic and the checked data, if this client may publish: at once, unless one of them takes time. */
  #withPublishable(
    { topic: name, data = null }: { readonly topic: string; readonly data?: Json },
    body: Uint8Array | undefined,
    publish: (topic: HubTopic, data: HubData) => void,
  ): void | Promise<void> {
    checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    return after(this.#allow(rule.publish ?? false, name, 'publish to'), () =>
      after(checkData(rule.schema, body ?? data), (checked) => {
        const topic = this.#core.openTopic(name, rule)
        if (topic.isOpen) return publish(topic, checked as HubData)
        return this.#whileOpen(topic, async () => publish(topic, checked as HubData))
      }),
    )
  }

  /** Waits until a topic or pattern is open, and keeps it so meanwhile. */
  async #whileOpen(source: HubTopic | HubPattern, use: () => Promise<void>): Promise<void> {
    source.uses += 1
    try {
      await source.opened.catch((error: unknown) => {
        throw unavailable(error)
      })
      await use()
    } finally {
      source.uses -= 1
    }
  }

  #ruleOf(name: string, isWide: boolean): PatternRule {
    if (name.startsWith('$')) throw new HubError('forbidden', 'topics that begin with $ belong to the hub')
    const rule = isWide ? this.#core.rules.ofPattern(name) : this.#core.rules.ofTopic(name)
    if (rule !== undefined) return rule
    const what = isWide ? 'all topics of the pattern' : 'the topic'
    throw new HubError('unknown-topic', `no rule of this hub covers ${what} "${name}"`)
  }

  #allow(permission: Permission, topic: string, action: string): void | Promise<void> {
    const allowed = typeof permission === 'function' ? permission(this.#owner, topic) : permission
    return after(allowed, (isAllowed) => {
      if (isAllowed !== true) throw new HubError('forbidden', `this client may not ${action} "${topic}"`)
    })
  }
}

function checkName(fault: string | undefined): void {
  if (fault !== undefined) throw new HubError('invalid', fault)
}

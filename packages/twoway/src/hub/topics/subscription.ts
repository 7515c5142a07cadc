import type { BrokerContent } from '../../ports/broker/broker.js'
import type { TopicPosition } from '../../ports/broker/topic-position.js'
import type { GapMessage, SlowPolicy } from '../../subprotocol/messages.js'
import { wirePosition } from '../../subprotocol/positions.js'
import type { HubMessage } from './hub-message.js'
import type { HubPattern } from './hub-pattern.js'
import { HubTopic, type TopicListener } from './hub-topic.js'
import type { MessageRun } from './message-runs.js'

/** The client of a subscription, as the subscription sees it. */
export interface SubscribedClient {
  /** Whether the subscription, to a pattern, is the one that delivers the topic: each message goes to a client once. */
  isForPattern(subscription: Subscription, topic: string): boolean
  /** Asks for `catchUp` once there is room. */
  fellBehind(subscription: Subscription): void
  /** The client lags too far behind. */
  tooSlow(): void
}

/** The messages to the client. */
export interface SubscriptionOutput {
  /** Whether at most the high-water mark of the connection is queued. */
  readonly hasRoom: boolean
  /** Returns false if the connection has dropped it. */
  stored(message: HubMessage): boolean
  /** Returns false if the connection has dropped all of it. */
  run(run: MessageRun): boolean
  volatile(topic: string, content: BrokerContent): boolean
  message(message: GapMessage): void
  /** Asks for `catchUp` in a moment, though there may be room. */
  retryLater(): void
}

/** The messages of one topic that a client has missed while it lagged behind. */
interface Missed {
  readonly after: TopicPosition
  newest: HubMessage
}

/** Topics of which a client may miss messages at a time, and keys whose newest message waits for it. */
const mostMissed = 1000

/**
 * A client's subscription to a topic or pattern. A client that lags behind is sent no more stored messages, and with that
 * neither slows down nor fills the memory of the server. Its policy says which messages it gets afterwards: all that it missed
 * ('catch-up'), or the newest alone ('latest'). With 'close' it is sent everything until the connection's own limit ends it.
 */
export class Subscription implements TopicListener {
  readonly source: HubTopic | HubPattern
  readonly #client: SubscribedClient
  readonly #output: SubscriptionOutput
  readonly #policy: SlowPolicy
  // Most clients never lag behind, and two empty maps would take more memory than all the rest of a subscription.
  #missed: Map<string, Missed> | undefined
  /** The newest volatile message of each key, for a client that lags behind. */
  #latest: Map<string, { readonly topic: string; readonly content: BrokerContent }> | undefined
  #isReading = false

  constructor(source: HubTopic | HubPattern, client: SubscribedClient, output: SubscriptionOutput, policy: SlowPolicy) {
    this.source = source
    this.#client = client
    this.#output = output
    this.#policy = policy
  }

  stored(message: HubMessage): void {
    if (!this.#isFor(message.topic)) return
    if (!this.#mayBeSent() || !this.#output.stored(message)) this.#miss(message)
  }

  /** The messages before the first live one. */
  older(runs: readonly MessageRun[]): void {
    for (const run of runs) {
      if (this.#mayBeSent() && this.#output.run(run)) continue
      this.#miss(run.messages[0]!)
      this.#miss(run.messages.at(-1)!)
    }
  }

  volatile(topic: string, content: BrokerContent): void {
    if (!this.#isFor(topic)) return
    if (this.#output.hasRoom) this.#output.volatile(topic, content)
    else if (this.#policy === 'latest') this.#keepLatest(topic, content)
  }

  gap(topic: string, reason: string, head: TopicPosition): void {
    if (!this.#isFor(topic)) return
    this.#missed?.delete(topic)
    this.#output.message({ t: 'gap', topic, reason, at: wirePosition(head) })
  }

  /** There is room again: sends the messages that the client has missed, until there is no room. */
  catchUp(): void {
    for (const [key, { topic, content }] of this.#latest ?? []) {
      if (!this.#output.hasRoom) break
      this.#latest!.delete(key)
      this.#output.volatile(topic, content)
    }
    for (const [topic, missed] of this.#missed ?? []) {
      if (!this.#output.hasRoom || this.#isReading) break
      if (this.#policy === 'latest') this.#skip(topic, missed)
      else this.#resume(topic, missed)
    }
    if (this.#latest?.size === 0) this.#latest = undefined
    if (this.#hasMissed() || this.#latest !== undefined) this.#client.fellBehind(this)
    else this.#missed = undefined
  }

  #isFor(topic: string): boolean {
    return this.source.name === topic || this.#client.isForPattern(this, topic)
  }

  #mayBeSent(): boolean {
    return this.#policy === 'close' || (this.#output.hasRoom && !this.#hasMissed())
  }

  #hasMissed(): boolean {
    return this.#missed !== undefined && this.#missed.size > 0
  }

  #miss(message: HubMessage): void {
    this.#missed ??= new Map()
    const missed = this.#missed.get(message.topic)
    if (missed !== undefined) missed.newest = message
    else if (this.#missed.size >= mostMissed) this.#client.tooSlow()
    else {
      this.#missed.set(message.topic, { after: message.before, newest: message })
      this.#client.fellBehind(this)
    }
  }

  #keepLatest(topic: string, content: BrokerContent): void {
    const key = `${topic} ${keyOf(content)}`
    this.#latest ??= new Map()
    this.#latest.delete(key)
    if (this.#latest.size >= mostMissed) this.#latest.delete(this.#latest.keys().next().value!)
    this.#latest.set(key, { topic, content })
    this.#client.fellBehind(this)
  }

  /** Leaves out all that was missed but the newest message. */
  #skip(topic: string, { newest }: Missed, reason = 'skipped'): void {
    this.#missed?.delete(topic)
    this.#output.message({ t: 'gap', topic, reason, at: wirePosition(newest.before) })
    if (!this.#output.stored(newest)) this.#miss(newest)
  }

  #resume(topic: string, missed: Missed): void {
    const { source } = this
    if (!(source instanceof HubTopic)) {
      this.#skip(topic, missed, 'expired')
      return
    }
    this.#isReading = true
    source.resume(missed.after, (answer) => {
      this.#isReading = false
      if (this.#missed?.get(topic) !== missed) return
      if (!('recovered' in answer)) return this.#output.retryLater()
      this.#missed.delete(topic)
      if (!answer.recovered) return this.gap(topic, answer.reason, answer.head)
      for (const message of answer.messages) this.stored(message)
    })
  }
}

/** The key of a volatile message's content: '' if it has none. */
function keyOf(content: BrokerContent): string {
  const text =
    typeof content === 'string'
      ? content
      : String.fromCharCode(...content.subarray(2, 2 + content[0]! * 256 + content[1]!))
  return /^\{(?:"from":"(?:[^"\\]|\\.)*",)?"key":("(?:[^"\\]|\\.)*")/.exec(text)?.[1] ?? ''
}

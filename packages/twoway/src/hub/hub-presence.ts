import type { PreparedMessage } from '../core/prepared-message.js'
import type { BrokerContent, ResumableBroker, ResumableTopic } from '../ports/broker/broker.js'
import type { Clock, Timer } from '../ports/clock.js'
import type { Json, Member, MembersMessage } from '../subprotocol/messages.js'
import { HubError } from './hub-error.js'
import type { HubClient, Presence } from './hub-types.js'
import { type NodeMessage, readNodeMessage } from './node-messages.js'

/** A client that gets changes. */
export interface PresenceWatcher extends HubClient {
  sendPrepared(message: PreparedMessage): void
}

export interface PresenceSettings {
  /** The broker that other processes share; undefined if there are none. */
  readonly broker: ResumableBroker | undefined
  readonly clock: Clock
  /** A name for this process that no other has. */
  readonly node: string
  readonly leaseMs: number
  readonly maxMembers: number
  readonly maxTopics: number
  /** Frames a message for many clients. */
  prepare(message: string): PreparedMessage
  /** The views have become stale, or are no longer. */
  staleChanged(): void
  report(error: unknown): void
}

/** One user in the presence of a topic. */
interface Present {
  info: Json | undefined
  /** The processes with a connection of this user. */
  readonly nodes: Set<string>
}

interface TopicPresence {
  readonly name: string
  readonly members: Map<string, Present>
  /** Connections of this process, by user. */
  readonly local: Map<string, Set<PresenceWatcher>>
  readonly watchers: Set<PresenceWatcher>
  version: number
  /** Undefined while it is not open at the broker. */
  topic: ResumableTopic | undefined
  /** Resolves when the first attempt to open it is over. */
  readonly opened: Promise<void>
  isLeft: boolean
  /** The processes that have answered the last question for their members, and when it was asked. */
  answered: Set<string> | undefined
  askedAt: number
}

const nodesTopic = '$nodes'
/** After so many leases a process asks all others again, as an announcement may have been lost. */
const leasesPerQuestion = 6

/**
 * Presence: users by topic, over all processes. A process announces its members and renews one lease for all of them;
 * when the lease of another ends, its members leave. A process that does not hear its own renewals knows that the broker is
 * away: it then calls its views stale instead of empty.
 */
export class HubPresence {
  readonly #settings: PresenceSettings
  readonly #topics = new Map<string, TopicPresence>()
  /** When each other process was heard, in the clock's milliseconds. */
  readonly #heard = new Map<string, number>()
  #ownHeard = 0
  #isStale = false
  #nodes: Promise<ResumableTopic> | undefined
  #renewal: Timer | undefined
  #isClosed = false

  constructor(settings: PresenceSettings) {
    this.#settings = settings
  }

  /** Whether the renewals of this process do not come back, so that the broker is away. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** Resolves when the members of other processes have been asked for. */
  async open(name: string): Promise<void> {
    // A process that is alone knows all members.
    if (this.#settings.broker !== undefined) await this.#topic(name).opened
  }

  /** Leaves the topics without a subscriber in this process: they were only asked for. */
  sweep(): void {
    for (const topic of this.#topics.values()) this.#forgetUnused(topic)
  }

  /** Makes the presence of a topic before a connection joins it. Throws a HubError if there are too many. */
  reserve(name: string): void {
    this.#topic(name)
  }

  /** A connection subscribes to the topic. */
  join(name: string, client: PresenceWatcher): void {
    const topic = this.#topic(name)
    const { user, info } = client
    const connections = topic.local.get(user)
    if (connections !== undefined) {
      connections.add(client)
      return
    }
    topic.local.set(user, new Set([client]))
    this.#add(topic, this.#settings.node, user, info)
    this.#send(topic, { n: this.#settings.node, op: 'join', ...memberOf(user, info) })
  }

  /** A connection unsubscribes from the topic, or is closed. */
  leave(name: string, client: PresenceWatcher): void {
    const topic = this.#topics.get(name)
    if (topic === undefined) return
    topic.watchers.delete(client)
    const { user } = client
    const connections = topic.local.get(user)
    if (connections?.delete(client) !== true || connections.size > 0) return
    topic.local.delete(user)
    this.#send(topic, { n: this.#settings.node, op: 'leave', user })
    this.#remove(topic, this.#settings.node, user)
    this.#forgetUnused(topic)
  }

  /** From now on the client gets changes, until it leaves. */
  watch(name: string, client: PresenceWatcher): void {
    this.#topic(name).watchers.add(client)
  }

  view(name: string): Presence {
    const topic = this.#topics.get(name)
    const members = [...(topic?.members ?? [])].map(([user, { info }]) => memberOf(user, info))
    const isAlone = this.#settings.broker === undefined
    const stale = this.#isStale || (topic !== undefined && topic.topic === undefined && !isAlone)
    return { members, version: topic?.version ?? 0, stale }
  }

  close(): void {
    this.#isClosed = true
    this.#renewal?.cancel()
    void this.#nodes?.then((nodes) => {
      nodes.send(JSON.stringify({ n: this.#settings.node, op: 'bye' } satisfies NodeMessage))
      nodes.leave()
    })
    for (const topic of this.#topics.values()) this.#leaveTopic(topic)
    this.#topics.clear()
  }

  #topic(name: string): TopicPresence {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const { broker, maxTopics } = this.#settings
    if (this.#topics.size >= maxTopics) {
      throw new HubError('limit', `this server takes the presence of ${maxTopics} topics at a time`, {
        retryAfterMs: 5000,
      })
    }
    const topic: TopicPresence = {
      name,
      members: new Map(),
      local: new Map(),
      watchers: new Set(),
      version: 0,
      topic: undefined,
      opened: broker === undefined ? Promise.resolve() : Promise.resolve().then(() => this.#openTopic(topic, broker)),
      isLeft: false,
      answered: undefined,
      askedAt: 0,
    }
    this.#topics.set(name, topic)
    return topic
  }

  /** Opens the topic at the broker. If that is away, it tries again from time to time. */
  async #openTopic(topic: TopicPresence, broker: ResumableBroker, isAgain = false): Promise<void> {
    if (topic.isLeft) return
    const { clock, leaseMs, report } = this.#settings
    try {
      this.#nodes ??= this.#openNodes(broker)
      await this.#nodes
      const presenceTopic = `$presence.${topic.name}`
      const opened = await broker.open(presenceTopic, {
        stored: () => undefined,
        volatile: (content) => this.#read(presenceTopic, content, (message) => this.#received(topic, message)),
      })
      topic.topic = opened
      if (topic.isLeft) return opened.leave()
      this.#announce(topic)
      this.#ask(topic)
      if (isAgain) this.#tellView(topic)
    } catch (error) {
      if (!topic.isLeft) report(error)
      clock.after(leaseMs / 3, () => void this.#openTopic(topic, broker, true), false)
    }
  }

  async #openNodes(broker: ResumableBroker): Promise<ResumableTopic> {
    const { clock, leaseMs, node } = this.#settings
    let nodes: ResumableTopic
    try {
      nodes = await broker.open(nodesTopic, {
        stored: () => undefined,
        volatile: (content) => this.#read(nodesTopic, content, (message) => this.#heardFrom(message)),
      })
    } catch (error) {
      this.#nodes = undefined
      throw error
    }
    this.#ownHeard = clock.now()
    const renew = (): void => {
      if (this.#isClosed) return
      nodes.send(JSON.stringify({ n: node, op: 'alive' } satisfies NodeMessage))
      this.#expire()
      this.#renewal = clock.after(leaseMs / 3, renew, false)
    }
    renew()
    return nodes
  }

  /** Takes a message of another process. Reports anything else. */
  #read(topic: string, content: BrokerContent, take: (message: NodeMessage) => void): void {
    let message: NodeMessage
    try {
      message = readNodeMessage(topic, content)
    } catch (error) {
      this.#settings.report(error)
      return
    }
    take(message)
  }

  #heardFrom({ n, op }: NodeMessage): void {
    const { clock, node } = this.#settings
    if (op === 'bye') {
      this.#heard.delete(n)
      this.#dropNode(n)
    } else if (n !== node) {
      this.#heard.set(n, clock.now())
    } else {
      this.#ownHeard = clock.now()
      if (this.#isStale) this.#refresh()
    }
  }

  /** The broker is back: the others count from now on, and are asked for their members. */
  #refresh(): void {
    const now = this.#settings.clock.now()
    for (const node of this.#heard.keys()) this.#heard.set(node, now)
    this.#isStale = false
    this.#settings.staleChanged()
    for (const topic of this.#topics.values()) {
      this.#announce(topic)
      this.#ask(topic)
      this.#tellView(topic)
    }
  }

  #expire(): void {
    const { clock, leaseMs } = this.#settings
    const now = clock.now()
    if (now - this.#ownHeard > leaseMs) {
      if (this.#isStale) return
      this.#isStale = true
      this.#settings.staleChanged()
      for (const topic of this.#topics.values()) this.#tellView(topic)
      return
    }
    for (const [node, heard] of this.#heard) {
      if (now - heard <= leaseMs) continue
      this.#heard.delete(node)
      this.#dropNode(node)
    }
    for (const topic of this.#topics.values()) {
      const waitedMs = now - topic.askedAt
      if (topic.answered !== undefined && waitedMs > leaseMs) this.#dropSilent(topic)
      if (waitedMs > leaseMs * leasesPerQuestion) this.#ask(topic)
    }
  }

  /** Drops the members of processes that do not know the topic any more. */
  #dropSilent(topic: TopicPresence): void {
    for (const [user, { nodes }] of topic.members) {
      for (const node of [...nodes]) {
        if (node !== this.#settings.node && !topic.answered!.has(node)) this.#remove(topic, node, user)
      }
    }
    topic.answered = undefined
  }

  #ask(topic: TopicPresence): void {
    topic.answered = new Set()
    topic.askedAt = this.#settings.clock.now()
    this.#send(topic, { n: this.#settings.node, op: 'ask' })
  }

  #dropNode(node: string): void {
    for (const topic of this.#topics.values()) {
      for (const [user, { nodes }] of topic.members) if (nodes.has(node)) this.#remove(topic, node, user)
    }
  }

  #received(topic: TopicPresence, message: NodeMessage): void {
    const { n } = message
    if (n === this.#settings.node) return
    if (!this.#heard.has(n)) this.#heard.set(n, this.#settings.clock.now())
    if (message.op === 'all' || message.op === 'join') topic.answered?.add(n)
    switch (message.op) {
      case 'ask':
        this.#announce(topic)
        break
      case 'join':
        this.#add(topic, n, message.user, message.info)
        break
      case 'leave':
        this.#remove(topic, n, message.user)
        break
      case 'all': {
        const there = new Set(message.members.map(({ user }) => user))
        for (const [user, { nodes }] of topic.members)
          if (nodes.has(n) && !there.has(user)) this.#remove(topic, n, user)
        for (const { user, info } of message.members) this.#add(topic, n, user, info)
        break
      }
      default:
    }
  }

  #announce(topic: TopicPresence): void {
    const members = [...topic.local].map(([user, [first]]) => memberOf(user, first!.info))
    this.#send(topic, { n: this.#settings.node, op: 'all', members })
  }

  #send(topic: TopicPresence, message: NodeMessage): void {
    topic.topic?.send(JSON.stringify(message))
  }

  #add(topic: TopicPresence, node: string, user: string, info: Json | undefined): void {
    const present = topic.members.get(user)
    if (present !== undefined) {
      present.nodes.add(node)
      return
    }
    if (topic.members.size >= this.#settings.maxMembers) return
    topic.members.set(user, { info, nodes: new Set([node]) })
    topic.version += 1
    this.#tell(topic, { t: 'join', topic: topic.name, ...memberOf(user, info), version: topic.version })
  }

  #remove(topic: TopicPresence, node: string, user: string): void {
    const present = topic.members.get(user)
    if (present?.nodes.delete(node) !== true || present.nodes.size > 0) return
    topic.members.delete(user)
    topic.version += 1
    this.#tell(topic, { t: 'leave', topic: topic.name, user, version: topic.version })
  }

  #tell(topic: TopicPresence, message: MembersMessage): void {
    if (topic.watchers.size === 0) return
    const prepared = this.#settings.prepare(JSON.stringify(message))
    for (const watcher of topic.watchers) watcher.sendPrepared(prepared)
  }

  #tellView(topic: TopicPresence): void {
    if (topic.watchers.size > 0) this.#tell(topic, { t: 'here', topic: topic.name, ...this.view(topic.name) })
  }

  #forgetUnused(topic: TopicPresence): void {
    if (topic.local.size > 0 || topic.watchers.size > 0) return
    this.#topics.delete(topic.name)
    this.#leaveTopic(topic)
  }

  #leaveTopic(topic: TopicPresence): void {
    topic.isLeft = true
    topic.topic?.leave()
  }
}

function memberOf(user: string, info: Json | undefined): Member {
  return info === undefined ? { user } : { user, info }
}

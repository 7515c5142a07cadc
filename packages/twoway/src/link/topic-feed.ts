import type { TopicPosition } from '../ports/broker/topic-position.js'
import type {
  MembersMessage,
  OkMessage,
  SubscribeMessage,
  TopicDataMessage,
  TopicVolatileMessage,
  WirePosition,
} from '../subprotocol/messages.js'
import { positionOf } from '../subprotocol/positions.js'
import { isPattern } from '../topics/topic-name.js'
import type { LinkSubscription, Member, SubscribeOptions, TopicMessage } from './link-types.js'
import type { Sized } from './server-message.js'
import { Unread } from './unread.js'

export type MessageListener = (message: TopicMessage) => void

/** Topics of a pattern whose last position is remembered. */
const mostTopics = 1000

/** One topic or pattern of a link: its position, its listener, and its members. */
export class TopicFeed implements LinkSubscription {
  declare readonly topic: string
  declare readonly options: SubscribeOptions
  declare readonly isPattern: boolean
  /** The last position of each topic. */
  readonly positions = new Map<string, WirePosition>()
  /** Whether the server's answer to our last `sub` has come, so that its messages count. */
  isLive = false
  #hasStarted = false
  readonly #members = new Map<string, Member>()
  readonly #listener: MessageListener | undefined
  readonly #loops = new Set<Unread<TopicMessage>>()
  /** Set once it is over: refused, left, or closed with the link. */
  ended: { readonly error: Error | undefined } | undefined
  readonly #leave: () => void

  constructor(
    topic: string,
    options: SubscribeOptions,
    at: WirePosition | undefined,
    listener: MessageListener | undefined,
    leave: () => void,
  ) {
    this.topic = topic
    this.options = options
    this.isPattern = isPattern(topic)
    this.#listener = listener
    this.#leave = leave
    if (at) this.positions.set(topic, at)
  }

  get position(): TopicPosition | undefined {
    const at = this.positions.get(this.topic)
    return at && positionOf(at)
  }

  /** The question to the server, which goes on where this feed stands. */
  question(): Omit<SubscribeMessage, 'id'> {
    const { last, presence, slow } = this.options
    this.isLive = false
    return {
      t: 'sub',
      topic: this.topic,
      at: this.positions.get(this.topic),
      last,
      who: presence ? true : undefined,
      slow,
      run: true,
    }
  }

  started({ at, count, recovered, reason }: OkMessage): void {
    // A pattern has no position of its own, so that its first start alone is whole.
    const isWhole = this.isPattern ? !this.#hasStarted : recovered !== false
    this.isLive = this.#hasStarted = true
    // The first of the older messages that follow has no predecessor here.
    if (count && recovered === undefined) this.positions.delete(this.topic)
    else if (at && !recovered) this.positions.set(this.topic, at)
    if (this.isPattern) this.positions.clear()
    this.#tell(isWhole ? undefined : (reason ?? 'pattern'), at)
  }

  /**
   * Takes a message. Returns false if a stored one before it is missing, and the server must be asked for it; the topics of a
   * pattern can't be resumed, and go on behind the gap. A message that was here already is dropped: it came with an answer
   * as well.
   */
  take(message: TopicMessage, received: (TopicDataMessage | TopicVolatileMessage) & Sized): boolean {
    const { positions } = this
    if (received.t === 'msg') {
      const { topic, at, prev } = received
      const [epoch, offset] = at
      const last = positions.get(topic)
      if (last?.[0] === epoch && offset <= last[1]) return true
      if (last && (last[0] !== epoch || last[2] !== prev)) {
        if (!this.isPattern) return false
        this.gap(topic, [epoch, offset - 1, prev], 'expired')
      }
      if (positions.size >= mostTopics) positions.clear()
      positions.set(topic, at)
    }
    this.#listener?.(message)
    for (const loop of this.#loops) loop.push(message, received)
    return true
  }

  /** Messages are missing, and the server could not fill the gap. */
  gap(topic: string, at: WirePosition, reason: string): void {
    this.positions.set(topic, at)
    this.#tell(reason, at)
  }

  #tell(reason: string | undefined, at: WirePosition | undefined): void {
    this.options.started?.({ recovered: reason === undefined, reason, position: at && positionOf(at) })
  }

  presence({ t, user, members, stale = false, info }: MembersMessage): void {
    const known = this.#members
    if (members) known.clear()
    for (const member of members ?? [{ user: user!, info }]) {
      if (t === 'leave') known.delete(member.user)
      else known.set(member.user, member)
    }
    this.options.presence?.({ members: [...known.values()], stale })
  }

  end(error?: Error): void {
    this.ended ??= { error }
    for (const loop of this.#loops) loop.end(error)
    if (error) this.options.refused?.(error)
  }

  unsubscribe(): void {
    this.#leave()
    this.end()
  }

  [Symbol.asyncIterator](): Unread<TopicMessage> {
    const loop = new Unread<TopicMessage>()
    loop.leave = () => this.unsubscribe()
    if (this.ended) loop.end(this.ended.error)
    this.#loops.add(loop)
    return loop
  }
}

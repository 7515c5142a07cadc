import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { MembersMessage, OkMessage, SubscribeMessage, WirePosition } from '../subprotocol/messages.js'
import { LinkError } from './link-error.js'
import type { LinkSubscription, Member, SubscribeOptions, TopicMessage } from './link-types.js'

export type MessageListener = (message: TopicMessage) => void

/** Messages that an iterator has not taken. More end it with an error, as nothing may be missing unnoticed. */
const mostUnread = 10_000
/** Topics of a pattern whose last position is remembered. */
const mostTopics = 1000

/** One topic or pattern of a link: its position, its listener, and its members. */
export class TopicFeed implements LinkSubscription {
  readonly topic: string
  readonly options: SubscribeOptions
  readonly isPattern: boolean
  /** The last position of each topic. */
  readonly positions = new Map<string, WirePosition>()
  /** Whether the server's answer to our last `sub` has come, so that its messages count. */
  isLive = false
  #hasStarted = false
  readonly #members = new Map<string, Member>()
  readonly #listeners = new Set<MessageListener>()
  readonly #enders = new Set<(error?: Error) => void>()
  readonly #leave: (feed: TopicFeed) => void

  constructor(
    topic: string,
    options: SubscribeOptions,
    listener: MessageListener | undefined,
    leave: (feed: TopicFeed) => void,
  ) {
    this.topic = topic
    this.options = options
    this.isPattern = /[*>]/.test(topic)
    this.#leave = leave
    if (listener !== undefined) this.#listeners.add(listener)
    const { position } = options
    if (position !== undefined) this.positions.set(topic, [position.epoch, position.offset, position.mark])
  }

  get position(): TopicPosition | undefined {
    return positionOf(this.positions.get(this.topic))
  }

  /** The question to the server, which goes on where this feed stands. */
  question(id: number): SubscribeMessage {
    const { last, presence, slow } = this.options
    const at = this.isPattern ? undefined : this.positions.get(this.topic)
    this.isLive = false
    return {
      t: 'sub',
      id,
      topic: this.topic,
      ...(at === undefined ? last !== undefined && { last } : { at }),
      ...(presence !== undefined && { who: true }),
      ...(slow !== undefined && { slow }),
    }
  }

  started({ at, count = 0, recovered, reason }: OkMessage): void {
    const isFirst = !this.#hasStarted
    this.isLive = true
    this.#hasStarted = true
    // A pattern has no position of its own, so that its first start alone is whole.
    if (this.isPattern) this.positions.clear()
    // The first of the older messages that follow has no predecessor here.
    else if (recovered === undefined && count > 0) this.positions.delete(this.topic)
    else if (recovered !== true && at !== undefined) this.positions.set(this.topic, at)
    const isWhole = this.isPattern ? isFirst : recovered !== false
    this.options.started?.({
      recovered: isWhole,
      reason: isWhole ? undefined : (reason ?? 'pattern'),
      position: positionOf(at),
    })
  }

  /**
   * Takes a stored message. Returns false if one before it is missing. A message that was here already is dropped: it came
   * with an answer as well.
   */
  stored(message: TopicMessage, at: WirePosition, prev: string): boolean {
    const last = this.positions.get(message.topic)
    if (last !== undefined && last[0] === at[0] && at[1] <= last[1]) return true
    if (last !== undefined && (last[0] !== at[0] || last[2] !== prev)) return false
    this.positions.delete(message.topic)
    this.positions.set(message.topic, at)
    if (this.positions.size > mostTopics) this.positions.delete(this.positions.keys().next().value!)
    this.deliver(message)
    return true
  }

  deliver(message: TopicMessage): void {
    for (const listener of this.#listeners) listener(message)
  }

  /** Messages are missing, and the server could not fill the gap. */
  gap(topic: string, at: WirePosition, reason: string): void {
    this.positions.set(topic, at)
    this.options.started?.({ recovered: false, reason, position: positionOf(at) })
  }

  presence({ t, user, members, stale = false, info }: MembersMessage): void {
    const known = this.#members
    if (members !== undefined) {
      known.clear()
      for (const member of members) known.set(member.user, member)
    } else if (t === 'join') known.set(user!, info === undefined ? { user: user! } : { user: user!, info })
    else known.delete(user!)
    this.options.presence?.({ members: [...known.values()], stale })
  }

  end(error?: Error): void {
    for (const end of this.#enders) end(error)
    if (error !== undefined) this.options.refused?.(error)
  }

  unsubscribe(): void {
    this.#leave(this)
    this.end()
  }

  [Symbol.asyncIterator](): AsyncIterator<TopicMessage, undefined> {
    const unread: TopicMessage[] = []
    let waiting:
      | { resolve: (result: IteratorResult<TopicMessage, undefined>) => void; reject: (error: Error) => void }
      | undefined
    let ended: { readonly error: Error | undefined } | undefined
    const end = (error?: Error): void => {
      ended ??= { error }
      this.#listeners.delete(listener)
      this.#enders.delete(end)
      if (waiting === undefined) return
      if (error === undefined) waiting.resolve({ done: true, value: undefined })
      else waiting.reject(error)
    }
    const listener = (message: TopicMessage): void => {
      if (waiting !== undefined) {
        waiting.resolve({ done: false, value: message })
        waiting = undefined
      } else if (unread.push(message) > mostUnread) {
        end(new LinkError('full', `the loop has not taken ${mostUnread} messages: take them faster`))
      }
    }
    this.#listeners.add(listener)
    this.#enders.add(end)
    return {
      next: () =>
        new Promise((resolve, reject) => {
          const value = unread.shift()
          if (value !== undefined) resolve({ done: false, value })
          else if (ended === undefined) waiting = { resolve, reject }
          else if (ended.error === undefined) resolve({ done: true, value: undefined })
          else reject(ended.error)
        }),
      return: async () => {
        this.unsubscribe()
        return { done: true, value: undefined }
      },
    }
  }
}

export function positionOf(at: WirePosition | undefined): TopicPosition | undefined {
  return at === undefined ? undefined : { epoch: at[0], offset: at[1], mark: at[2] }
}

/** Whether a pattern matches a topic: `*` stands for one token, a last `>` for one or more. */
export function matches(pattern: string, topic: string): boolean {
  const tokens = topic.split('.')
  const wanted = pattern.split('.')
  if (wanted.at(-1) === '>') {
    wanted.pop()
    if (tokens.length <= wanted.length) return false
    tokens.length = wanted.length
  }
  return tokens.length === wanted.length && wanted.every((want, index) => want === '*' || want === tokens[index])
}

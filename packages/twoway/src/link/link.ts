import type { TopicPosition } from '../ports/broker/topic-position.js'
import type { RunMessage, WirePosition } from '../subprotocol/messages.js'
import { positionOf, wirePosition } from '../subprotocol/positions.js'
import { matches } from '../topics/topic-name.js'
import { LinkConnection } from './link-connection.js'
import { LinkError } from './link-error.js'
import { type LinkPlatform, longestTimerMs } from './link-platform.js'
import type {
  LinkData,
  LinkOptions,
  LinkStatus,
  LinkSubscription,
  Member,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  TopicMessage,
} from './link-types.js'
import { Questions } from './questions.js'
import { isText, type ReceivedMessage, type Sized } from './server-message.js'
import { storedPosition, storePositions } from './stored-positions.js'
import { type MessageListener, TopicFeed } from './topic-feed.js'
import { Unread } from './unread.js'

const storeEveryMs = 250

/**
 * A connection to a hub that lasts: it connects again after each loss, resumes its topics where they stood, and gives each
 * publish and request an end.
 */
export class LinkBase {
  readonly #options: LinkOptions
  readonly #platform: LinkPlatform
  readonly #connection: LinkConnection
  readonly #questions: Questions
  readonly #feeds = new Map<string, TopicFeed>()
  readonly #name: string
  #keys = 0
  #stopStoring: (() => void) | undefined

  constructor(url: string | URL, options: LinkOptions, on: LinkPlatform) {
    if (options.token && typeof options.token !== 'function') throw wrong('token', 'function', options.token)
    this.#options = options
    this.#platform = on
    this.#name = `${on.random()}${on.random()}`
    this.#connection = new LinkConnection(
      String(url),
      options,
      on,
      (message, data) => this.#received(message, data),
      // Topics do not wait for the welcome, which saves a round trip.
      () => {
        for (const feed of this.#feeds.values()) this.#start(feed)
      },
      (token) => this.#questions.ask({ t: 'auth', token }),
    )
    this.#questions = new Questions(options, on, this.#connection)
    this.#connection.connect()
    const stopListening = on.onPage(
      () => this.#connection.woke(),
      () => this.#store(),
    )
    // The first listener, so that the error of another one does not keep the questions from being asked.
    this.#connection.onStatus(({ state, why }) => {
      if (state === 'online') return this.#questions.online()
      for (const feed of this.#feeds.values()) feed.isLive = false
      this.#questions.lost(why)
      if (state === 'closed') {
        stopListening()
        this.#store()
        this.#questions.close(why)
        for (const feed of this.#feeds.values()) feed.end(new LinkError('closed', why))
      }
    })
  }

  /** Where the link stands: an object that is replaced, never changed. */
  get status(): LinkStatus {
    return this.#connection.status
  }

  /** Calls back after each change of `status`. Returns a function that ends it. */
  onStatus(listener: (status: LinkStatus) => void): () => void {
    return this.#connection.onStatus(listener)
  }

  /**
   * Subscribes to a topic or pattern, now and on each later connection. The listener gets each message once and in order;
   * without one, read the result by `for await`. Throws a LinkError if this link subscribes to it already,
   * and a TypeError for a wrong argument.
   */
  subscribe(topic: string, listener?: MessageListener, options: SubscribeOptions = {}): LinkSubscription {
    this.#connection.refuseClosed()
    const { last = 0 } = options
    if (!isText(topic)) throw wrong('topic', 'string', topic)
    if (last >>> 0 !== last) throw wrong('last', 'whole number', last)
    if (listener && typeof listener !== 'function') throw wrong('listener', 'function', listener)
    if (this.#feeds.has(topic)) throw new LinkError('subscribed', `"${topic}" is subscribed already`)
    const { position } = options
    const at = position ? wirePosition(position) : storedPosition(this.#options.storage, this.#connection.url, topic)
    const feed = new TopicFeed(topic, options, at, listener, () => {
      if (feed.ended) return
      this.#store()
      this.#feeds.delete(topic)
      if (this.#connection.isLive) this.#questions.askNow({ t: 'unsub', topic })
    })
    this.#feeds.set(topic, feed)
    if (this.#connection.isLive) this.#start(feed)
    return feed
  }

  /**
   * Publishes, and resolves to the position of the stored message; to undefined if the topic stores nothing. It waits for a
   * connection, and is repeated after a loss; it takes effect once. Rejects with a LinkError,
   * and with a TypeError for a topic that is no string, or data that JSON does not have.
   */
  async publish(topic: string, data: LinkData, options: PublishOptions = {}): Promise<TopicPosition | undefined> {
    const { volatile, key, timeoutMs } = options
    if (!isText(topic)) throw wrong('topic', 'string', topic)
    // undefined, functions and symbols, which JSON.stringify leaves out or makes null of.
    if (/^(u|f|sy)/.test(typeof data)) throw wrong('data', 'JSON value', data)
    if (volatile) {
      if (this.status.state === 'online') this.#connection.send({ t: 'vol', topic, key }, data)
      return undefined
    }
    const { ok } = await this.#questions.ask({ t: 'pub', topic, key: key ?? this.#name + this.#keys++ }, data, {
      timeoutMs,
      repeat: true,
    })
    return ok.at && positionOf(ok.at)
  }

  /** Asks the server, and resolves to its answer. It always ends: rejects with a LinkError 'lost' if the connection is lost. */
  async request(method: string, data?: LinkData, options: RequestOptions = {}): Promise<LinkData> {
    return (await this.#request(method, data, options)).data
  }

  /**
   * Asks the server for an answer in parts. Leaving the loop cancels the request. A loop that leaves 10,000 parts or 16 MiB
   * unread ends with a LinkError 'full', and cancels it too.
   */
  async *stream(method: string, data?: LinkData, options: RequestOptions = {}): AsyncGenerator<LinkData, void> {
    const parts = new Unread<LinkData>()
    this.#request(method, data, { ...options, parts }).then(
      () => parts.end(),
      (error: unknown) => parts.end(error),
    )
    yield* parts
  }

  /** The stored messages of a topic: the newest ones, or all after a position. */
  async history(
    topic: string,
    { position, last = 100 }: { readonly last?: number; readonly position?: TopicPosition } = {},
  ): Promise<TopicMessage[]> {
    const messages: TopicMessage[] = []
    const at = position && wirePosition(position)
    const { ok } = await this.#questions.ask({ t: 'hist', topic, last, at }, undefined, {
      parts: { push: (data, part) => messages.push(messageOf(topic, data, part)) },
    })
    // Present only where `recovered` is false.
    if (ok.reason) throw new LinkError(ok.reason, 'messages are missing')
    return messages
  }

  /** The members of a topic. */
  async presence(topic: string): Promise<readonly Member[]> {
    return (await this.#questions.ask({ t: 'who', topic })).ok.members ?? []
  }

  /** Tries at once, if the link waits for its next attempt. */
  reconnect(): void {
    this.#connection.reconnect()
  }

  /** Ends the link for good. Publishes and requests that wait are rejected. */
  close(): void {
    this.#connection.close('the link was closed', 1000)
  }

  #request(method: string, data: LinkData = null, options: RequestOptions & { readonly parts?: Unread<LinkData> }) {
    // The server takes whole numbers from 0 on.
    const within = Math.min(options.timeoutMs ?? this.#questions.timeoutMs, longestTimerMs) >>> 0
    return this.#questions.ask({ t: 'req', method, within }, data, options)
  }

  #received(message: ReceivedMessage, data: LinkData): void {
    if (message.t === 'ok') this.#questions.answered(message, data)
    else if (message.t === 'part') this.#questions.part(message, data)
    else if (message.t === 'error') {
      // Our questions are numbered from 1 on.
      if (message.id) this.#questions.refused(message)
      else this.#connection.retryAfterMs = message.retry ?? 0
    } else if (message.t === 'run') this.#run(message)
    else if (message.t === 'msg' || message.t === 'vol' || message.t === 'gap') {
      const { topic } = message
      for (const feed of this.#feeds.values()) {
        if (!feed.isLive || (feed.topic !== topic && !(feed.isPattern && matches(feed.topic, topic)))) continue
        if (message.t === 'gap') feed.gap(topic, message.at, message.reason)
        // The server has broken its promise and skipped a message: the link asks for all after the last one.
        else if (!feed.take(messageOf(topic, data, message), message)) this.#start(feed)
      }
      if (this.#options.storage) this.#stopStoring ??= this.#platform.after(storeEveryMs, () => this.#store())
    } else if (message.t === 'here' || message.t === 'join' || message.t === 'leave') {
      this.#feeds.get(message.topic)?.presence(message)
    }
  }

  #run({ topic, at, items, size }: RunMessage & Sized): void {
    let [epoch, offset, prev] = at
    for (const [mark, data, from] of items) {
      offset += 1
      const message: ReceivedMessage = {
        t: 'msg',
        topic,
        at: [epoch, offset, mark],
        prev,
        from,
        size: size / items.length,
      }
      prev = mark
      try {
        this.#received(message, data)
      } catch (error) {
        // The error of a listener does not keep back later messages.
        void Promise.reject(error)
      }
    }
  }

  #start(feed: TopicFeed): void {
    this.#questions.askNow(
      feed.question(),
      ({ ok }) => {
        if (!feed.ended) feed.started(ok)
      },
      (error) => {
        if (feed.ended || error.code === 'lost') return
        if (error.retryAfterMs) {
          this.#platform.after(error.retryAfterMs, () => {
            if (this.status.state === 'online' && !feed.isLive && !feed.ended) this.#start(feed)
          })
        } else {
          this.#feeds.delete(feed.topic)
          feed.end(error)
        }
      },
    )
  }

  #store(): void {
    this.#stopStoring?.()
    this.#stopStoring = undefined
    storePositions(this.#options.storage, this.#connection.url, this.#feeds.values())
  }
}

/** The error for a wrong argument. */
function wrong(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`${name} must be a ${expected}, not ${value}`)
}

interface Carrier {
  readonly from?: string | undefined
  readonly at?: WirePosition
  readonly key?: string
}

/** The message of a topic, as the application gets it. */
function messageOf(topic: string, data: LinkData, { from, at, key }: Carrier): TopicMessage {
  return { topic, data, from, position: at && positionOf(at), key }
}

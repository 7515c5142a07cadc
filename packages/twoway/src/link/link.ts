import type { TopicPosition } from '../ports/broker/topic-position.js'
import {
  type ClientMessage,
  type ErrorMessage,
  type Json,
  type MembersMessage,
  type OkMessage,
  type PartMessage,
  type ServerMessage,
  subprotocolName,
  type WelcomeMessage,
} from '../subprotocol/messages.js'
import { LinkError } from './link-error.js'
import type { LinkPlatform } from './link-platform.js'
import type {
  LinkData,
  LinkOptions,
  LinkSocket,
  LinkStatus,
  LinkSubscription,
  Member,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
  TopicMessage,
} from './link-types.js'
import * as platform from './platform.js'
import { type MessageListener, matches, positionOf, TopicFeed } from './topic-feed.js'

/** A question without an answer: it waits for a connection, or has been sent. */
interface Asked {
  readonly message: ClientMessage & { readonly id: number }
  readonly body: Uint8Array | undefined
  readonly bytes: number
  /** Whether it is sent again on the next connection. Another question is lost with its connection. */
  readonly isRepeated: boolean
  isSent: boolean
  /** Whether it was ever sent, on this or an earlier connection. */
  wasSent: boolean
  stopTimer: () => void
  part?: (part: PartMessage, data: LinkData) => void
  answered(ok: OkMessage, data: LinkData): void
  failed(error: LinkError): void
}

type QuestionOf<Message> = Message extends { readonly id: number } ? Omit<Message, 'id'> : never

const firstWaitMs = 500
/** A server that restarts asks for another attempt by this code, RFC 6455's registry. */
const serviceRestart = 1012
const tryAgainLater = 1013
const credentialsRefused = 4401
/** Close codes after which another attempt would end the same way. */
const final = new Set([4400, 4403])
const heartbeatAnswerMs = 8000
const storeEveryMs = 250

/**
 * A connection to a hub that lasts: it connects again after each loss, resumes its topics where they stood, and gives each
 * publish and request an end.
 */
export class LinkBase {
  readonly #url: string
  readonly #options: LinkOptions
  readonly #platform: LinkPlatform
  readonly #listeners = new Set<(status: LinkStatus) => void>()
  readonly #feeds = new Map<string, TopicFeed>()
  readonly #asked = new Map<number, Asked>()
  #status: LinkStatus = { state: 'connecting', why: 'the link was made', nextAttemptAt: undefined, user: undefined }
  #socket: LinkSocket | undefined
  #header: ServerMessage | undefined
  /** Failed attempts since the link was online. */
  #failures = 0
  #nextId = 1
  #keys = 0
  #waitingBytes = 0
  #heardAt = 0
  #leastWaitMs = 0
  #stopAttempt: () => void = () => undefined
  #stopHeartbeat: () => void = () => undefined
  #stopExpiry: () => void = () => undefined
  #stopStoring: (() => void) | undefined
  readonly #stopListening: () => void
  readonly #name: string

  constructor(url: string | URL, options: LinkOptions, on: LinkPlatform) {
    if (options.token !== undefined && typeof options.token !== 'function') {
      throw new TypeError('token must be a function that returns the credentials')
    }
    this.#url = String(url)
    this.#options = options
    this.#platform = on
    this.#name = Array.from({ length: 4 }, () => on.random().toString(36).slice(2, 7)).join('')
    this.#stopListening = on.onPage(
      () => this.#woke(),
      () => this.#store(),
    )
    this.#connect()
  }

  /** Where the link stands: an object that is replaced, never changed. */
  get status(): LinkStatus {
    return this.#status
  }

  /** Calls back after each change of `status`. Returns a function that ends it. */
  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Subscribes to a topic or pattern, now and on each later connection. The listener gets each message once and in order;
   * without one, read the result by `for await`. Throws a LinkError if this link subscribes to it already.
   */
  subscribe(topic: string, listener?: MessageListener, options: SubscribeOptions = {}): LinkSubscription {
    this.#refuseClosed()
    const { last = 0 } = options
    if (typeof topic !== 'string' || !Number.isSafeInteger(last) || last < 0) {
      throw new TypeError('subscribe() takes a topic, a listener and options, whose `last` is a whole number')
    }
    if (this.#feeds.has(topic)) throw new LinkError('subscribed', `this link subscribes to "${topic}" already`)
    const feed = new TopicFeed(topic, options, listener, (left) => this.#unsubscribe(left))
    const stored = feed.position === undefined && !feed.isPattern ? this.#stored()[topic] : undefined
    if (stored !== undefined) feed.positions.set(topic, stored)
    this.#feeds.set(topic, feed)
    if (this.#isOnline) this.#start(feed)
    return feed
  }

  /**
   * Publishes, and resolves to the position of the stored message; to undefined if the topic stores nothing. It waits for a
   * connection, and is repeated after a loss; it takes effect once. Rejects with a LinkError.
   */
  publish(topic: string, data: LinkData, options: PublishOptions = {}): Promise<TopicPosition | undefined> {
    const { volatile = false, key, timeoutMs } = options
    if (volatile) {
      const message = { t: 'vol', topic, ...(key !== undefined && { key }), ...headerOf(data) } as const
      if (this.#isOnline) this.#send(message, bodyOf(data))
      return Promise.resolve(undefined)
    }
    this.#keys += 1
    const question = { t: 'pub', topic, key: key ?? `${this.#name}.${this.#keys}`, ...headerOf(data) } as const
    return this.#ask(question, data, { timeoutMs, isRepeated: true }).then(({ ok }) => positionOf(ok.at))
  }

  /** Asks the server, and resolves to its answer. It always ends: rejects with a LinkError 'lost' if the connection is lost. */
  request(method: string, data: LinkData = null, options: RequestOptions = {}): Promise<LinkData> {
    return this.#ask(this.#requestOf(method, data, options), data, options).then((answer) => answer.data)
  }

  /** Asks the server for an answer in parts. Leaving the loop cancels the request. */
  async *stream(method: string, data: LinkData = null, options: RequestOptions = {}): AsyncGenerator<LinkData, void> {
    const parts: LinkData[] = []
    let wake: () => void = () => undefined
    let end: { readonly error?: unknown } | undefined
    const leaving = new platform.AbortController()
    const leave = (): void => leaving.abort()
    if (options.signal?.aborted === true) leave()
    options.signal?.addEventListener('abort', leave)
    const part = (_: PartMessage, value: LinkData): void => {
      parts.push(value)
      wake()
    }
    this.#ask(this.#requestOf(method, data, options), data, { ...options, signal: leaving.signal, part })
      .then(
        () => (end = {}),
        (error: unknown) => (end = { error }),
      )
      .finally(() => wake())
    try {
      for (;;) {
        while (parts.length > 0) yield parts.shift()!
        if (end !== undefined) {
          if ('error' in end) throw end.error
          return
        }
        await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      options.signal?.removeEventListener('abort', leave)
      if (end === undefined) leave()
    }
  }

  /** The stored messages of a topic: the newest ones, or all after a position. */
  async history(
    topic: string,
    { last, position }: { readonly last?: number; readonly position?: TopicPosition } = {},
  ): Promise<TopicMessage[]> {
    const messages: TopicMessage[] = []
    const at = position === undefined ? undefined : ([position.epoch, position.offset, position.mark] as const)
    const { ok } = await this.#ask({ t: 'hist', topic, ...(at === undefined ? { last: last ?? 100 } : { at }) }, null, {
      part: (part, data) =>
        messages.push({ topic, data, from: part.from, position: positionOf(part.at), key: undefined }),
    })
    if (ok.recovered === false)
      throw new LinkError(ok.reason ?? 'expired', 'the messages after this position are not whole')
    return messages
  }

  /** The members of a topic. */
  async presence(topic: string): Promise<readonly Member[]> {
    const { ok } = await this.#ask({ t: 'who', topic }, null, {})
    return ok.members ?? []
  }

  /** Tries at once, if the link waits for its next attempt. */
  reconnect(): void {
    if (this.#status.state === 'offline') this.#connect()
  }

  /** Ends the link for good. What waits is rejected. */
  close(): void {
    this.#close('the link was closed', 1000)
  }

  // The connection.

  get #isOnline(): boolean {
    return this.#status.state === 'online'
  }

  #change(state: LinkStatus['state'], why = '', nextAttemptAt?: number, user?: string): void {
    this.#status = { state, why, nextAttemptAt, user }
    for (const listener of this.#listeners) listener(this.#status)
  }

  #connect(): void {
    this.#stopAttempt()
    this.#change('connecting', this.#status.why)
    const { token, connectTimeoutMs = 10_000, WebSocket } = this.#options
    let socket: LinkSocket
    try {
      socket = new WebSocket!(this.#url, [subprotocolName])
    } catch (error) {
      this.#close(String(error))
      throw error
    }
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    // An old socket's late events are ignored.
    const isOurs = (): boolean => this.#socket === socket
    const token$ = Promise.resolve().then(() => token?.())
    // It is looked at when the connection is open.
    token$.catch(() => undefined)
    let problem: unknown
    socket.onopen = async () => {
      if (!isOurs()) return
      if (socket.protocol !== subprotocolName) {
        this.#close(`the server does not speak ${subprotocolName}: its handlers must be those of a hub`)
        return
      }
      try {
        const value = await token$
        if (isOurs()) this.#send({ t: 'hello', ...(value !== undefined && { token: value }) })
      } catch (error) {
        if (isOurs()) this.#lost(`the token could not be had: ${error}`)
      }
    }
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
      if (isOurs()) this.#received(data)
    }
    socket.onerror = (event: { error?: unknown }) => {
      problem = event.error
    }
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      if (!isOurs()) return
      const { message, headers } = (problem ?? {}) as {
        message?: string
        headers?: { get(name: string): string | null }
      }
      const retryAfter = Number(headers?.get?.('retry-after'))
      if (retryAfter > 0) this.#leastWaitMs = retryAfter * 1000
      const why = reason || message || `the connection was lost (${code})`
      if (final.has(code) || (code === credentialsRefused && token === undefined)) this.#close(why)
      else this.#lost(why, code)
    }
    this.#stopAttempt = this.#platform.after(connectTimeoutMs, () => this.#lost('the attempt took too long'))
  }

  /** The connection is no more: waits, and tries again. */
  #lost(why: string, code = 0): void {
    this.#drop()
    this.#failures += 1
    const { maxWaitMs = 30_000 } = this.#options
    // Full jitter: clients that lost their server together do not come back together.
    const most = Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(this.#failures, 16))
    const isBusy = code === serviceRestart || code === tryAgainLater
    const least = Math.max(this.#leastWaitMs, code === tryAgainLater ? firstWaitMs * 2 : 0)
    const waitMs = least + this.#platform.random() * Math.max(most, isBusy ? firstWaitMs * 4 : 0)
    this.#leastWaitMs = 0
    this.#stopAttempt = this.#platform.after(waitMs, () => this.#connect())
    this.#change('offline', why, this.#platform.now() + waitMs)
  }

  /** Forgets the socket, which is closed and can't be heard any more. */
  #drop(code?: number): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#header = undefined
    this.#stopAttempt()
    this.#stopHeartbeat()
    this.#stopExpiry()
    socket?.close(code)
    for (const feed of this.#feeds.values()) feed.isLive = false
    for (const asked of [...this.#asked.values()]) {
      if (!asked.isSent) continue
      asked.isSent = false
      if (!asked.isRepeated) this.#fail(asked, new LinkError('lost', 'the connection was lost before the answer', true))
    }
  }

  #close(why: string, code?: number): void {
    if (this.#status.state === 'closed') return
    this.#drop(code)
    this.#stopListening()
    this.#store()
    this.#change('closed', why)
    const error = (mayHaveHappened: boolean) => new LinkError('closed', why, mayHaveHappened)
    for (const asked of [...this.#asked.values()]) this.#fail(asked, error(asked.wasSent))
    for (const feed of [...this.#feeds.values()]) feed.end(error(false))
    this.#feeds.clear()
  }

  #refuseClosed(): void {
    if (this.#status.state === 'closed') throw new LinkError('closed', `the link is closed: ${this.#status.why}`)
  }

  /** The machine or the page may have slept. */
  #woke(): void {
    if (this.#status.state === 'offline') this.#connect()
    else if (this.#isOnline) this.#checkAlive()
  }

  #checkAlive(): void {
    this.#stopHeartbeat()
    const askedAt = this.#platform.now()
    this.#send({ t: 'ping' })
    this.#stopHeartbeat = this.#platform.after(heartbeatAnswerMs, () => {
      if (this.#heardAt < askedAt) this.#lost('the server does not answer')
      else this.#watch()
    })
  }

  #watch(): void {
    const { heartbeatMs = 25_000 } = this.#options
    const idleMs = this.#platform.now() - this.#heardAt
    this.#stopHeartbeat = this.#platform.after(Math.max(0, heartbeatMs - idleMs), () => {
      if (this.#platform.now() - this.#heardAt >= heartbeatMs) this.#checkAlive()
      else this.#watch()
    })
  }

  // The server's messages.

  #received(received: string | ArrayBuffer): void {
    this.#heardAt = this.#platform.now()
    const header = this.#header
    if (typeof received !== 'string') {
      this.#header = undefined
      if (header !== undefined) this.#take(header, new Uint8Array(received))
      return
    }
    const message = JSON.parse(received) as ServerMessage & { bin?: true; data?: Json }
    if (message.bin === true) this.#header = message
    else this.#take(message, message.data ?? null)
  }

  #take(message: ServerMessage, data: LinkData): void {
    switch (message.t) {
      case 'welcome':
        this.#welcome(message)
        break
      case 'ok':
        this.#answered(message, data)
        break
      case 'part':
        this.#asked.get(message.id)?.part?.(message, data)
        break
      case 'error':
        this.#refused(message)
        break
      case 'msg': {
        const { topic, at, prev, from } = message
        const position = positionOf(at)
        for (const feed of this.#feedsOf(topic)) {
          if (!feed.stored({ topic, data, from, position, key: undefined }, at, prev)) this.#missing(feed, topic)
        }
        this.#storeLater()
        break
      }
      case 'vol': {
        const { topic, key, from } = message
        for (const feed of this.#feedsOf(topic)) feed.deliver({ topic, data, from, position: undefined, key })
        break
      }
      case 'gap':
        for (const feed of this.#feedsOf(message.topic)) feed.gap(message.topic, message.at, message.reason)
        break
      case 'join':
      case 'leave':
      case 'here':
        this.#feeds.get(message.topic)?.presence(message as MembersMessage)
        break
      default:
    }
  }

  #feedsOf(topic: string): TopicFeed[] {
    const own = this.#feeds.get(topic)
    const feeds = own?.isLive === true ? [own] : []
    for (const feed of this.#feeds.values()) {
      if (feed.isPattern && feed.isLive && matches(feed.topic, topic)) feeds.push(feed)
    }
    return feeds
  }

  /** The server skipped a message, unlike what it promises: asks it for what follows the last one. */
  #missing(feed: TopicFeed, topic: string): void {
    if (!feed.isPattern) this.#start(feed)
    else feed.positions.delete(topic)
  }

  #welcome({ expires, user }: WelcomeMessage): void {
    this.#failures = 0
    this.#stopAttempt()
    this.#change('online', '', undefined, user)
    this.#renewLater(expires)
    this.#watch()
    for (const feed of this.#feeds.values()) this.#start(feed)
    for (const asked of this.#asked.values()) if (!asked.isSent) this.#sendAsked(asked)
  }

  #renewLater(expires: number | undefined): void {
    const { token } = this.#options
    if (expires === undefined || token === undefined) return
    this.#stopExpiry = this.#platform.after(expires * 0.8, async () => {
      const socket = this.#socket
      try {
        const value = await token()
        if (this.#socket !== socket) return
        const { ok } = await this.#ask({ t: 'auth', token: value }, null, {})
        this.#renewLater(ok.expires)
      } catch {
        // The server ends the connection when the old credentials expire, and the next attempt asks for new ones.
      }
    })
  }

  #answered(ok: OkMessage, data: LinkData): void {
    const asked = this.#asked.get(ok.id)
    if (asked === undefined) return
    this.#end(asked)
    asked.answered(ok, data)
  }

  #refused({ id, code, message, path, retry }: ErrorMessage): void {
    if (retry !== undefined && id === undefined) this.#leastWaitMs = retry
    const asked = id === undefined ? undefined : this.#asked.get(id)
    if (asked === undefined) return
    const mayHaveHappened = code === 'failed' || code === 'timeout' || code === 'unavailable' || code === 'cancelled'
    this.#fail(asked, new LinkError(code, message, mayHaveHappened, path, retry))
  }

  // Topics.

  #start(feed: TopicFeed): void {
    this.#askNow(feed.question(this.#nextId), {
      answered: (ok) => {
        if (this.#feeds.get(feed.topic) === feed) feed.started(ok)
      },
      failed: (error) => {
        if (this.#feeds.get(feed.topic) !== feed || error.code === 'lost' || error.code === 'closed') return
        if (error.retryAfterMs !== undefined) {
          this.#platform.after(error.retryAfterMs, () => {
            if (this.#isOnline && !feed.isLive && this.#feeds.get(feed.topic) === feed) this.#start(feed)
          })
          return
        }
        this.#feeds.delete(feed.topic)
        feed.end(error)
      },
    })
  }

  #unsubscribe(feed: TopicFeed): void {
    if (this.#feeds.get(feed.topic) !== feed) return
    this.#feeds.delete(feed.topic)
    if (!this.#isOnline) return
    this.#askNow(
      { t: 'unsub', id: this.#nextId, topic: feed.topic },
      { answered: () => undefined, failed: () => undefined },
    )
  }

  get #storageKey(): string {
    return `twoway ${this.#url}`
  }

  #stored(): Record<string, readonly [string, number, string] | undefined> {
    try {
      return JSON.parse(this.#options.storage?.getItem(this.#storageKey) ?? '{}')
    } catch {
      return {}
    }
  }

  #storeLater(): void {
    if (this.#options.storage === undefined) return
    this.#stopStoring ??= this.#platform.after(storeEveryMs, () => this.#store())
  }

  #store(): void {
    this.#stopStoring?.()
    this.#stopStoring = undefined
    const positions = this.#stored()
    for (const { topic, isPattern, positions: known } of this.#feeds.values()) {
      const at = known.get(topic)
      if (!isPattern && at !== undefined) positions[topic] = at
    }
    try {
      this.#options.storage?.setItem(this.#storageKey, JSON.stringify(positions))
    } catch {
      // A full storage costs the resume over a reload, and nothing else.
    }
  }

  // Questions and their answers.

  #requestOf(method: string, data: LinkData, { timeoutMs = this.#options.timeoutMs ?? 30_000 }: RequestOptions) {
    return { t: 'req', method, within: timeoutMs, ...headerOf(data) } as const
  }

  #ask(
    question: QuestionOf<ClientMessage>,
    data: LinkData,
    {
      timeoutMs = this.#options.timeoutMs ?? 30_000,
      signal,
      isRepeated = false,
      part,
    }: RequestOptions & { readonly isRepeated?: boolean; readonly part?: Asked['part'] },
  ): Promise<{ readonly ok: OkMessage; readonly data: LinkData }> {
    return new Promise((resolve, reject) => {
      this.#refuseClosed()
      signal?.throwIfAborted()
      const id = this.#nextId++
      const body = bodyOf(data)
      const message = { ...question, id } as Asked['message']
      const bytes = body?.length ?? JSON.stringify(question).length
      const { maxWaiting = 1000, maxWaitingBytes = 1 << 20 } = this.#options
      if (this.#asked.size >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes) {
        throw new LinkError('full', `${this.#asked.size} publishes and requests wait already: wait for their answers`)
      }
      const cancel = (): void => {
        if (!this.#asked.has(id)) return
        if (asked.isSent) this.#send({ t: 'cancel', id })
        this.#end(asked)
        reject(signal?.reason)
      }
      const done = (): void => signal?.removeEventListener('abort', cancel)
      const asked: Asked = {
        message,
        body,
        bytes,
        isRepeated,
        isSent: false,
        wasSent: false,
        stopTimer: this.#platform.after(timeoutMs, () => {
          const why = this.#isOnline ? '' : `: the link is ${this.#status.state}, ${this.#status.why}`
          this.#fail(asked, new LinkError('timeout', `no answer came within ${timeoutMs} ms${why}`, asked.wasSent))
        }),
        ...(part !== undefined && { part }),
        answered(ok, value) {
          done()
          resolve({ ok, data: value })
        },
        failed(error) {
          done()
          reject(error)
        },
      }
      signal?.addEventListener('abort', cancel)
      this.#waitingBytes += bytes
      this.#asked.set(id, asked)
      if (this.#isOnline) this.#sendAsked(asked)
    })
  }

  /** Asks on this connection alone. */
  #askNow(message: Asked['message'], ends: Pick<Asked, 'answered' | 'failed'>): void {
    this.#nextId += 1
    const asked: Asked = {
      message,
      body: undefined,
      bytes: 0,
      isRepeated: false,
      isSent: false,
      wasSent: false,
      stopTimer: () => undefined,
      ...ends,
    }
    this.#asked.set(message.id, asked)
    this.#sendAsked(asked)
  }

  #sendAsked(asked: Asked): void {
    asked.isSent = true
    asked.wasSent = true
    this.#send(asked.message, asked.body)
  }

  #send(message: ClientMessage, body?: Uint8Array): void {
    this.#socket?.send(JSON.stringify(message))
    if (body !== undefined) this.#socket?.send(body as Uint8Array<ArrayBuffer>)
  }

  #fail(asked: Asked, error: LinkError): void {
    if (!this.#asked.has(asked.message.id)) return
    this.#end(asked)
    asked.failed(error)
  }

  #end(asked: Asked): void {
    asked.stopTimer()
    this.#waitingBytes -= asked.bytes
    this.#asked.delete(asked.message.id)
  }
}

function headerOf(data: LinkData): { readonly data: Json } | { readonly bin: true } {
  return ArrayBuffer.isView(data) ? { bin: true } : { data }
}

function bodyOf(data: LinkData): Uint8Array | undefined {
  return ArrayBuffer.isView(data) ? data : undefined
}

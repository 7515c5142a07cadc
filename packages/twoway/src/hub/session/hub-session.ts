import type { SendResult } from '../../core/connection-types.js'
import { isThenable } from '../../core/is-thenable.js'
import type { PreparedMessage } from '../../core/prepared-message.js'
import { isUint8Array } from '../../core/value-kinds.js'
import type { BrokerContent } from '../../ports/broker/broker.js'
import type { Timer } from '../../ports/clock.js'
import {
  type ClientMessage,
  type ErrorCode,
  errorCodes,
  type Json,
  type OkMessage,
  type ServerMessage,
  type SubscribeMessage,
} from '../../subprotocol/messages.js'
import { faultOfPattern, faultOfTopic, isPattern, matches } from '../../topics/topic-name.js'
import type { HubCore } from '../hub-core.js'
import { countOne } from '../hub-counts.js'
import { HubError } from '../hub-error.js'
import type { HubClient, HubData, Identity, Permission, RequestRule } from '../hub-types.js'
import { checkSchema, SchemaFault, type StandardSchema } from '../schema.js'
import { encodeContent } from '../topics/content.js'
import { type Frames, type HubMessage, partOf, positionOf, wirePosition } from '../topics/hub-message.js'
import { HubTopic } from '../topics/hub-topic.js'
import { type SubscribedClient, Subscription } from '../topics/subscription.js'
import type { PatternRule } from '../topics/topic-rules.js'
import { readClientMessage } from './client-messages.js'
import { PendingRequests } from './pending-requests.js'

/** The connection of a session. */
export interface SessionSocket {
  readonly id: string
  readonly request: unknown
  /** What the server's `upgrade` returned. */
  readonly data: unknown
  send(message: string | Uint8Array): SendResult
  sendPrepared(message: PreparedMessage): SendResult
  pause(): void
  resume(): void
  close(code: number, reason: string): void
}

type MessageOf<Type> = Extract<ClientMessage, { readonly t: Type }>

/** A client's message, with the binary message that followed it. */
interface Received<Message = ClientMessage> {
  readonly message: Message
  readonly body: Uint8Array | undefined
}

/** Messages of one client that wait for a decision on an earlier one. From then on, the connection is not read. */
const mostWaiting = 16
/** Messages of one client that take effect in a turn of the event loop: the others' turn comes then. */
const mostInTurn = 32

/**
 * One client that speaks twoway.1: from its `hello` to the end of its connection. Its messages take effect in their order:
 * one that waits for a permission, a schema or the broker holds up the next. Answers to publishes and requests do not.
 */
export class HubSession implements SubscribedClient, HubClient {
  readonly id: string
  readonly request: unknown
  readonly #core: HubCore
  readonly #socket: SessionSocket
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #requests: PendingRequests
  #state: 'new' | 'open' | 'closed' = 'new'
  #identity: Identity = {}
  #expiry: Timer | undefined
  /** A header whose binary message has not come. */
  #header: ClientMessage | undefined
  readonly #waiting: Received[] = []
  #isBusy = false
  #turn = -1
  #inTurn = 0
  #publishes = 0
  #hasRoom = true
  #behind = new Set<Subscription>()
  #whenRoom: (() => void)[] = []

  constructor(core: HubCore, socket: SessionSocket) {
    this.#core = core
    this.#socket = socket
    this.id = socket.id
    this.request = socket.request
    this.#requests = new PendingRequests(core.clock)
    const { helloTimeoutMs } = core.limits
    this.#expiry = core.clock.after(
      helloTimeoutMs,
      () => this.#end('unauthorized', `no hello was answered within ${helloTimeoutMs} ms`),
      false,
    )
  }

  get user(): string {
    return this.#identity.user ?? this.id
  }

  get info(): Json | undefined {
    return this.#identity.info
  }

  get claims(): unknown {
    return this.#identity.claims
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  get hasRoom(): boolean {
    return this.#hasRoom
  }

  // What the connection tells.

  received(message: string | Uint8Array): void {
    if (this.#state === 'closed') return
    const header = this.#header
    if (typeof message !== 'string') {
      this.#header = undefined
      if (header === undefined) this.#end('malformed', 'a binary message must follow the message that announces it')
      else this.#take({ message: header, body: message })
      return
    }
    if (header !== undefined) {
      this.#end('malformed', 'a binary message was announced, and a text message came')
      return
    }
    const read = readClientMessage(message)
    if (typeof read === 'string') this.#end('malformed', read)
    else if ('bin' in read && read.bin === true) this.#header = read
    else this.#take({ message: read, body: undefined })
  }

  drained(): void {
    this.#hasRoom = true
    const behind = this.#behind
    this.#behind = new Set()
    for (const subscription of behind) subscription.catchUp()
    for (const resolve of this.#whenRoom.splice(0)) resolve()
  }

  closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#expiry?.cancel()
    for (const name of [...this.#subscriptions.keys()]) this.#unsubscribe(name)
    this.#requests.cancelAll(new HubError('cancelled', 'the client is gone'))
    this.#waiting.length = 0
    this.#behind.clear()
    for (const resolve of this.#whenRoom.splice(0)) resolve()
    this.#core.left(this)
  }

  /** Ends the session with an error. */
  disconnect(code: ErrorCode, message: string): void {
    this.#end(code, message)
  }

  // What subscriptions tell.

  isFor(subscription: Subscription, topic: string): boolean {
    const { name } = subscription.source
    if (name === topic) return true
    if (this.#subscriptions.has(topic)) return false
    // The first of several patterns that match.
    for (const [pattern, other] of this.#subscriptions) {
      if (other.source instanceof HubTopic || !matches(pattern, topic)) continue
      return other === subscription
    }
    return false
  }

  sendStored(message: HubMessage): void {
    this.#core.counts.delivered += 1
    this.sendFrames(message.frames(this.#core.prepare))
  }

  sendFrames(frames: Frames): void {
    for (const frame of frames) this.#noteRoom(this.#socket.sendPrepared(frame))
  }

  sendMessage(message: ServerMessage): void {
    this.#sendText(JSON.stringify(message))
  }

  volatileFrames(topic: string, content: BrokerContent): Frames {
    return this.#core.volatileFrames(topic, content)
  }

  fellBehind(subscription: Subscription): void {
    this.#behind.add(subscription)
  }

  tooSlow(): void {
    this.#end('limit', 'this client does not read its messages')
  }

  // The messages of the client, one after the other.

  #take(received: Received): void {
    if (received.message.t === 'ping') {
      this.#sendText('{"t":"pong"}')
      return
    }
    if (received.message.t === 'cancel') {
      this.#requests.cancel(received.message.id, new HubError('cancelled', 'the client has cancelled the request'))
      return
    }
    this.#waiting.push(received)
    if (!this.#isBusy) this.#next()
    else if (this.#waiting.length === mostWaiting) this.#socket.pause()
  }

  #next(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#isTurnOver()) return
      this.#waiting.shift()
      if (this.#waiting.length === mostWaiting - 1) this.#socket.resume()
      const { message } = next
      let done: void | Promise<void>
      try {
        done = this.#handle(next)
      } catch (error) {
        this.#fail(message, error)
        continue
      }
      if (done === undefined) continue
      this.#isBusy = true
      done
        .catch((error: unknown) => this.#fail(message, error))
        .then(() => {
          this.#isBusy = false
          this.#next()
        })
      return
    }
  }

  /** Whether this client has had its share of this turn: it goes on in the next one then. */
  #isTurnOver(): boolean {
    const { turn } = this.#core
    if (turn !== this.#turn) this.#inTurn = 0
    this.#turn = turn
    this.#inTurn += 1
    if (this.#inTurn <= mostInTurn) return false
    this.#isBusy = true
    this.#core.inNextTurn(() => {
      this.#isBusy = false
      this.#next()
    })
    return true
  }

  /** An answer of many messages counts as much as the questions that would have taken as long. */
  #countInTurn(messages: readonly HubMessage[]): void {
    this.#inTurn += messages.length >> 4
  }

  #handle({ message, body }: Received): void | Promise<void> {
    if (this.#state === 'closed') return
    if (this.#state === 'new' && message.t !== 'hello') {
      return this.#end('unauthorized', `the first message must be "hello", not "${message.t}"`)
    }
    switch (message.t) {
      case 'hello':
        return this.#hello(message)
      case 'auth':
        return this.#renew(message)
      case 'sub':
        return this.#subscribe(message)
      case 'unsub':
        this.#unsubscribe(message.topic)
        return this.#ok({ id: message.id })
      case 'pub':
        return this.#publish({ message, body })
      case 'vol':
        return this.#sendVolatile({ message, body })
      case 'hist':
        return this.#history(message)
      case 'who':
        return this.#who(message)
      case 'req':
        return this.#request({ message, body })
      default:
        return undefined
    }
  }

  async #hello({ token }: MessageOf<'hello'>): Promise<void> {
    if (this.#state !== 'new') return this.#end('malformed', 'only the first message is "hello"')
    const expires = await this.#authenticate(token)
    if (expires === false) return
    this.#state = 'open'
    this.#core.entered(this)
    const { maxTopicsPerClient: topics, maxPending: pending } = this.#core.limits
    this.sendMessage({
      t: 'welcome',
      id: this.id,
      user: this.user,
      ...(expires !== undefined && { expires }),
      limits: { topics, pending },
    })
  }

  async #renew({ id, token }: MessageOf<'auth'>): Promise<void> {
    const { user } = this
    const expires = await this.#authenticate(token)
    if (expires === false) return
    if (this.user !== user) return this.#end('unauthorized', 'the new credentials are those of another user')
    this.#ok({ id, ...(expires !== undefined && { expires }) })
  }

  /** Returns the milliseconds after which the credentials expire; false if the session has ended. */
  async #authenticate(token: Json | undefined): Promise<number | undefined | false> {
    try {
      const identity = await this.#core.authenticate({ token, request: this.request, data: this.#socket.data })
      if (this.#state === 'closed') return false
      if (identity === undefined) throw new HubError('unauthorized', 'the credentials are not valid')
      this.#identity = identity
    } catch (error) {
      if (this.#state === 'closed') return false
      if (!(error instanceof HubError)) this.#core.report(error, this)
      const refusal =
        error instanceof HubError ? error : new HubError('unauthorized', 'the credentials could not be checked')
      this.#end(errorCodes[refusal.code] === undefined ? 'unauthorized' : refusal.code, refusal.message)
      return false
    }
    this.#expiry?.cancel()
    const { expiresInMs } = this.#identity
    if (expiresInMs === undefined) return undefined
    this.#expiry = this.#core.clock.after(
      Math.max(0, expiresInMs),
      () => this.#end('expired', 'the credentials have expired: connect with new ones'),
      false,
    )
    return expiresInMs
  }

  async #subscribe(message: SubscribeMessage): Promise<void> {
    const { topic: name, slow = 'catch-up' } = message
    const isWide = isPattern(name)
    this.#checkName(faultOfPattern(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, isWide)
    await this.#allow(rule.subscribe ?? true, name, 'subscribe to')
    const { maxTopicsPerClient } = this.#core.limits
    if (!this.#subscriptions.has(name) && this.#subscriptions.size >= maxTopicsPerClient) {
      throw new HubError('limit', `a client subscribes to at most ${maxTopicsPerClient} topics`)
    }
    const source = isWide ? this.#core.openPattern(name, rule) : this.#core.openTopic(name, rule)
    source.uses += 1
    try {
      await this.#whenOpen(source.opened)
      if (this.#state === 'closed') return
      // A client that asks again goes on from the position that it tells.
      this.#unsubscribe(name)
      const begin = (): void => {
        const subscription = new Subscription(source, this, slow)
        this.#subscriptions.set(name, subscription)
        source.listeners.add(subscription)
      }
      if (source instanceof HubTopic) await this.#beginAt(source, message, begin)
      else {
        begin()
        this.#ok({ id: message.id, ...(message.at !== undefined && { recovered: false, reason: 'pattern' }) })
      }
      if (this.#state !== 'open' || rule.presence !== true || isWide) return
      this.#core.presence.join(name, this)
      if (message.who !== true) return
      await this.#core.presence.open(name)
      if (!this.#subscriptions.has(name)) return
      this.#core.presence.watch(name, this)
      this.sendMessage({ t: 'here', topic: name, ...this.#core.presence.view(name) })
    } finally {
      source.uses -= 1
    }
  }

  /** Answers a subscription with the messages before it, and begins it in the same turn, so that none falls between. */
  #beginAt(topic: HubTopic, { id, at, last = 0 }: SubscribeMessage, begin: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const answer = (ok: Omit<OkMessage, 't' | 'id' | 'at'>, messages: readonly HubMessage[]): void => {
        resolve()
        if (this.#state === 'closed') return
        begin()
        this.#countInTurn(messages)
        this.#ok({ id, ...ok, count: messages.length, at: wirePosition(topic.head) })
        for (const message of messages) this.sendStored(message)
      }
      const { counts } = this.#core
      if (at === undefined) {
        topic.last(last, (messages) => answer({}, messages), reject)
        return
      }
      topic.resume(positionOf(at), (resumption) => {
        if (!('recovered' in resumption)) {
          reject(unavailable(resumption))
        } else if (resumption.recovered) {
          counts.recovered += 1
          answer({ recovered: true }, resumption.messages)
        } else {
          countOne(counts.notRecovered, resumption.reason)
          answer({ recovered: false, reason: resumption.reason }, [])
        }
      })
    })
  }

  #unsubscribe(name: string): void {
    const subscription = this.#subscriptions.get(name)
    if (subscription === undefined) return
    this.#subscriptions.delete(name)
    this.#behind.delete(subscription)
    subscription.source.listeners.delete(subscription)
    this.#core.presence.leave(name, this)
  }

  #publish({ message, body }: Received<MessageOf<'pub'>>): void | Promise<void> {
    const { id, topic: name, key } = message
    return this.#withPublishable(
      message,
      body,
      (topic, data) => {
        const { maxPending } = this.#core.limits
        if (this.#publishes + this.#requests.size >= maxPending) throw tooManyPending(maxPending)
        const content = this.#encode({ from: this.#identity.user }, data)
        topic.uses += 1
        this.#publishes += 1
        // The answer does not hold up the client's next message.
        this.#core
          .publish(topic, content, key)
          .then(
            (at) => this.#ok({ id, ...(at !== undefined && { at: wirePosition(at) }) }),
            (error: unknown) => this.#fail(message, unavailable(error)),
          )
          .finally(() => {
            topic.uses -= 1
            this.#publishes -= 1
          })
      },
      name,
    )
  }

  #sendVolatile({ message, body }: Received<MessageOf<'vol'>>): void | Promise<void> {
    const { topic: name, key } = message
    return this.#withPublishable(
      message,
      body,
      (topic, data) => topic.send(this.#encode({ from: this.#identity.user, key }, data)),
      name,
    )
  }

  /** Calls back with the open topic and the checked data, if this client may publish: at once, unless one of them takes time. */
  #withPublishable(
    { data = null }: { readonly data?: Json },
    body: Uint8Array | undefined,
    publish: (topic: HubTopic, data: HubData) => void,
    name: string,
  ): void | Promise<void> {
    this.#checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    return after(this.#allow(rule.publish ?? false, name, 'publish to'), () =>
      after(checkData(rule.schema, body ?? data), (checked) => {
        const topic = this.#core.openTopic(name, rule)
        if (topic.isOpen) return publish(topic, checked as HubData)
        topic.uses += 1
        return this.#whenOpen(topic.opened)
          .then(() => publish(topic, checked as HubData))
          .finally(() => {
            topic.uses -= 1
          })
      }),
    )
  }

  async #history({ id, topic: name, at, last = 0 }: MessageOf<'hist'>): Promise<void> {
    this.#checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    await this.#allow(rule.subscribe ?? true, name, 'read')
    const topic = this.#core.openTopic(name, rule)
    topic.uses += 1
    try {
      await this.#whenOpen(topic.opened)
      await new Promise<void>((resolve, reject) => {
        const answer = (messages: readonly HubMessage[], ok: Omit<OkMessage, 't' | 'id'>): void => {
          resolve()
          this.#countInTurn(messages)
          for (const message of messages) {
            const { header, body } = partOf(id, message)
            this.#sendText(header)
            if (body !== undefined) this.#noteRoom(this.#socket.send(body))
          }
          this.#ok({ id, at: wirePosition(topic.head), ...ok })
        }
        if (at === undefined)
          topic.last(
            last,
            (messages) => answer(messages, {}),
            (error) => reject(unavailable(error)),
          )
        else {
          topic.resume(positionOf(at), (resumption) => {
            if (!('recovered' in resumption)) reject(unavailable(resumption))
            else if (resumption.recovered) answer(resumption.messages, { recovered: true })
            else answer([], { recovered: false, reason: resumption.reason })
          })
        }
      })
    } finally {
      topic.uses -= 1
    }
  }

  async #who({ id, topic: name }: MessageOf<'who'>): Promise<void> {
    this.#checkName(faultOfTopic(name, this.#core.limits.maxTopicLength))
    const rule = this.#ruleOf(name, false)
    if (rule.presence !== true) throw new HubError('forbidden', `the topic "${name}" has no presence`)
    await this.#allow(rule.subscribe ?? true, name, 'see the presence of')
    await this.#core.presence.open(name)
    this.#ok({ id, ...this.#core.presence.view(name) })
  }

  #request({ message, body }: Received<MessageOf<'req'>>): void | Promise<void> {
    const { id, method } = message
    const rule = this.#core.requests.get(method)
    if (rule === undefined) throw new HubError('unknown-method', `there is no request "${method}"`)
    if (this.#requests.has(id)) return this.#end('malformed', `the request ${id} has no answer yet: take another id`)
    const { maxPending } = this.#core.limits
    if (this.#publishes + this.#requests.size >= maxPending) throw tooManyPending(maxPending)
    return after(checkData(rule.input, body ?? message.data ?? null), (input) => this.#call(message, rule, input))
  }

  /** Calls the handler of a request. Its answer does not hold up the client's next message. */
  #call(message: MessageOf<'req'>, rule: RequestRule, input: unknown): void {
    const { id, within = Number.POSITIVE_INFINITY } = message
    const withinMs = Math.min(within, this.#core.limits.requestTimeoutMs)
    const failed = (error: unknown): void => {
      if (this.#requests.end(id)) this.#fail(message, error)
    }
    const context = this.#requests.begin(id, withinMs, this, (reason) => this.#fail(message, reason))
    try {
      const answer: unknown = rule.handle(input as never, context)
      if (isAsyncIterable(answer)) this.#sendParts(id, answer).catch(failed)
      else if (isThenable(answer))
        Promise.resolve(answer)
          .then((value) => this.#answer(id, value))
          .catch(failed)
      else this.#answer(id, answer)
    } catch (error) {
      failed(error)
    }
  }

  async #sendParts(id: number, parts: AsyncIterable<unknown>): Promise<void> {
    for await (const part of parts) {
      if (!this.#requests.has(id)) return
      this.#sendData({ t: 'part', id }, part as HubData)
      if (!this.#hasRoom) await new Promise<void>((resolve) => this.#whenRoom.push(resolve))
    }
    this.#answer(id, undefined)
  }

  #answer(id: number, answer: unknown): void {
    if (!this.#requests.has(id)) return
    this.#sendData({ t: 'ok', id }, answer as HubData | undefined)
    this.#requests.end(id)
  }

  // Checks.

  #ruleOf(name: string, isWide: boolean): PatternRule {
    if (name.startsWith('$')) throw new HubError('forbidden', 'topics that begin with $ belong to the hub')
    const rule = isWide ? this.#core.rules.ofPattern(name) : this.#core.rules.ofTopic(name)
    if (rule !== undefined) return rule
    const what = isWide ? 'all topics of the pattern' : 'the topic'
    throw new HubError('unknown-topic', `no rule of this hub covers ${what} "${name}"`)
  }

  #checkName(fault: string | undefined): void {
    if (fault !== undefined) throw new HubError('invalid', fault)
  }

  #allow(permission: Permission, topic: string, action: string): void | Promise<void> {
    const allowed = typeof permission === 'function' ? permission(this, topic) : permission
    return after(allowed, (isAllowed) => {
      if (isAllowed !== true) throw new HubError('forbidden', `this client may not ${action} "${topic}"`)
    })
  }

  async #whenOpen(opened: Promise<void>): Promise<void> {
    try {
      await opened
    } catch (error) {
      throw unavailable(error)
    }
  }

  #encode(
    heading: { readonly from?: string | undefined; readonly key?: string | undefined },
    data: HubData,
  ): BrokerContent {
    try {
      return encodeContent(heading, data)
    } catch (error) {
      throw new HubError('invalid', 'the data are nested too deeply', { cause: error })
    }
  }

  // Answers.

  #ok(ok: Omit<OkMessage, 't'>): void {
    this.sendMessage({ t: 'ok', ...ok })
  }

  #sendData(head: { readonly t: 'ok' | 'part'; readonly id: number }, data: HubData | undefined): void {
    if (!isUint8Array(data)) {
      this.#sendText(JSON.stringify({ ...head, data }))
      return
    }
    this.#sendText(JSON.stringify({ ...head, bin: true }))
    this.#noteRoom(this.#socket.send(data))
  }

  /** Tells the client of an error. One of our own code is reported, and the client does not learn its text. */
  #fail(message: ClientMessage, thrown: unknown): void {
    if (this.#state === 'closed') return
    if (!(thrown instanceof HubError)) this.#core.report(thrown, this)
    const error = thrown instanceof HubError ? thrown : new HubError('failed', 'the server failed on this message')
    countOne(this.#core.counts.errors, error.code)
    const { code, path, retryAfterMs } = error
    this.sendMessage({
      t: 'error',
      ...('id' in message ? { id: message.id } : 'topic' in message && { topic: message.topic }),
      code,
      message: error.message,
      ...(path !== undefined && { path }),
      ...(retryAfterMs !== undefined && { retry: retryAfterMs }),
    })
  }

  #end(code: ErrorCode, message: string): void {
    if (this.#state === 'closed') return
    countOne(this.#core.counts.errors, code)
    this.sendMessage({ t: 'error', code, message })
    this.#socket.close(errorCodes[code] ?? 4400, closeReason(message))
    this.closed()
    this.#socket.resume()
  }

  #sendText(text: string): void {
    this.#noteRoom(this.#socket.send(text))
  }

  #noteRoom(result: SendResult): void {
    if (result === 'buffered' || result === 'dropped') this.#hasRoom = false
  }
}

function checkData(schema: StandardSchema | undefined, data: Json | Uint8Array): unknown | Promise<unknown> {
  return after(checkSchema(schema, data), (value) => {
    if (!(value instanceof SchemaFault)) return value
    const at = value.path.length === 0 ? '' : ` at ${value.path.join('.')}`
    throw new HubError('invalid', `the data do not meet the schema${at}: ${value.message}`, { path: value.path })
  })
}

/** Goes on with a value at once, or with that of a promise when it is there. */
function after<Value, Next>(
  value: Value | Promise<Value>,
  next: (value: Value) => Next | Promise<Next>,
): Next | Promise<Next> {
  return isThenable(value) ? Promise.resolve(value as Promise<Value>).then(next) : next(value)
}

/** A text as the reason of a Close, which has at most 123 bytes of UTF-8 (RFC 6455 §5.5.1). */
function closeReason(text: string): string {
  let bytes = 0
  for (const [index, character] of [...text].entries()) {
    const code = character.codePointAt(0)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    if (bytes > 120) return `${[...text].slice(0, index).join('')}…`
  }
  return text
}

function tooManyPending(most: number): HubError {
  return new HubError('limit', `at most ${most} requests and publishes of a client can wait for their answer`, {
    retryAfterMs: 1000,
  })
}

function unavailable(error: unknown): HubError {
  if (error instanceof HubError) return error
  return new HubError('unavailable', 'the broker does not answer: the message may have been stored', {
    cause: error,
    retryAfterMs: 1000,
  })
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

import type { PreparedMessage } from '../../core/prepared-message.js'
import type { ErrorCode, Json } from '../../subprotocol/messages.js'
import type { HubCore } from '../hub-core.js'
import { HubError } from '../hub-error.js'
import type { HubClient, Identity } from '../hub-types.js'
import { readClientMessage } from './client-messages.js'
import { Credentials } from './credentials.js'
import { MessageTurns } from './message-turns.js'
import { SessionOutput } from './session-output.js'
import { SessionRequests } from './session-requests.js'
import { SessionTopics, type TopicsOwner } from './session-topics.js'
import type { MessageOf, Received, SessionReader, SessionSocket } from './session-types.js'

/**
 * One client that speaks twoway.1: from its `hello` to the end of its connection. Its messages take effect in their order:
 * one that waits for a permission, a schema or the broker holds up the next. Answers to publishes and requests do not.
 */
export class HubSession implements HubClient, TopicsOwner {
  readonly id: string
  readonly request: unknown
  readonly #core: HubCore
  readonly #reader: SessionReader
  readonly #output: SessionOutput
  readonly #credentials: Credentials
  readonly #turns: MessageTurns<Received>
  readonly #topics: SessionTopics
  readonly #requests: SessionRequests
  #state: 'new' | 'open' | 'closed' = 'new'
  /** A header whose binary message has not come. */
  #header: Received['message'] | undefined

  constructor(core: HubCore, socket: SessionSocket, reader: SessionReader) {
    this.#core = core
    this.#reader = reader
    this.id = socket.id
    this.request = socket.request
    this.#output = new SessionOutput(socket, core, {
      room: () => this.#topics.catchUp(),
      lost: () => this.tooSlow(),
      report: (error) => core.report(error, this),
    })
    this.#credentials = new Credentials(core, socket, this, (code, message) => this.#end(code, message))
    this.#turns = new MessageTurns(core, reader, (received) => this.#handleSafely(received))
    this.#topics = new SessionTopics(core, this, this.#output)
    this.#requests = new SessionRequests(core, this, this.#output)
  }

  get identity(): Identity {
    return this.#credentials.identity
  }

  get user(): string {
    return this.identity.user ?? this.id
  }

  get info(): Json | undefined {
    return this.identity.info
  }

  get claims(): unknown {
    return this.identity.claims
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get subscriptions(): number {
    return this.#topics.size
  }

  // Events of the connection.

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
    this.#output.drained()
  }

  closed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#credentials.drop()
    this.#topics.leaveAll()
    this.#requests.cancelAll()
    this.#turns.drop()
    this.#output.closed()
    this.#core.left(this)
  }

  // Calls of the hub and of the parts of this session.

  /** Ends the session with an error. */
  disconnect(code: ErrorCode, message: string): void {
    this.#end(code, message)
  }

  /** Tells the client of a change of presence. */
  sendPrepared(message: PreparedMessage): void {
    this.#output.prepared(message)
  }

  countAnswer(messages: number): void {
    this.#turns.countAnswer(messages)
  }

  tooSlow(): void {
    this.#end('limit', 'this client does not read its messages')
  }

  // The messages of the client.

  #take(received: Received): void {
    const { message } = received
    // Neither waits for an earlier message.
    if (message.t === 'ping') this.#output.text('{"t":"pong"}')
    else if (message.t === 'cancel') this.#requests.cancel(message.id)
    else this.#turns.take(received)
  }

  #handleSafely(received: Received): void | Promise<void> {
    const failed = (error: unknown): void => {
      if (this.#state !== 'closed') this.#output.fail(received.message, error)
    }
    try {
      return this.#handle(received)?.catch(failed)
    } catch (error) {
      failed(error)
      return undefined
    }
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
        return this.#topics.subscribe(message)
      case 'unsub':
        return this.#topics.unsubscribe(message)
      case 'pub':
        return this.#topics.publish({ message, body })
      case 'vol':
        return this.#topics.sendVolatile({ message, body })
      case 'hist':
        return this.#topics.history(message)
      case 'who':
        return this.#topics.who(message)
      case 'req':
        return this.#request({ message, body })
      case 'refused':
        throw new HubError('malformed', message.fault)
      default:
        return undefined
    }
  }

  async #hello({ token }: MessageOf<'hello'>): Promise<void> {
    if (this.#state !== 'new') return this.#end('malformed', 'only the first message is "hello"')
    const expires = await this.#credentials.take(token, false)
    if (expires === undefined) return
    this.#state = 'open'
    this.#core.entered(this)
    const { maxTopicsPerClient: topics, maxPending: pending } = this.#core.limits
    this.#output.message({ t: 'welcome', id: this.id, user: this.user, ...expires, limits: { topics, pending } })
  }

  async #renew({ id, token }: MessageOf<'auth'>): Promise<void> {
    const expires = await this.#credentials.take(token, true)
    if (expires !== undefined) this.#output.ok({ id, ...expires })
  }

  #request(received: Received<MessageOf<'req'>>): void | Promise<void> {
    const { id } = received.message
    if (this.#requests.has(id)) return this.#end('malformed', `the request ${id} has no answer yet: take another id`)
    const { maxPending } = this.#core.limits
    if (this.#requests.size < maxPending) return this.#requests.begin(received)
    throw new HubError('limit', `at most ${maxPending} requests of a client can wait for their answer`, {
      retryAfterMs: 1000,
    })
  }

  #end(code: ErrorCode, message: string): void {
    if (this.#state === 'closed') return
    this.#output.end(code, message)
    this.closed()
    this.#reader.resume()
  }
}

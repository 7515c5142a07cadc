import {
  type ClientMessage,
  type Json,
  type OkMessage,
  subprotocolName,
  type WelcomeMessage,
} from '../subprotocol/messages.js'
import { LinkError } from './link-error.js'
import type { LinkPlatform } from './link-platform.js'
import type { LinkData, LinkOptions, LinkSocket, LinkStatus } from './link-types.js'
import { type ReceivedMessage, readServerMessage } from './server-message.js'

const firstWaitMs = 1000
/** After these codes of the server, clients that come back are spread over 2 seconds. A busy one is left alone for a second. */
const restarting = 1012
const busy = 1013
const malformed = 4400
const credentialsRefused = 4401
const forbidden = 4403
/** A message was longer than the other side takes. */
const tooLong = 1009
const heartbeatAnswerMs = 8000
const silent = 'the server does not answer'

/** The sockets of a link, one after the other: its attempts, its credentials, and whether the server is still there. */
export class LinkConnection {
  /** Set by `connect`. */
  declare status: LinkStatus
  declare readonly url: string
  /** Whether our `hello` has been sent on this connection: the server takes messages behind it in their order. */
  isLive = false
  /** Whether the last connection ended because a message was too long, until the next attempt. */
  isTooLong = false
  /** The least wait before the next attempt, as the server asked for it. */
  retryAfterMs = 0
  readonly #options: LinkOptions
  readonly #platform: LinkPlatform
  readonly #received: (message: ReceivedMessage, data: LinkData) => void
  readonly #greeted: () => void
  readonly #renew: (token: Json) => Promise<{ readonly ok: OkMessage }>
  readonly #listeners = new Set<(status: LinkStatus) => void>()
  #socket: LinkSocket | undefined
  /** A message whose bytes have not come yet. */
  #header: ReceivedMessage | undefined
  /** Attempts that failed one after the other. */
  #failures = 0
  #heardAt = 0
  #stopTimer: (() => void) | undefined
  #stopExpiry: (() => void) | undefined

  /**
   * @param greeted called when `isLive` becomes true
   * @param renew sends new credentials
   */
  constructor(
    url: string,
    options: LinkOptions,
    platform: LinkPlatform,
    received: (message: ReceivedMessage, data: LinkData) => void,
    greeted: () => void,
    renew: (token: Json) => Promise<{ readonly ok: OkMessage }>,
  ) {
    this.url = url
    this.#options = options
    this.#platform = platform
    this.#received = received
    this.#greeted = greeted
    this.#renew = renew
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  refuseClosed(): void {
    if (this.status.state === 'closed') throw new LinkError('closed', this.status.why)
  }

  /** Sends a message with its data: in the message, or as bytes after it. */
  send(message: ClientMessage, data?: LinkData): void {
    const isBytes = ArrayBuffer.isView(data)
    this.#socket?.send(JSON.stringify(isBytes ? { ...message, bin: isBytes } : { ...message, data }))
    if (isBytes) this.#socket?.send(data as Uint8Array<ArrayBuffer>)
  }

  connect(): void {
    const { token, connectTimeoutMs = 10_000, WebSocket } = this.#options
    const socket = new WebSocket!(this.url, [subprotocolName])
    this.#socket = socket
    this.isTooLong = false
    socket.binaryType = 'arraybuffer'
    // An old socket's late events are ignored.
    const ours =
      <Event>(handler: (event: Event) => void) =>
      (event: Event): void => {
        if (this.#socket === socket) handler(event)
      }
    // Its failure matters when the connection is open.
    const asking = Promise.resolve()
      .then(token)
      .then(
        (value) => () => {
          this.send({ t: 'hello', token: value })
          this.isLive = true
          this.#greeted()
        },
        (error) => () => this.#lost(`the token failed: ${error}`),
      )
    socket.onopen = ours(() => {
      if (socket.protocol !== subprotocolName) this.close(`the server does not speak ${subprotocolName}`)
      else asking.then(ours((act) => act()))
    })
    socket.onmessage = ours(({ data }: { data: string | ArrayBuffer }) => this.#message(data))
    socket.onclose = ours(
      ({ code, reason, retryAfterMs = 0 }: { code: number; reason: string; retryAfterMs?: number }) => {
        this.retryAfterMs ||= retryAfterMs
        const why = reason || `the connection was lost (${code})`
        if (code === malformed || code === forbidden || (code === credentialsRefused && !token)) this.close(why)
        else this.#lost(why, code)
      },
    )
    this.#after(connectTimeoutMs, () => this.#lost(silent))
    // Last, as a listener may close the link, or throw.
    this.#change('connecting', this.status?.why)
  }

  /** Tries at once, if it waits for the next attempt. */
  reconnect(): void {
    if (this.status.state === 'offline') this.connect()
  }

  /** The machine or the page may have slept. */
  woke(): void {
    if (this.status.state === 'online') this.#checkAlive()
    else this.reconnect()
  }

  close(why: string, code?: number): void {
    if (this.status.state === 'closed') return
    this.#drop(code)
    this.#change('closed', why)
  }

  #change(state: LinkStatus['state'], why = '', nextAttemptAt?: number, user?: string): void {
    this.status = { state, why, nextAttemptAt, user }
    for (const listener of this.#listeners) listener(this.status)
  }

  /** The connection is no more: waits, and tries again. */
  #lost(why: string, code = 0, ownCode?: number): void {
    this.#drop(ownCode)
    this.isTooLong = code === tooLong
    const { maxWaitMs = 30_000 } = this.#options
    // Full jitter: clients that lost their server together do not come back together.
    const most = Math.min(maxWaitMs, firstWaitMs * 2 ** this.#failures++)
    const least = Math.max(this.retryAfterMs, code === busy ? 1000 : 0)
    const waitMs = least + this.#platform.random() * Math.max(most, code === restarting || code === busy ? 2000 : 0)
    this.retryAfterMs = 0
    this.#after(waitMs, () => this.connect())
    this.#change('offline', why, this.#platform.now() + waitMs)
  }

  /** Forgets the socket, which is closed and can't be heard any more. */
  #drop(code?: number): void {
    const socket = this.#socket
    this.isLive = false
    this.#socket = this.#header = undefined
    this.#stopTimer?.()
    this.#stopExpiry?.()
    socket?.close(code)
  }

  #message(received: string | ArrayBuffer): void {
    const header = this.#header
    this.#header = undefined
    this.#heardAt = this.#platform.now()
    const isText = typeof received === 'string'
    const message = isText ? readServerMessage(received) : header
    if (!message || (isText && header)) {
      this.#lost(`a malformed message: ${String(received).slice(0, 99)}`, 0, malformed)
      return
    }
    message.size = isText ? received.length : received.byteLength
    if (!isText) this.#received(message, new Uint8Array(received))
    else if (message.bin) this.#header = message
    else if (message.t === 'welcome') this.#welcome(message)
    else this.#received(message, message.data ?? null)
  }

  #welcome({ expires, user }: WelcomeMessage): void {
    this.#renewLater(expires)
    // A shorter connection is a failure: the next one may end as it did, at a message that the link's class refuses as too long.
    this.#after(firstWaitMs, () => this.#watch())
    this.#change('online', '', undefined, user)
  }

  #renewLater(expires: number | undefined): void {
    const { token } = this.#options
    if (!expires || !token) return
    this.#stopExpiry = this.#platform.after(expires * 0.8, async () => {
      const socket = this.#socket
      try {
        const value = await token()
        if (this.#socket === socket) this.#renewLater((await this.#renew(value)).ok.expires)
      } catch {
        // The server ends the connection when the old credentials expire, and the next attempt asks for new ones.
      }
    })
  }

  #checkAlive(): void {
    const askedAt = this.#platform.now()
    this.send({ t: 'ping' })
    this.#after(heartbeatAnswerMs, () => {
      if (this.#heardAt < askedAt) this.#lost(silent)
      else this.#watch()
    })
  }

  #watch(): void {
    this.#failures = 0
    const { heartbeatMs = 25_000 } = this.#options
    const leftMs = this.#heardAt + heartbeatMs - this.#platform.now()
    if (leftMs <= 0) this.#checkAlive()
    else this.#after(leftMs, () => this.#watch())
  }

  /** Sets the timer of an attempt, of the heartbeat or of a wait, in place of the one before: a link needs one at a time. */
  #after(delayMs: number, callback: () => void): void {
    this.#stopTimer?.()
    this.#stopTimer = this.#platform.after(delayMs, callback)
  }
}

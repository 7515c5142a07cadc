import { withFailures } from '../../../twoway/dist/link/handshake-failure.js'
import { LinkBase } from '../../../twoway/dist/link/link.js'
import type { LinkPlatform } from '../../../twoway/dist/link/link-platform.js'
import type { LinkOptions, LinkSocket } from '../../../twoway/dist/link/link-types.js'

type Handler = ((event: never) => void) | null
type Said = Readonly<Record<string, unknown>> & { readonly t: string; readonly id: number }

/** A WebSocket of the platform under the control of a test. */
export class FakeLinkSocket implements LinkSocket {
  binaryType = 'blob'
  protocol = 'twoway.1'
  onopen: Handler = null
  onmessage: Handler = null
  onclose: Handler = null
  onerror: Handler = null
  readonly url: string
  readonly protocols: readonly string[]
  /** The messages of the link: objects, and bytes. */
  readonly sent: (Said | Uint8Array)[] = []
  closeCalls = 0
  readonly closeCodes: (number | undefined)[] = []
  #taken = 0

  constructor(url: string, protocols: string[]) {
    this.url = url
    this.protocols = protocols
  }

  send(data: string | Uint8Array): void {
    this.sent.push(typeof data === 'string' ? (JSON.parse(data) as Said) : data)
  }

  close(code?: number): void {
    this.closeCalls += 1
    this.closeCodes.push(code)
  }

  /** The messages since the last call. */
  take(): (Said | Uint8Array)[] {
    const taken = this.sent.slice(this.#taken)
    this.#taken = this.sent.length
    return taken
  }

  async open(): Promise<void> {
    this.#fire(this.onopen, {})
    await settleLink()
  }

  /** The server says something. */
  async say(...messages: (object | Uint8Array)[]): Promise<void> {
    for (const message of messages) {
      const data = message instanceof Uint8Array ? message.slice().buffer : JSON.stringify(message)
      this.#fire(this.onmessage, { data })
    }
    await settleLink()
  }

  /** The server says something that is perhaps no message. */
  async sayRaw(said: string | Uint8Array): Promise<void> {
    this.#fire(this.onmessage, { data: typeof said === 'string' ? said : said.slice().buffer })
    await settleLink()
  }

  /** Opens, and lets the link be welcomed. */
  async welcome(more: object = {}): Promise<void> {
    await this.open()
    await this.say({ t: 'welcome', id: 'c', user: 'ann', limits: { topics: 100, pending: 64 }, ...more })
  }

  async lose(code = 1006, reason = '', error?: object): Promise<void> {
    if (error !== undefined) this.#fire(this.onerror, { error })
    this.#fire(this.onclose, { code, reason })
    await settleLink()
  }

  #fire(handler: Handler, event: object): void {
    handler?.(event as never)
  }
}

/** A link on a fake platform: its sockets, its time and its chance are the test's. */
export class LinkHarness implements LinkPlatform {
  readonly sockets: FakeLinkSocket[] = []
  readonly link: LinkBase
  readonly states: string[] = []
  chance = 0.5
  nowMs = 0
  woke: () => void = () => undefined
  leaves: () => void = () => undefined
  #timers: { readonly due: number; readonly callback: () => void }[] = []

  constructor(options: LinkOptions = {}) {
    const { sockets } = this
    class Socket extends FakeLinkSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols)
        sockets.push(this)
      }
    }
    this.link = new LinkBase('wss://example.com/', { WebSocket: withFailures(Socket), ...options }, this)
    this.link.onStatus(({ state }) => this.states.push(state))
  }

  get socket(): FakeLinkSocket {
    return this.sockets.at(-1)!
  }

  get timers(): number {
    return this.#timers.length
  }

  now(): number {
    return this.nowMs
  }

  random(): number {
    return this.chance
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { due: this.nowMs + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  onPage(woke: () => void, leaves: () => void): () => void {
    this.woke = woke
    this.leaves = leaves
    return () => {
      this.woke = () => undefined
      this.leaves = () => undefined
    }
  }

  /** Lets the time pass until the next attempt. */
  async retry(): Promise<void> {
    await this.advance(this.link.status.nextAttemptAt! - this.nowMs)
  }

  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.nowMs = Math.max(this.nowMs, next.due)
      next.callback()
      await settleLink()
    }
    this.nowMs = end
  }
}

/** A link that is online. The messages that it sent until then are taken from its socket. */
export async function onlineLink(options: LinkOptions = {}, welcome: object = {}): Promise<LinkHarness> {
  const harness = new LinkHarness(options)
  await settleLink()
  await harness.socket.welcome(welcome)
  harness.socket.take()
  return harness
}

/** Resolves when all promises that can be settled have been. */
export async function settleLink(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

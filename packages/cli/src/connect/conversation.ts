import { setTimeout as wait } from 'node:timers/promises'
import { ping, type WebSocketError, WebSocketStream, type WebSocketStreamOptions } from 'twoway'
import { ExitCode } from '../command-failure.js'
import type { Message, Report } from '../talk/talk-event.js'
import { explainFailure, isWorthRetrying, retryAfterMs } from './explain-failure.js'
import { withoutCredentials } from './without-credentials.js'

export interface ConversationOptions {
  readonly url: string
  readonly stream: WebSocketStreamOptions
  readonly report: Report
  /** Connects again, whatever ended the connection but our own wish or a close with 1000. */
  readonly reconnects: boolean
  /** Milliseconds between two Pings; none without it. */
  readonly pingIntervalMs?: number | undefined
  /** Milliseconds within which one of these Pings must be answered, or a message come. */
  readonly pingTimeoutMs: number
  /** A message came, after it was reported. */
  readonly onMessage?: (() => void) | undefined
}

/** How a conversation ended: its exit code, and where there was no connection, why. */
export interface Ending {
  readonly exitCode: ExitCode
  readonly failure?: unknown
  /** Whether it may go on by another connection. */
  readonly mayRetry: boolean
}

/** Who answers no Ping is not waited for long to answer a Close. */
const closeTimeoutMs = 1000
const firstBackoffMs = 500
const longestBackoffMs = 30_000

/** One talk with a server, over one connection or, where it reconnects, over one after the other. */
export class Conversation {
  readonly #options: ConversationOptions
  readonly #ended = new AbortController()
  #stream: WebSocketStream | undefined
  #writer: { write(message: Message): Promise<void> } | undefined
  /** Who has something to say while there is no connection. */
  #waiting: (() => void)[] = []
  /** Runs since the first Ping after the peer was heard last. */
  #deadline: NodeJS.Timeout | undefined
  /** Whether what came is being reported: meanwhile nothing is read, a Pong neither. */
  #isReporting = false
  #isSilent = false

  constructor(options: ConversationOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#writer !== undefined
  }

  /** Resolves when it is over. */
  async run(): Promise<Ending> {
    const { reconnects, report } = this.#options
    for (let failures = 0; ; failures += 1) {
      const ending = await this.#connect()
      if (this.#ended.signal.aborted || !reconnects || !ending.mayRetry) {
        this.end()
        return ending
      }
      if (ending.failure === undefined) failures = 0
      else await report({ event: 'error', message: explainFailure(ending.failure, this.#options.url).message })
      // Full jitter: those that lost one server together do not all come back to it together.
      const backoff = Math.random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures)
      const inMs = Math.max(backoff, Math.min(retryAfterMs(ending.failure, Date.now()), longestBackoffMs))
      await report({ event: 'retry', inMs: Math.round(inMs) })
      await wait(inMs, undefined, { signal: this.#ended.signal }).catch(() => {})
      if (this.#ended.signal.aborted) return ending
    }
  }

  /** Sends a message; where there is no connection, once there is. Resolves to false where there will be none. */
  async send(message: Message): Promise<boolean> {
    while (!this.#ended.signal.aborted) {
      const writer = this.#writer
      if (writer === undefined) {
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
        continue
      }
      try {
        await writer.write(message)
        await this.#options.report({ event: 'sent', message })
        return true
      } catch {
        // The connection went while it waited: perhaps there is another one.
        if (this.#writer === writer) this.#writer = undefined
      }
    }
    return false
  }

  /** Sends a Ping, and reports its Pong. */
  async ping(): Promise<void> {
    try {
      const ms = await ping(this.#stream!)
      this.#heard()
      await this.#options.report({ event: 'pong', ms: Math.round(ms * 1000) / 1000 })
    } catch {
      // The connection's end is reported.
    }
  }

  /** Closes the connection, which ends the conversation. Throws a DOMException for a status that may not be given. */
  close(closeCode?: number, reason?: string): void {
    this.#stream?.close({ closeCode, reason })
    this.end()
  }

  /** Has no further connection follow. */
  end(): void {
    this.#ended.abort()
    this.#wake()
  }

  async #connect(): Promise<Ending> {
    const { url, stream: options, report, pingIntervalMs } = this.#options
    let stream: WebSocketStream
    this.#isSilent = false
    try {
      stream = new WebSocketStream(url, pingIntervalMs === undefined ? options : { ...options, closeTimeoutMs })
    } catch (failure) {
      return { exitCode: ExitCode.usage, failure, mayRetry: false }
    }
    this.#stream = stream
    try {
      const { readable, writable, protocol, extensions } = await stream.opened
      await report({ event: 'open', url: withoutCredentials(stream.url), protocol, extensions })
      this.#writer = writable.getWriter()
      this.#wake()
      const over = new AbortController()
      if (pingIntervalMs !== undefined) void this.#pingRegularly(stream, pingIntervalMs, over.signal)
      await this.#read(readable.getReader())
      over.abort()
      this.#heard()
    } catch (failure) {
      // Whoever gave up need not be told so.
      if (this.#ended.signal.aborted) return { exitCode: ExitCode.notConnected, mayRetry: false }
      return { exitCode: ExitCode.notConnected, failure, mayRetry: isWorthRetrying(failure) }
    } finally {
      this.#writer = undefined
    }
    return this.#finish(stream)
  }

  async #read(reader: { read(): Promise<{ done: boolean; value?: Message | undefined }> }): Promise<void> {
    const { report, onMessage } = this.#options
    try {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        this.#isReporting = true
        await report({ event: 'message', message: value! })
        this.#isReporting = false
        this.#heard()
        onMessage?.()
      }
    } catch {
      // `closed` rejects with the same.
    }
  }

  /** The connection stood, and is gone now. */
  async #finish(stream: WebSocketStream): Promise<Ending> {
    const { report } = this.#options
    try {
      const { closeCode: code, reason } = await stream.closed
      await report({ event: 'close', code, reason, wasClean: true })
      if (this.#isSilent) return { exitCode: ExitCode.abnormal, mayRetry: true }
      return { exitCode: ExitCode.clean, mayRetry: code !== 1000 }
    } catch (error) {
      const { closeCode, reason, cause } = error as WebSocketError
      if (cause instanceof Error && !this.#isSilent) await report({ event: 'error', message: cause.message })
      await report({ event: 'close', code: closeCode ?? 1006, reason, wasClean: false })
      return { exitCode: ExitCode.abnormal, mayRetry: true }
    }
  }

  async #pingRegularly(stream: WebSocketStream, intervalMs: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      await wait(intervalMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      void this.ping()
      if (!this.#isSilent) this.#deadline ??= setTimeout(() => void this.#giveUp(stream), this.#options.pingTimeoutMs)
    }
  }

  /** Ends a connection that is silent, unless it is we who do not listen. */
  async #giveUp(stream: WebSocketStream): Promise<void> {
    this.#heard()
    if (this.#isReporting) return
    const { pingTimeoutMs, report } = this.#options
    this.#isSilent = true
    const seconds = pingTimeoutMs / 1000
    await report({ event: 'error', message: `no Pong came within ${seconds} s: the server is taken for dead` })
    stream.close()
  }

  #heard(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

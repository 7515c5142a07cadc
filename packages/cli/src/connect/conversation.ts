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
  /** Connects again after each connection, unless our side or a close with 1000 ended it. */
  readonly reconnects: boolean
  /** Milliseconds between two Pings; undefined for no Pings. */
  readonly pingIntervalMs?: number | undefined
  /** Milliseconds within which a Pong or a message must arrive after a Ping. */
  readonly pingTimeoutMs: number
  /** Called for each received message, after it was reported. */
  readonly onMessage?: (() => void) | undefined
}

/** The end of a conversation: its exit code, and the error if there was no connection. */
export interface Ending {
  readonly exitCode: ExitCode
  readonly failure?: unknown
  /** Whether another connection may follow. */
  readonly mayRetry: boolean
}

/** A peer that does not answer a Ping gets only this long to answer a Close. */
const closeTimeoutMs = 1000
const firstBackoffMs = 500
const longestBackoffMs = 30_000

/** A conversation with a server, over one connection or, with `reconnect`, several in turn. */
export class Conversation {
  readonly #options: ConversationOptions
  readonly #ended = new AbortController()
  #stream: WebSocketStream | undefined
  #writer: { write(message: Message): Promise<void> } | undefined
  /** Messages that wait for a connection. */
  #waiting: (() => void)[] = []
  /** Runs from the first Ping after the last sign of life of the peer. */
  #deadline: NodeJS.Timeout | undefined
  /** Whether a message is being reported: meanwhile nothing is read, not even a Pong. */
  #isReporting = false
  #isSilent = false

  constructor(options: ConversationOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#writer !== undefined
  }

  /** Resolves when the conversation has ended. */
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
      // Full jitter: clients that lost a server at the same time do not all reconnect at the same time.
      const backoff = Math.random() * Math.min(longestBackoffMs, firstBackoffMs * 2 ** failures)
      const inMs = Math.max(backoff, Math.min(retryAfterMs(ending.failure, Date.now()), longestBackoffMs))
      await report({ event: 'retry', inMs: Math.round(inMs) })
      await wait(inMs, undefined, { signal: this.#ended.signal }).catch(() => {})
      if (this.#ended.signal.aborted) return ending
    }
  }

  /** Sends a message, as soon as there is a connection. Resolves to false if there will be none. */
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
        // The connection was lost while the message waited; there may be another one.
        if (this.#writer === writer) this.#writer = undefined
      }
    }
    return false
  }

  /** Sends a Ping and reports its Pong. */
  async ping(): Promise<void> {
    try {
      const ms = await ping(this.#stream!)
      this.#heard()
      await this.#options.report({ event: 'pong', ms: Math.round(ms * 1000) / 1000 })
    } catch {
      // The end of the connection is reported elsewhere.
    }
  }

  /** Closes the connection, which ends the conversation. Throws a DOMException for an invalid code or reason. */
  close(closeCode?: number, reason?: string): void {
    this.#stream?.close({ closeCode, reason })
    this.end()
  }

  /** Prevents further connections. */
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
      // The user gave up: there is nothing to report.
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
      // `closed` rejects with the same error.
    }
  }

  /** The connection was open and has ended. */
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

  /** Ends a connection whose peer is silent, unless our own side has paused reading. */
  async #giveUp(stream: WebSocketStream): Promise<void> {
    this.#heard()
    if (this.#isReporting) return
    const { pingTimeoutMs, report } = this.#options
    this.#isSilent = true
    const seconds = pingTimeoutMs / 1000
    await report({ event: 'error', message: `no Pong arrived within ${seconds} s: the server is considered dead` })
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

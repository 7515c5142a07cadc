import type { WorkerEnd, WorkerProcess } from '../ports/worker-host.js'
import type { ServerMetrics } from '../server/server-metrics.js'
import { receivedError, sentError } from './sent-error.js'
import type { SharedPorts } from './shared-ports.js'
import type { ParentTopicMessage } from './topics/topic-messages.js'
import { type SharedTopicsOfWorkers, WorkerTopics } from './topics/worker-topics.js'
import type { ParentMessage, WorkerAddress, WorkerMessage } from './worker-messages.js'
import type { WorkersSettings } from './workers-settings.js'
import type { WorkerState } from './workers-types.js'

/** Milliseconds that a worker may take to report its counts. */
const metricsWithinMs = 2000
/** Milliseconds that a worker may live after its servers are closed, if a timer of its module keeps it alive. */
const leaveWithinMs = 1000

/** The share of a worker's time to close that its connections have. The process ends in the rest. */
const shareOfConnections = 0.75

/** The events of a worker. */
export interface WorkerObserver {
  /** All of its servers listen. Called again if the module starts further ones. */
  listening(worker: SupervisedWorker): void
  ended(worker: SupervisedWorker, end: WorkerEnd): void
  /** An error occurred that does not end the worker. */
  failed(error: Error): void
}

/** A worker process, as its parent sees it. */
export class SupervisedWorker {
  readonly id: number
  /** Resolves when it listens for the first time, and rejects if it ends first. */
  readonly started: Promise<void>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  readonly #settings: WorkersSettings
  readonly #ports: SharedPorts
  readonly #observer: WorkerObserver
  readonly #topics: WorkerTopics
  readonly #process: WorkerProcess
  readonly #asks = new Map<number, (metrics: ServerMetrics | undefined) => void>()
  #state: WorkerState = 'starting'
  #addresses: readonly WorkerAddress[] = []
  #listeningSince: number | undefined
  #lastError: Error | undefined
  #isLate = false
  #metrics: ServerMetrics | undefined
  #metricsAsked: Promise<ServerMetrics | undefined> | undefined
  #lastAsk = 0
  #waitingBytes = 0
  #isLagging = false
  #missedBroadcasts = 0
  /** Messages that the worker could not send to this process, as of its last report. */
  #missedByParent = 0
  #stopped: Promise<void> | undefined
  #onStarted: () => void = () => {}
  #onNotStarted: (error: Error) => void = () => {}
  #onGone: () => void = () => {}

  constructor(
    id: number,
    settings: WorkersSettings,
    ports: SharedPorts,
    topics: SharedTopicsOfWorkers,
    observer: WorkerObserver,
  ) {
    this.id = id
    this.#settings = settings
    this.#ports = ports
    this.#observer = observer
    this.#topics = new WorkerTopics(topics, (message, bytes) => this.#tellOfTopic(message, bytes))
    this.started = new Promise((resolve, reject) => {
      this.#onStarted = resolve
      this.#onNotStarted = reject
    })
    // A caller that does not wait for the start learns of the failure by `ended`.
    this.started.catch(() => {})
    this.gone = new Promise((resolve) => {
      this.#onGone = resolve
    })
    this.#process = settings.ports.host.start({
      message: (message) => this.#take(message as WorkerMessage),
      ended: (end) => this.#ended(end),
    })
    const { startTimeoutMs } = settings
    const late = settings.ports.clock.after(startTimeoutMs, () => {
      this.#isLate = true
      this.#process.end(true)
    })
    const cancel = (): void => late.cancel()
    this.started.then(cancel, cancel)
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get state(): WorkerState {
    return this.#state
  }

  get addresses(): readonly WorkerAddress[] {
    return this.#addresses
  }

  /** The last reported counts of its servers. */
  get lastMetrics(): ServerMetrics | undefined {
    return this.#metrics
  }

  get lastError(): Error | undefined {
    return this.#lastError
  }

  get missedBroadcasts(): number {
    return this.#missedBroadcasts + this.#missedByParent
  }

  /** Milliseconds since it began to listen; 0 if it has not. */
  get listenedMs(): number {
    return this.#listeningSince === undefined ? 0 : this.#settings.ports.clock.now() - this.#listeningSince
  }

  /** Returns whether the message was sent to the process. */
  broadcast(message: string | Uint8Array, compress: boolean | undefined): boolean {
    if (this.#state !== 'listening' && this.#state !== 'draining') return false
    // A string takes at most two bytes a character.
    const size = message.length * (typeof message === 'string' ? 2 : 1)
    return this.#tellIfRoom({ type: 'broadcast', message, compress }, size)
  }

  /** Answers are always sent, as they are no more than the questions, but count among the bytes that wait. */
  #tellOfTopic(message: ParentTopicMessage, bytes: number): boolean {
    if (this.#state === 'ended') return false
    if (message.type !== 'brokerAnswer') return this.#tellIfRoom(message, bytes)
    this.#tellCounted(message, bytes)
    return true
  }

  #tellIfRoom(message: ParentMessage, size: number): boolean {
    const { maxBufferedBytes } = this.#settings
    if (this.#waitingBytes > maxBufferedBytes) {
      this.#missedBroadcasts += 1
      if (!this.#isLagging) {
        this.#isLagging = true
        const waiting = `${this.#waitingBytes} bytes wait, and maxBufferedBytes is ${maxBufferedBytes}`
        this.#observer.failed(new Error(`${this.#name()} takes no messages and misses them from now on: ${waiting}`))
      }
      return false
    }
    this.#tellCounted(message, size)
    return true
  }

  #tellCounted(message: ParentMessage, size: number): void {
    this.#waitingBytes += size
    this.#tell(message, () => {
      this.#waitingBytes -= size
      if (this.#waitingBytes === 0) this.#isLagging = false
    })
  }

  /** Tells its servers, and those that its module starts later. */
  notReady(): void {
    this.#tell({ type: 'notReady' })
  }

  /** The counts of its servers; undefined if it does not report them in time. */
  async metrics(): Promise<ServerMetrics | undefined> {
    if (this.#state === 'starting' || this.#state === 'ended') return undefined
    // A stuck worker is not asked again: the questions would queue in this process.
    this.#metricsAsked ??= this.#ask((ask) => ({ type: 'metrics', ask })).finally(() => {
      this.#metricsAsked = undefined
    })
    const { clock } = this.#settings.ports
    return new Promise((resolve) => {
      const timer = clock.after(metricsWithinMs, () => resolve(undefined))
      void this.#metricsAsked?.then((metrics) => {
        timer.cancel()
        resolve(metrics)
      })
    })
  }

  /** Resolves when all connections, or the worker itself, are gone. */
  async drain(withinMs: number): Promise<void> {
    if (this.#state !== 'listening') return
    this.#state = 'draining'
    const timer = this.#killAfter(withinMs + this.#settings.killAfterMs, 'has not drained')
    await this.#ask((ask) => ({ type: 'drain', ask, withinMs }))
    timer.cancel()
  }

  /**
   * Closes its servers, and resolves when the process is gone. With a time limit, the connections are dropped early enough
   * for the process to end within it.
   */
  stop(withinMs?: number): Promise<void> {
    this.#stopped ??= this.#stop(withinMs)
    return this.#stopped
  }

  /** Ends the process at once. */
  kill(): void {
    if (this.#state === 'ended') return
    this.#state = 'stopping'
    this.#process.end(true)
  }

  async #stop(withinMs: number | undefined): Promise<void> {
    if (this.#state === 'ended') return
    const wasStarting = this.#state === 'starting'
    this.#state = 'stopping'
    const killing = this.#killAfter(this.#settings.killAfterMs, 'has not ended')
    // It has no connections yet, and it may not read messages.
    if (wasStarting) this.#process.end(false)
    else if (withinMs === undefined) await this.#ask((ask) => ({ type: 'close', ask }))
    else await this.#ask((ask) => ({ type: 'close', ask, withinMs: withinMs * shareOfConnections }))
    this.#tell({ type: 'end' })
    const leaving = this.#settings.ports.clock.after(leaveWithinMs, () => this.#process.end(false))
    await this.gone
    leaving.cancel()
    killing.cancel()
  }

  /** The reason why it ended, in a sentence. */
  describe({ code, signal, error }: WorkerEnd): string {
    const { startTimeoutMs } = this.#settings
    const cause = error ?? this.#lastError
    const why = cause === undefined ? '' : `: ${cause.name}: ${cause.message}`
    if (error !== undefined) return `${this.#name()} could not be started${why}`
    const how = signal === null ? `with code ${code}` : `by ${signal}`
    if (this.#listeningSince !== undefined) return `${this.#name()} ended ${how}${why}`
    if (this.#isLate) return `${this.#name()} did not listen within ${startTimeoutMs} ms, and was ended${why}`
    if (this.#state === 'stopping') return `${this.#name()} was stopped before it listened`
    if (code === 0 && why === '') return `${this.#name()} ended, and its module had not called serve()`
    return `${this.#name()} ended ${how} before it listened${why || '; what it printed says why'}`
  }

  #name(): string {
    return `worker ${this.id}${this.pid === undefined ? '' : ` (process ${this.pid})`}`
  }

  #killAfter(delayMs: number, what: string): { cancel(): void } {
    return this.#settings.ports.clock.after(delayMs, () => {
      this.#observer.failed(new Error(`${this.#name()} ${what} within ${delayMs} ms, and was killed`))
      this.#process.end(true)
    })
  }

  #take(message: WorkerMessage): void {
    switch (message.type) {
      case 'port':
        this.#ports.portFor(message.request).then(
          (port) => this.#tell({ type: 'port', ask: message.ask, port }),
          (error) => this.#tell({ type: 'port', ask: message.ask, port: 0, error: sentError(error) }),
        )
        break
      case 'listening':
        this.#addresses = message.addresses
        for (const { port } of message.addresses) this.#ports.used(port)
        if (this.#state !== 'starting' && this.#state !== 'listening') break
        this.#state = 'listening'
        this.#listeningSince ??= this.#settings.ports.clock.now()
        this.#observer.listening(this)
        this.#onStarted()
        break
      case 'failed':
        this.#lastError = receivedError(message.error)
        break
      case 'answer':
        this.#metrics = message.metrics
        this.#missedByParent = message.missed
        this.#asks.get(message.ask)?.(message.metrics)
        this.#asks.delete(message.ask)
        break
      default:
        this.#topics.take(message)
    }
  }

  /** Resolves to undefined if the worker ends before it answers. */
  #ask(question: (ask: number) => ParentMessage): Promise<ServerMetrics | undefined> {
    if (this.#state === 'ended') return Promise.resolve(undefined)
    const ask = ++this.#lastAsk
    return new Promise((resolve) => {
      this.#asks.set(ask, resolve)
      this.#tell(question(ask))
    })
  }

  #tell(message: ParentMessage, handed?: () => void): void {
    if (this.#state !== 'ended') this.#process.send(message, handed)
  }

  #ended(end: WorkerEnd): void {
    const wasStarting = this.#listeningSince === undefined
    const cause = end.error ?? this.#lastError
    const error = new Error(this.describe(end), cause === undefined ? undefined : { cause })
    this.#observer.ended(this, end)
    this.#state = 'ended'
    this.#topics.leave()
    for (const resolve of this.#asks.values()) resolve(undefined)
    this.#asks.clear()
    if (wasStarting) this.#onNotStarted(withCode(error))
    this.#onGone()
  }
}

/** Gives the error the code of its cause, so that callers recognize a port in use as they do with a single server. */
function withCode(error: Error): Error {
  const { code } = (error.cause ?? {}) as { readonly code?: string }
  return code === undefined ? error : Object.assign(error, { code })
}

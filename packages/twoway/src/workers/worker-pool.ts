import { UsageError } from '../core/errors.js'
import { isThenable } from '../core/is-thenable.js'
import { onlyHubTotals } from '../core/observing/hub-metrics.js'
import type { Timer } from '../ports/clock.js'
import type { WorkerEnd } from '../ports/worker-host.js'
import { addMetrics, noMetrics, noTransport, nothingNow } from '../server/add-metrics.js'
import { bytesOf } from '../server/connection/message-bytes.js'
import type { ServerMetrics } from '../server/server-metrics.js'
import type { CloseOptions, OutgoingPiece, SendOptions, Server } from '../server/server-types.js'
import { checkTime } from '../server/shutdown/check-time.js'
import { MemoryBroker } from '../topics/memory-broker.js'
import { faultOfTopic } from '../topics/topic-name.js'
import { type AdminSubject, startAdminServer } from './admin-server.js'
import { RestartDelay } from './restart-delay.js'
import { SharedPorts } from './shared-ports.js'
import { SupervisedWorker } from './supervised-worker.js'
import { SharedTopicsOfWorkers } from './topics/worker-topics.js'
import type { WorkerAddress } from './worker-messages.js'
import { settleWorkers, type WorkersPorts, type WorkersSettings } from './workers-settings.js'
import type { WorkerExit, Workers, WorkersMetrics, WorkersOptions, WorkersPublishOptions } from './workers-types.js'

/**
 * Starts workers, and resolves when all of them listen. Rejects with a UsageError for wrong options. If a worker fails to
 * listen, it rejects with the first such error when all workers have ended.
 */
export async function startWorkers(options: WorkersOptions, ports: WorkersPorts): Promise<Workers> {
  const pool = new WorkerPool(settleWorkers(options, ports))
  await pool.start()
  return pool
}

/** A numbered slot for a worker. When its process dies, a new one takes the slot. */
interface Seat {
  readonly id: number
  readonly delay: RestartDelay
  worker: SupervisedWorker | undefined
  timer: Timer | undefined
}

/** The worker processes: starts them, restarts those that die, and passes requests to all of them. */
class WorkerPool implements Workers {
  readonly #settings: WorkersSettings
  readonly #ports: SharedPorts
  readonly #topics: SharedTopicsOfWorkers
  readonly #seats: readonly Seat[]
  /** All running workers, including those that are being replaced. */
  readonly #running = new Set<SupervisedWorker>()
  #phase: 'starting' | 'up' | 'draining' | 'closing' = 'starting'
  /** The workers serve, but are about to stop: no new client is welcome. */
  #isLeaving = false
  #addresses: readonly WorkerAddress[] = []
  /** The counts of workers that are gone. */
  #past: ServerMetrics = noMetrics
  #pastMissed = 0
  #exits = 0
  #restarting: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #admin: Server | undefined
  #onStartFailed: (error: Error) => void = () => {}

  constructor(settings: WorkersSettings) {
    this.#settings = settings
    this.#ports = new SharedPorts((address) => settings.ports.host.findPort(address))
    const { clock, random, admin } = settings.ports
    this.#topics = new SharedTopicsOfWorkers(
      new MemoryBroker({ ...settings.topics, clock, random, payload: admin.payload }),
    )
    this.#seats = Array.from({ length: settings.workers }, (_, index) => ({
      id: index + 1,
      delay: new RestartDelay(),
      worker: undefined,
      timer: undefined,
    }))
  }

  async start(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#onStartFailed = reject
    })
    failed.catch(() => {})
    try {
      const { admin, ports } = this.#settings
      if (admin !== undefined) this.#admin = await startAdminServer(admin, this.#adminSubject(), ports.admin)
      for (const seat of this.#seats) seat.worker = this.#launch(seat.id)
      await Promise.race([Promise.all(this.#seats.map(({ worker }) => worker!.started)), failed])
      this.#phase = 'up'
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get url(): string {
    return this.#addresses[0]?.url ?? ''
  }

  get urls(): readonly string[] {
    return this.#addresses.map(({ url }) => url)
  }

  get port(): number {
    return this.#addresses[0]?.port ?? 0
  }

  get adminUrl(): string {
    return this.#admin?.url.replace(/^ws/, 'http') ?? ''
  }

  get isReady(): boolean {
    return this.#phase === 'up' && !this.#isLeaving
  }

  notReady(): void {
    this.#isLeaving = true
    for (const worker of this.#running) worker.notReady()
  }

  broadcast(message: OutgoingPiece, { compress }: SendOptions = {}): number {
    const content = typeof message === 'string' ? message : bytesOf(message)
    let handed = 0
    for (const worker of this.#running) if (worker.broadcast(content, compress)) handed += 1
    return handed
  }

  publish(topic: string, message: OutgoingPiece, { compress, volatile }: WorkersPublishOptions = {}): number {
    const fault = faultOfTopic(topic)
    if (fault !== undefined) throw new UsageError('topicInvalid', fault)
    const content = typeof message === 'string' ? message : bytesOf(message)
    return this.#topics.publish({ topic, message: content, compress, volatile })
  }

  async metrics(): Promise<WorkersMetrics> {
    const workers = await Promise.all(
      [...this.#running].map(async (worker) => {
        const metrics = await worker.metrics()
        return { id: worker.id, pid: worker.pid, state: worker.state, metrics }
      }),
    )
    const running = [...this.#running]
    return {
      ...addMetrics([this.#past, ...running.map(({ lastMetrics }) => lastMetrics ?? noMetrics)]),
      workers: workers.filter(({ state }) => state !== 'ended').sort((a, b) => a.id - b.id),
      workerExits: this.#exits,
      missedBroadcasts: running.reduce((sum, { missedBroadcasts }) => sum + missedBroadcasts, this.#pastMissed),
    }
  }

  async drain({ withinMs }: { readonly withinMs: number }): Promise<void> {
    checkTime(withinMs)
    if (this.#phase === 'up') this.#phase = 'draining'
    this.#cancelRestarts()
    await Promise.all(
      [...this.#running].map((worker) => (worker.state === 'starting' ? worker.stop() : worker.drain(withinMs))),
    )
  }

  async restart({ withinMs }: { readonly withinMs: number }): Promise<void> {
    checkTime(withinMs)
    this.#restarting ??= this.#replaceAll(withinMs).finally(() => {
      this.#restarting = undefined
    })
    await this.#restarting
  }

  close({ withinMs }: CloseOptions = {}): Promise<void> {
    if (withinMs !== undefined) checkTime(withinMs)
    this.#closed ??= this.#stop(withinMs)
    return withinMs === undefined ? this.#closed : this.#killAfter(withinMs, this.#closed)
  }

  /** With 0 ms, the signals are sent before this method returns, because the caller may end this process next. */
  async #killAfter(withinMs: number, closed: Promise<void>): Promise<void> {
    const kill = (): void => {
      for (const worker of this.#running) worker.kill()
    }
    if (withinMs === 0) kill()
    const killing = this.#settings.ports.clock.after(withinMs, kill)
    await closed.finally(() => killing.cancel())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #stop(withinMs: number | undefined): Promise<void> {
    this.#phase = 'closing'
    this.#cancelRestarts()
    await Promise.all([...this.#running].map((worker) => worker.stop(withinMs)))
    // Last, because a probe without an answer gets the process killed.
    await this.#admin?.close()
  }

  #adminSubject(): AdminSubject {
    const pool = this
    return {
      get notReady() {
        return pool.#notReady()
      },
      metrics: () => this.metrics(),
      failed: (error) => this.#tellError(error),
    }
  }

  #notReady(): string | undefined {
    if (this.#phase === 'starting') return 'the workers are starting'
    if (!this.isReady) return 'the workers are stopping'
    const isListening = [...this.#running].some(({ state }) => state === 'listening')
    return isListening ? undefined : 'no worker listens'
  }

  #launch(id: number): SupervisedWorker {
    const worker = new SupervisedWorker(id, this.#settings, this.#ports, this.#topics, {
      listening: ({ addresses }) => {
        this.#addresses = addresses
      },
      ended: (ended, end) => this.#ended(ended, end),
      failed: (error) => this.#tellError(error),
    })
    this.#running.add(worker)
    if (this.#isLeaving) worker.notReady()
    return worker
  }

  async #replaceAll(withinMs: number): Promise<void> {
    for (const seat of this.#seats) {
      if (this.#phase !== 'up') return
      const successor = this.#launch(seat.id)
      await successor.started
      // It may have died and been restarted in the meantime.
      const predecessor = seat.worker
      seat.timer?.cancel()
      seat.worker = successor
      await predecessor?.drain(withinMs)
      await predecessor?.stop()
    }
  }

  #ended(worker: SupervisedWorker, end: WorkerEnd): void {
    this.#running.delete(worker)
    const counted = worker.lastMetrics ?? noMetrics
    this.#past = addMetrics([this.#past, onlyTotals(counted)])
    this.#pastMissed += worker.missedBroadcasts
    if (worker.state === 'stopping' || this.#phase === 'closing') return
    const reason = worker.describe(end)
    if (this.#phase === 'starting') {
      // If it had not listened yet, its own promise has the error.
      if (worker.state !== 'starting') this.#onStartFailed(new Error(reason))
      return
    }
    this.#exits += 1
    const seat = this.#seats.find((each) => each.worker === worker)
    const restartInMs = seat === undefined || this.#phase === 'draining' ? undefined : this.#restartLater(seat)
    const { id, pid } = worker
    const error = end.error ?? worker.lastError
    this.#tellExit({ id, pid, code: end.code, signal: end.signal, error, reason, restartInMs })
  }

  /** Returns the delay in milliseconds. */
  #restartLater(seat: Seat): number {
    const { clock, random } = this.#settings.ports
    const delayMs = seat.delay.next(seat.worker!.listenedMs, (random.maskingKey() >>> 0) / 2 ** 32)
    seat.worker = undefined
    seat.timer = clock.after(delayMs, () => {
      seat.worker = this.#launch(seat.id)
    })
    return delayMs
  }

  #cancelRestarts(): void {
    for (const seat of this.#seats) seat.timer?.cancel()
  }

  #tellExit(exit: WorkerExit): void {
    const { workerExit } = this.#settings.handlers
    const again = exit.restartInMs === undefined ? '' : `; it is started again in ${exit.restartInMs} ms`
    if (workerExit === undefined) this.#settings.ports.report(new Error(`${exit.reason}${again}`))
    else
      this.#call(
        () => workerExit.call(this.#settings.handlers, exit),
        (error) => this.#tellError(error),
      )
  }

  #tellError(error: Error): void {
    const { handlers, ports } = this.#settings
    if (handlers.error === undefined) ports.report(error)
    else this.#call(() => handlers.error!(error), ports.report)
  }

  /** Reports an error that a handler throws or rejects with. */
  #call(handler: () => unknown, tell: (error: Error) => void): void {
    try {
      const returned = handler()
      if (isThenable(returned)) returned.then(undefined, (error: unknown) => tell(error as Error))
    } catch (error) {
      tell(error as Error)
    }
  }
}

/** The totals only: a worker that is gone has no connections and no memory any more. */
function onlyTotals(metrics: ServerMetrics): ServerMetrics {
  const memoryTuning = { ...metrics.memoryTuning, on: 0, freedMemoryKept: 0 }
  return { ...metrics, ...nothingNow, memoryTuning, transport: noTransport, hub: onlyHubTotals(metrics.hub) }
}

import type { WorkerEnd, WorkerEvents, WorkerHost, WorkerProcess } from '../../../twoway/dist/ports/worker-host.js'
import { noMetrics } from '../../../twoway/dist/server/add-metrics.js'
import type { ServerMetrics } from '../../../twoway/dist/server/server-metrics.js'
import type { ParentMessage, WorkerMessage } from '../../../twoway/dist/workers/worker-messages.js'

/** A worker that does what the test says, and nothing by itself. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number
  /** What it was sent. */
  readonly received: ParentMessage[] = []
  /** What it was asked by signals: 'terminate' and 'kill'. */
  readonly signals: string[] = []
  /** Whether it takes what it is sent; else that waits in the parent. */
  takes = true
  readonly #events: WorkerEvents
  readonly #waiting: (() => void)[] = []

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid
    this.#events = events
  }

  send(message: object, handed?: () => void): void {
    this.received.push(message as ParentMessage)
    if (this.takes) handed?.()
    else if (handed !== undefined) this.#waiting.push(handed)
  }

  end(force: boolean): void {
    this.signals.push(force ? 'kill' : 'terminate')
  }

  /** Takes all that waits, and what comes. */
  take(): void {
    this.takes = true
    for (const handed of this.#waiting.splice(0)) handed()
  }

  tell(message: WorkerMessage): void {
    this.#events.message(message)
  }

  listening(port = 5000): void {
    this.tell({ type: 'listening', addresses: [{ url: `ws://127.0.0.1:${port}`, port }] })
  }

  /** Answers the last question of a kind. */
  answer(type: 'metrics' | 'drain' | 'close', metrics: Partial<ServerMetrics> = {}): void {
    const question = this.received.findLast((message) => message.type === type) as { readonly ask: number }
    this.tell({ type: 'answer', ask: question.ask, metrics: { ...noMetrics, ...metrics } })
  }

  die(end: Partial<WorkerEnd> = {}): void {
    this.#events.ended({ code: null, signal: null, ...end })
  }

  /** The kinds of what it was sent. */
  get asked(): string[] {
    return this.received.map(({ type }) => type)
  }
}

export class FakeWorkerHost implements WorkerHost {
  readonly workers: FakeWorker[] = []

  start(events: WorkerEvents): WorkerProcess {
    const worker = new FakeWorker(101 + this.workers.length, events)
    this.workers.push(worker)
    return worker
  }

  async findPort({ port }: { readonly port: number }): Promise<number> {
    return port === 0 ? 5000 : port
  }
}

import type { WorkerEnd, WorkerEvents, WorkerHost, WorkerProcess } from '../../../twoway/dist/ports/worker-host.js'
import { noMetrics } from '../../../twoway/dist/server/add-metrics.js'
import type { ServerMetrics } from '../../../twoway/dist/server/server-metrics.js'
import type { ParentMessage, WorkerMessage } from '../../../twoway/dist/workers/worker-messages.js'

/** A worker that only does what a test tells it to. */
export class FakeWorker implements WorkerProcess {
  readonly pid: number
  /** The messages that it was sent. */
  readonly received: ParentMessage[] = []
  /** The signals that it received: 'terminate' and 'kill'. */
  readonly signals: string[] = []
  /** Whether it accepts messages; otherwise they wait in the parent. */
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

  /** Accepts the waiting and all further messages. */
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

  /** Answers the latest question of a kind. */
  answer(type: 'metrics' | 'drain' | 'close', metrics: Partial<ServerMetrics> = {}, missed = 0): void {
    const question = this.received.findLast((message) => message.type === type) as { readonly ask: number }
    this.tell({ type: 'answer', ask: question.ask, metrics: { ...noMetrics, ...metrics }, missed })
  }

  die(end: Partial<WorkerEnd> = {}): void {
    this.#events.ended({ code: null, signal: null, ...end })
  }

  /** The kinds of the messages that it was sent. */
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

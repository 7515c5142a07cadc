import { Worker } from 'node:worker_threads'

export interface Latency {
  readonly worstMs: number
  readonly medianMs: number
  readonly count: number
}

/** A well-behaved client of a server, in its own thread, that measures the time of each echo. */
export class Bystander {
  readonly #worker: Worker

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Resolves once the client is connected and has received a few echoes. */
  static async join(port: number): Promise<Bystander> {
    const worker = new Worker(new URL('bystander-thread.js', import.meta.url), { workerData: port })
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('error', reject)
    })
    return new Bystander(worker)
  }

  /** Drops the earlier measurements. */
  begin(): void {
    this.#worker.postMessage('begin')
  }

  /** Disconnects, and returns the times of its echoes since `begin`. */
  async leave(): Promise<Latency> {
    const latency = new Promise<Latency>((resolve) => this.#worker.once('message', resolve))
    this.#worker.postMessage('leave')
    const result = await latency
    await this.#worker.terminate()
    return result
  }
}

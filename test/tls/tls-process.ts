import { FaultProcess, type ProcessRuntime } from '../faults/fault-process.js'
import type { ConnectOrder, TlsProcessStart, TlsState } from './tls-server.js'

export interface TlsProcessOptions {
  /** Whether its servers are Node's own. */
  readonly isPlain?: boolean | undefined
  /** The runtime of the process; this one by default. */
  readonly runtime?: ProcessRuntime | undefined
}

/** TLS servers and clients in a separate process, see tls-server.ts. */
export class TlsProcess {
  readonly ports: TlsProcessStart['ports']
  readonly identity: TlsProcessStart['identity']
  readonly #process: FaultProcess

  private constructor(process: FaultProcess, { ports, identity }: TlsProcessStart) {
    this.ports = ports
    this.identity = identity
    this.#process = process
  }

  static async start({ isPlain, runtime }: TlsProcessOptions = {}): Promise<TlsProcess> {
    const process = new FaultProcess('../tls/tls-server', isPlain === true ? ['plain'] : [], { runtime })
    return new TlsProcess(process, await process.said<TlsProcessStart>())
  }

  get hasEnded(): boolean {
    return this.#process.hasEnded
  }

  get ended(): Promise<unknown> {
    return this.#process.ended
  }

  /** The standard error of the process. */
  get errors(): string {
    return this.#process.errors
  }

  /** Has a client of ours connect to a port, or by the proxy there. */
  connect(order: ConnectOrder): void {
    this.#process.tell(order)
  }

  state(): Promise<TlsState> {
    return this.#process.ask<TlsState>('state')
  }

  /** Waits until the process has at most `held` descriptors and no client, and returns its state. */
  async settled(held: number, withinMs: number): Promise<TlsState> {
    const end = performance.now() + withinMs
    for (;;) {
      const state = await this.state()
      if ((state.held <= held && state.clients === 0) || performance.now() > end) return state
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  kill(): Promise<void> {
    return this.#process.kill()
  }
}

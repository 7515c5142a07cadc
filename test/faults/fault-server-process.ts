import { echoTrip } from './echo-trip.js'
import { FaultProcess, type ProcessOptions } from './fault-process.js'
import { moreThanAny, type ServerState } from './server-state.js'

/** An echo server in its own process, which a test can stop and ask for its state. */
export class FaultServer {
  readonly process: FaultProcess
  readonly port: number

  private constructor(process: FaultProcess, port: number) {
    this.process = process
    this.port = port
  }

  static async start(options: object = {}, processOptions: ProcessOptions = {}): Promise<FaultServer> {
    const process = new FaultProcess('fault-server', [JSON.stringify(options)], processOptions)
    const { port } = await process.said<{ port: number }>()
    return new FaultServer(process, port)
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  state(): Promise<ServerState> {
    return this.process.ask<ServerState>('state')
  }

  /** Waits until the server has no descriptor left, and returns whether that happened in time. */
  async isOutOfDescriptors(withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs
    while ((await this.state()).descriptors !== moreThanAny) if (performance.now() > end) return false
    return true
  }

  /** Waits until the server has this number of connections and at most these descriptors, and returns its state. */
  async settled(connections: number, descriptors: number, withinMs: number): Promise<ServerState> {
    const end = performance.now() + withinMs
    for (;;) {
      const state = await this.state()
      const isSettled = state.connections === connections && state.descriptors <= descriptors
      if (isSettled || performance.now() > end) return state
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** Whether a new client can connect and gets its echo. */
  async serves(): Promise<boolean> {
    const trip = await echoTrip(this.url, { messages: ['hello'], patienceMs: 20_000 })
    return trip.echoes === 1 && trip.wasClean
  }

  kill(): Promise<void> {
    return this.process.kill()
  }
}

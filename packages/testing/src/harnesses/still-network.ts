import { ScratchPool } from '../../../twoway/dist/core/sending/scratch-pool.js'
import { MemoryNetwork } from '../../../twoway/dist/runtimes/memory/memory-network.js'
import { webDiagnostics } from '../../../twoway/dist/runtimes/web/diagnostics.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import type { ServerPorts } from '../../../twoway/dist/server/server-settings.js'
import { RawPeer } from '../peers/raw-peer.js'
import { FakeClock } from './fake-clock.js'

/** A network in memory whose clock stands still until a test moves it, and the ports of a server on it. */
export class StillNetwork {
  readonly clock = new FakeClock()
  readonly ports: ServerPorts
  readonly #network = new MemoryNetwork(this.clock)

  constructor(ports: Partial<ServerPorts> = {}) {
    this.ports = {
      payload: webPayload,
      clock: this.clock,
      random: { maskingKey: () => 0, bytes: (length: number) => new Uint8Array(length) },
      scratchPool: new ScratchPool(webPayload),
      httpHost: this.#network,
      diagnostics: webDiagnostics,
      deflateCodec: () => undefined,
      report() {},
      ...ports,
    }
  }

  connect(port: number, ...sent: readonly Uint8Array[]): RawPeer {
    const peer = new RawPeer(this.#network, { host: 'localhost', port, tls: undefined })
    if (sent.length > 0) peer.send(...sent)
    return peer
  }

  /** Runs the tasks that are due and the reactions of promises, including those that they cause. */
  async settle(): Promise<void> {
    for (let round = 0; round < 30; round++) {
      this.clock.runTasks()
      await Promise.resolve()
    }
  }
}

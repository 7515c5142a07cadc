import type { WorkerHost } from '../ports/worker-host.js'
import type { WorkerPlace } from './worker-messages.js'

interface FoundPort {
  readonly promise: Promise<number>
  port?: number
}

/**
 * Which port the workers share for each of their servers: the first to ask decides, and it stays so, whoever dies.
 *
 * A port with SO_REUSEPORT is taken without a word beside any other program that shares it, a second start of the same
 * one say; so whether it is free is found out here, once, in the ordinary way.
 */
export class SharedPorts {
  readonly #findPort: WorkerHost['findPort']
  readonly #found = new Map<string, FoundPort>()
  readonly #inUse = new Set<number>()

  constructor(findPort: WorkerHost['findPort']) {
    this.#findPort = findPort
  }

  /** Rejects with the system's error where the address can't be had. */
  async portFor({ port, host, nth, isShared, taken }: WorkerPlace): Promise<number> {
    if (isShared && port !== 0) return port
    const key = `${host} ${port === 0 ? `any ${nth}` : port}`
    const found = this.#found.get(key)
    // Between our finding it and their listening somebody else took it.
    const isLost = taken !== undefined && found?.port === taken && !this.#inUse.has(taken)
    return found === undefined || isLost ? this.#find(key, { port, host }) : found.promise
  }

  /** A worker listens there. */
  used(port: number): void {
    this.#inUse.add(port)
  }

  #find(key: string, place: { readonly port: number; readonly host: string }): Promise<number> {
    const found: FoundPort = { promise: this.#findPort(place) }
    this.#found.set(key, found)
    found.promise.then(
      (port) => {
        found.port = port
      },
      () => this.#found.delete(key),
    )
    return found.promise
  }
}

import type { WorkerHost } from '../ports/worker-host.js'
import type { PortRequest } from './worker-messages.js'

interface FoundPort {
  readonly promise: Promise<number>
  port?: number
}

/**
 * The port that the workers share for each of their servers. The first worker that asks decides it, and it stays the same
 * when workers die.
 *
 * With SO_REUSEPORT a port can be shared with another program unnoticed, such as a second start of the same one. So this
 * class checks once, without SO_REUSEPORT, that the port is free.
 */
export class SharedPorts {
  readonly #findPort: WorkerHost['findPort']
  readonly #found = new Map<string, FoundPort>()
  readonly #inUse = new Set<number>()

  constructor(findPort: WorkerHost['findPort']) {
    this.#findPort = findPort
  }

  /** Rejects with the system's error if the address can't be used. */
  async portFor({ port, host, nth, isShared, taken }: PortRequest): Promise<number> {
    if (isShared && port !== 0) return port
    const key = `${host} ${port === 0 ? `any ${nth}` : port}`
    const found = this.#found.get(key)
    // Another program took the port after the check and before the workers listened.
    const isLost = taken !== undefined && found?.port === taken && !this.#inUse.has(taken)
    return found === undefined || isLost ? this.#find(key, { port, host }) : found.promise
  }

  /** A worker listens on the port. */
  used(port: number): void {
    this.#inUse.add(port)
  }

  #find(key: string, address: { readonly port: number; readonly host: string }): Promise<number> {
    const found: FoundPort = { promise: this.#findPort(address) }
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

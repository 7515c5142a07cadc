import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A fault of a connection.
 *
 * - 'reset': both sides get a reset (RST);
 * - 'cut': both sides get an end (FIN) at once, and their further bytes are dropped;
 * - 'swallow': bytes are read and dropped without notice: a blackhole if it happens in both directions;
 * - 'stall': the proxy stops reading, so that the sender's network fills up;
 * - 'forget': the receiver is reset without notice to the sender, which leaves a half-open connection.
 */
export type Mishap = 'reset' | 'cut' | 'swallow' | 'stall' | 'forget'

/** The conditions in one direction. */
export interface FlowFaults {
  /** The delay of each piece in milliseconds. */
  readonly delayMs?: number
  readonly bytesPerSecond?: number
  /** The largest piece that is passed on at once, in bytes. */
  readonly pieceBytes?: number
  /** The fault, and the number of bytes in this direction after which it happens: 0 is before the first. */
  readonly at?: readonly [bytes: number, mishap: Mishap]
}

export interface Faults {
  /** The direction from the client to the server, and the one back. */
  readonly up?: FlowFaults
  readonly down?: FlowFaults
}

/** A TCP proxy before a server that causes faults in each connection. */
export class FaultProxy {
  readonly connections = new Set<ProxiedConnection>()
  readonly #server: Server
  readonly #faults: (index: number) => Faults
  /** The number of connections so far. */
  accepted = 0

  private constructor(target: number, faults: (index: number) => Faults) {
    this.#faults = faults
    // The proxy passes an end on and keeps the other direction open.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      const connection = new ProxiedConnection(client, server, this.#faults(this.accepted++))
      this.connections.add(connection)
      void connection.gone.then(() => this.connections.delete(connection))
    })
  }

  /** Listens before the port `target`; `faults` returns the faults of each connection, by its index. */
  static async listen(target: number, faults: Faults | ((index: number) => Faults) = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, typeof faults === 'function' ? faults : () => faults)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Drops the remaining connections and stops listening. */
  async close(): Promise<void> {
    for (const connection of this.connections) connection.drop()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** One connection through the proxy. */
export class ProxiedConnection {
  readonly #client: Socket
  readonly #server: Socket
  readonly #up: Flow
  readonly #down: Flow
  readonly gone: Promise<unknown>

  constructor(client: Socket, server: Socket, { up = {}, down = {} }: Faults) {
    this.#client = client
    this.#server = server
    for (const socket of [client, server]) socket.on('error', () => {})
    this.#up = new Flow(client, server, up)
    this.#down = new Flow(server, client, down)
    this.#up.start(this.#down)
    this.#down.start(this.#up)
    this.gone = Promise.all([client, server].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  }

  /** Causes this fault now, in one direction if the fault has one. */
  befall(mishap: Mishap, direction: 'up' | 'down' = 'up'): void {
    ;(direction === 'up' ? this.#up : this.#down).befall(mishap)
  }

  /** The number of bytes that passed. */
  get passed(): { readonly up: number; readonly down: number } {
    return { up: this.#up.passed, down: this.#down.passed }
  }

  drop(): void {
    this.#client.destroy()
    this.#server.destroy()
  }
}

/** One direction of a connection. */
class Flow {
  passed = 0
  readonly #from: Socket
  readonly #to: Socket
  readonly #faults: FlowFaults
  #other: Flow | undefined
  #mishap: Mishap | undefined
  #dueAt = 0

  constructor(from: Socket, to: Socket, faults: FlowFaults) {
    this.#from = from
    this.#to = to
    this.#faults = faults
  }

  start(other: Flow): void {
    this.#other = other
    const { at } = this.#faults
    if (at?.[0] === 0) this.befall(at[1])
    void this.#run()
  }

  befall(mishap: Mishap): void {
    this.#mishap = mishap
    // The other direction must not pass on the ends that this causes.
    if (mishap === 'forget') this.#other!.#mishap = 'swallow'
    if (mishap === 'reset') this.#reset(this.#from)
    if (mishap === 'reset' || mishap === 'forget') this.#reset(this.#to)
    if (mishap === 'cut') for (const socket of [this.#from, this.#to]) socket.destroySoon()
  }

  async #run(): Promise<void> {
    try {
      for await (const chunk of this.#from.iterator({ destroyOnReturn: false })) {
        await this.#pass(chunk as Buffer)
        if (this.#mishap === 'stall') return
      }
      if (this.#mishap === undefined) this.#to.end()
    } catch {
      // A reset is passed on as a reset, unless the other side must not notice it.
      if (this.#mishap === undefined) this.#reset(this.#to)
    }
  }

  async #pass(chunk: Buffer): Promise<void> {
    const { at, pieceBytes = Number.POSITIVE_INFINITY } = this.#faults
    for (let start = 0; start < chunk.length && this.#mishap === undefined; ) {
      const untilMishap = at === undefined ? Number.POSITIVE_INFINITY : at[0] - this.passed
      const end = Math.min(chunk.length, start + pieceBytes, start + untilMishap)
      await this.#wait(end - start)
      if (this.#mishap !== undefined) break
      await this.#write(chunk.subarray(start, end))
      this.passed += end - start
      start = end
      if (this.passed === at?.[0]) this.befall(at[1])
    }
  }

  async #wait(bytes: number): Promise<void> {
    const { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.#faults
    const now = performance.now()
    this.#dueAt = Math.max(now, this.#dueAt) + (1000 * bytes) / bytesPerSecond
    const ms = delayMs + this.#dueAt - now
    if (ms >= 1) await sleep(ms)
  }

  async #write(piece: Buffer): Promise<void> {
    if (this.#to.destroyed || this.#to.write(piece)) return
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        this.#to.off('drain', settle).off('close', settle)
        resolve()
      }
      this.#to.on('drain', settle).on('close', settle)
    })
  }

  /**
   * Resets the socket. A socket that is still connecting cannot be reset, and is dropped. So is one whose side ends just now: Node
   * refuses its reset, and would never close it.
   */
  #reset(socket: Socket): void {
    const isEnding = socket.writableEnded && !socket.writableFinished
    if (socket.connecting || isEnding) socket.destroy()
    else socket.resetAndDestroy()
  }
}

import { TransportError } from '../../core/errors.js'
import type { UnorderedSet } from '../../core/unordered-set.js'
import type { Timer } from '../../ports/clock.js'
import type { ServerSettings } from '../server-settings.js'
import type { ServerConnection } from './server-connection.js'

/** The parts that `idleTimeoutMs` is cut into: with its default, a second each. */
const ticksToDeath = 45
/** Silent ticks after which a peer is pinged: it has the rest of them to answer. */
const ticksToPing = 25
/** Connections differ by up to so many ticks, less one, that those that came together are not pinged together. */
const jitterTicks = 4

/**
 * Finds peers that have gone without a word: pings who is silent, and drops who stays silent for `idleTimeoutMs`.
 * One timer for all connections, which runs while there are any, and nothing to do when a message comes but to set a
 * flag.
 */
export class Heartbeat<Data> {
  readonly #settings: ServerSettings<Data>
  readonly #connections: UnorderedSet<ServerConnection<Data>>
  readonly #onDead: (connection: ServerConnection<Data>, error: TransportError) => void
  #timer: Timer | undefined

  constructor(
    settings: ServerSettings<Data>,
    connections: UnorderedSet<ServerConnection<Data>>,
    onDead: (connection: ServerConnection<Data>, error: TransportError) => void,
  ) {
    this.#settings = settings
    this.#connections = connections
    this.#onDead = onDead
  }

  /** A connection was added. */
  start(): void {
    if (this.#timer === undefined) this.#arm()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The silent ticks that a new connection starts with. */
  firstTicks(): number {
    return this.#settings.ports.random.maskingKey() & (jitterTicks - 1)
  }

  #arm(): void {
    const { limits, ports } = this.#settings
    if (limits.idleTimeoutMs === Number.POSITIVE_INFINITY) return
    this.#timer = ports.clock.after(limits.idleTimeoutMs / ticksToDeath, () => {
      this.#timer = undefined
      for (const connection of this.#connections) this.#look(connection)
      if (this.#connections.size > 0) this.#arm()
    })
  }

  #look(connection: ServerConnection<Data>): void {
    const ticks = connection.countSilence()
    if (ticks === ticksToPing) {
      connection.pingForLife()
    } else if (ticks >= ticksToDeath) {
      const { idleTimeoutMs } = this.#settings.limits
      this.#onDead(
        connection,
        new TransportError(`nothing has come from the peer for ${idleTimeoutMs} ms`, { code: 'peerSilent' }),
      )
    }
  }
}

import { TransportError } from '../../core/errors.js'
import type { UnorderedSet } from '../../core/unordered-set.js'
import type { Timer } from '../../ports/clock.js'
import type { ServerSettings } from '../server-settings.js'
import type { ServerConnection } from './server-connection.js'

/** The ticks of `idleTimeoutMs`: by default, one each second. */
const ticksToDeath = 45
/** Silent ticks after which a peer is pinged. It has the remaining ticks to answer. */
const ticksToPing = 25
/** New connections start at one of so many ticks, so that connections that came together are not pinged together. */
const jitterTicks = 4

/**
 * Finds dead peers: pings silent ones, and drops those that stay silent for `idleTimeoutMs`. One timer serves all
 * connections and runs while there are any. A message only sets a flag.
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
        new TransportError(`the peer has sent nothing for ${idleTimeoutMs} ms`, { code: 'peerSilent' }),
      )
    }
  }
}

import type { HandedUpgrade, HttpHandler, HttpListener, UpgradeTaker } from '../ports/http-host.js'
import type { UpgradeAcceptance } from './answer-types.js'
import type { UpgraderOptions } from './handler-types.js'
import type { AppDecision } from './handshake/undecided-handshakes.js'
import { ListeningServer } from './listening-server.js'
import { type ServerPorts, type ServerSettings, settleAttach } from './server-settings.js'
import type { ServerSocket, Upgrader } from './server-types.js'

/** Makes a server that gets its upgrades from the app. Throws a UsageError for wrong options. */
export function makeUpgrader<Data>(
  options: UpgraderOptions<Data>,
  ports: ServerPorts,
  taker: UpgradeTaker,
): Upgrader<Data> {
  return new HandedServer(settleAttach(options, ports, 'upgrader()'), taker)
}

const withoutListener: HttpListener = {
  port: 0,
  address: '',
  encrypted: false,
  leave: () => Promise.resolve(),
  close: () => Promise.resolve(),
}

/** A server whose app passes on the upgrades. */
class HandedServer<Data> extends ListeningServer<Data> implements Upgrader<Data> {
  readonly handleUpgrade: (request: object, socket: object, head?: Uint8Array) => void
  readonly #settings: ServerSettings<Data>
  readonly #taker: UpgradeTaker

  constructor(settings: ServerSettings<Data>, taker: UpgradeTaker) {
    super(settings)
    this.takeFrom(withoutListener)
    this.#settings = settings
    this.#taker = taker
    const handler = this.#deciding({ acceptance: undefined, isRouted: true, settle: () => {} })
    this.handleUpgrade = (request, stream, head) => {
      try {
        taker.takeIf(this.route.wants, { request, stream, head }, settings.limits, handler)
      } catch (error) {
        this.failed(error as Error)
      }
    }
  }

  accept(
    request: object,
    stream: object,
    head?: Uint8Array,
    acceptance?: UpgradeAcceptance<Data>,
  ): Promise<ServerSocket<Data> | undefined> {
    return new Promise((resolve) => {
      const handler = this.#deciding({ acceptance, isRouted: false, settle: resolve })
      this.#taker.take({ request, stream, head }, this.#settings.limits, handler, () => resolve(undefined))
    })
  }

  /** Handles one upgrade, on which the app may have decided. */
  #deciding(app: AppDecision<Data>): HttpHandler {
    return {
      upgrade: (head, transport, handed?: HandedUpgrade) => this.upgrade(head, transport, handed, app),
      request: (head, peer) => this.request(head, peer),
      refused: (answer, peer) => {
        this.refused(answer, peer)
        app.settle(undefined)
      },
      dropped: (reason, peer) => this.dropped(reason, peer),
      limited: (limit, peer) => this.limited(limit, peer),
      failed: (error) => this.failed(error),
    }
  }
}

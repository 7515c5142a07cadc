import type { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { Connector, ConnectTarget } from '../../ports/connector.js'
import type { BunApi } from './bun-sockets.js'
import { BunTransport } from './bun-transport.js'

export interface BunConnectorParts {
  readonly bun: BunApi
  readonly clock: Clock
  /** Whether Bun's sockets have failed when they were tried. */
  hasFailed(): boolean
  /** Connects by TLS, through proxies, by a caller's function, and with options for the local side. */
  readonly otherwise: Connector
  /** Makes the error of a connection that could not be opened, or that was lost. The cause is undefined if Bun gives none. */
  explainLoss(target: ConnectTarget, wasConnected: boolean, cause: Error | undefined): TransportError
  /** Called once a connection is established. */
  connected(target: ConnectTarget): void
  /** Whether the environment names a proxy for the target. */
  hasProxy(target: ConnectTarget): boolean
}

/**
 * The connector by Bun.connect, for TCP without TLS and for Unix sockets. TLS stays with node:tls, which has the options of
 * a client and checks the certificate's names.
 */
export function bunConnector(parts: BunConnectorParts): Connector {
  return {
    connect: (target) => (canConnect(parts, target) ? connectByBun(parts, target) : parts.otherwise.connect(target)),
  }
}

function canConnect({ hasFailed, hasProxy }: BunConnectorParts, target: ConnectTarget): boolean {
  const { tls, local, createConnection } = target
  if (tls !== undefined || createConnection !== undefined || hasFailed()) return false
  return !hasProxy(target) && (local === undefined || Object.values(local).every((value) => value === undefined))
}

function connectByBun({ bun, clock, explainLoss, connected }: BunConnectorParts, target: ConnectTarget): BunTransport {
  const { host: hostname, port, socketPath, progress = () => {} } = target
  let isConnected = false
  const transport = new BunTransport({
    clock,
    encrypted: false,
    explain: (cause) => explainLoss(target, isConnected, cause),
  })
  const fail = (error: Error): void => transport.failed(error)
  progress(`connecting to ${socketPath ?? `${hostname}:${port}`}`)
  try {
    const connecting = bun.connect<BunTransport | undefined>({
      ...(socketPath === undefined ? { hostname, port } : { unix: socketPath }),
      allowHalfOpen: true,
      data: transport,
      socket: {
        ...BunTransport.events,
        open(socket) {
          isConnected = true
          progress(undefined)
          transport.connected(socket)
          connected(target)
        },
        connectError: (_, error) => fail(error),
      },
    })
    // The event connectError tells the error too.
    connecting.catch(() => {})
  } catch (error) {
    // No event may come within this call.
    clock.defer(() => fail(error as Error))
  }
  return transport
}

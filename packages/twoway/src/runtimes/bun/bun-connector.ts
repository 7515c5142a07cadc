import type { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { Connector, ConnectTarget, TlsClientOptions } from '../../ports/connector.js'
import { type BunApi, type BunSocket, http11Alpn } from './bun-sockets.js'
import { BunTransport, type TransportSocketEvents } from './bun-transport.js'

export interface BunConnectorParts {
  readonly bun: BunApi
  readonly clock: Clock
  /** Whether Bun's sockets have failed when they were tried. */
  hasFailed(): boolean
  /** Connects through proxies, by a caller's function, and with options that Bun.connect does not have. It explains what Bun.connect refuses. */
  readonly otherwise: Connector
  /** Makes the error of a connection that could not be opened, or that was lost. The cause is undefined if Bun gives none. */
  explainLoss(target: ConnectTarget, wasConnected: boolean, cause: Error | undefined): TransportError
  /** Called once a connection is established. */
  connected(target: ConnectTarget): void
  /** Whether the environment names a proxy for the target. */
  hasProxy(target: ConnectTarget): boolean
}

/** The options of TLS that Bun's sockets take as node:tls does. */
const tlsOptions: ReadonlySet<string> = new Set([
  'ca',
  'cert',
  'key',
  'passphrase',
  'servername',
  'rejectUnauthorized',
] satisfies (keyof TlsClientOptions)[])

/** Bun's error codes of a TLS handshake that failed for another reason than the certificate. */
const handshakeFailures: ReadonlySet<string> = new Set(['EPROTO', 'ECONNRESET', ''])

/** The connector by Bun.connect, for TCP, TLS and Unix sockets. */
export function bunConnector(parts: BunConnectorParts): Connector {
  return {
    connect: (target) =>
      (canConnect(parts, target) ? connectByBun(parts, target) : undefined) ?? parts.otherwise.connect(target),
  }
}

function canConnect({ hasFailed, hasProxy }: BunConnectorParts, target: ConnectTarget): boolean {
  const { tls, local, createConnection, socketPath } = target
  if (createConnection !== undefined || hasFailed() || hasProxy(target) || !isEmpty(local)) return false
  if (tls === undefined) return true
  return socketPath === undefined && Object.entries(tls).every(([name, value]) => isTaken(name, value))
}

function isEmpty(options: object | undefined): boolean {
  return options === undefined || Object.values(options).every((value) => value === undefined)
}

/** Bun takes several keys with a passphrase each only in node:tls. */
function isTaken(name: string, value: unknown): boolean {
  return value === undefined || (tlsOptions.has(name) && !(name === 'key' && Array.isArray(value)))
}

/** Undefined if Bun.connect refuses the options. The other connector explains why. */
function connectByBun(parts: BunConnectorParts, target: ConnectTarget): BunTransport | undefined {
  const { bun, clock, explainLoss } = parts
  const { host: hostname, port, socketPath, tls, progress = () => {} } = target
  const name = socketPath ?? `${hostname}:${port}`
  let isConnected = false
  const transport = new BunTransport({
    clock,
    encrypted: tls !== undefined,
    explain: (cause) => explainLoss(target, isConnected, cause),
  })
  const connected = (socket: BunSocket<BunTransport | undefined>): void => {
    isConnected = true
    progress(undefined)
    transport.connected(socket)
    parts.connected(target)
  }
  const events: TransportSocketEvents = {
    ...BunTransport.events,
    open: connected,
    connectError: (_, error) => transport.failed(error),
  }
  try {
    const connecting = bun.connect<BunTransport | undefined>({
      ...(socketPath === undefined ? { hostname, port } : { unix: socketPath }),
      ...(tls === undefined ? {} : { tls: securityOf(hostname, tls) }),
      allowHalfOpen: true,
      data: transport,
      socket:
        tls === undefined
          ? events
          : { ...events, ...securing(transport, tls, connected, () => progress(`in the TLS handshake with ${name}`)) },
    })
    // The event connectError tells the error too.
    connecting.catch(() => {})
  } catch {
    return undefined
  }
  progress(`connecting to ${name}`)
  return transport
}

/** The events of a socket that is to be secured. The peer is checked before any byte of ours is sent to it. */
function securing(
  transport: BunTransport,
  { rejectUnauthorized = true }: TlsClientOptions,
  connected: (socket: BunSocket<BunTransport | undefined>) => void,
  begun: () => void,
): Pick<TransportSocketEvents, 'open' | 'handshake'> {
  return {
    open(socket) {
      begun()
      transport.securing(socket)
    },
    handshake(socket, success, error) {
      // If the certificate does not matter, Bun 1.4 still tells of a fault in it, at times as if the handshake had failed.
      const isSecured = success || (!rejectUnauthorized && !handshakeFailures.has(error?.code ?? ''))
      if (isSecured) {
        connected(socket)
        return
      }
      transport.failed(error ?? undefined)
      socket.terminate()
    },
  }
}

/** RFC 6066 §3: a server name is no IP address and has no trailing dot, but the host may have one. */
function securityOf(host: string, { servername, rejectUnauthorized = true, ...tls }: TlsClientOptions): object {
  const name = servername ?? (isIpAddress(host) ? '' : host)
  // Bun 1.4 checks the certificate against the host if the server name is empty.
  return { ...tls, serverName: name.replace(/\.$/, ''), rejectUnauthorized, ALPNProtocols: http11Alpn }
}

function isIpAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host)
}

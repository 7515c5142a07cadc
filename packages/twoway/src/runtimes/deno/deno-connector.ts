import type { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { Connector, ConnectTarget } from '../../ports/connector.js'
import type { DenoApi, DenoTcpConnection } from './deno-sockets.js'
import { DenoTransport } from './deno-transport.js'

export interface DenoConnectorParts {
  readonly deno: DenoApi
  readonly clock: Clock
  /** Connects without TLS, through proxies, by a caller's function, and with options that Deno's TLS does not have. */
  readonly otherwise: Connector
  /** Makes the error of a connection that could not be opened, or that was lost. The cause is undefined if Deno gives none. */
  explainLoss(target: ConnectTarget, wasConnected: boolean, cause: Error | undefined): TransportError
  /** Called once a connection is established. */
  connected(target: ConnectTarget): void
  /** Whether the environment names a proxy for the target. */
  hasProxy(target: ConnectTarget): boolean
}

/** Reasons in Deno's messages, whose errors have no code, and the codes that Node has for them. */
const codes: readonly (readonly [reason: string, code: string])[] = [
  ['failed to lookup address information', 'ENOTFOUND'],
  ['UnknownIssuer', 'UNABLE_TO_GET_ISSUER_CERT'],
  ['CaUsedAsEndEntity', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['not valid for name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['expired', 'CERT_HAS_EXPIRED'],
  ['not valid yet', 'CERT_NOT_YET_VALID'],
  ['NoApplicationProtocol', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
  ['InvalidContentType', 'ERR_SSL_WRONG_VERSION_NUMBER'],
]

/**
 * The connector by Deno.connect and Deno.startTls, for TLS with Deno's own trust. A client with other TLS options stays with
 * node:tls: Deno.startTls would trust the authorities of the option `ca` in addition to its own, and not in their place. The
 * Node room keeps backpressure there.
 */
export function denoConnector(parts: DenoConnectorParts): Connector {
  return {
    connect: (target) => (canConnect(parts, target) ? connectByDeno(parts, target) : parts.otherwise.connect(target)),
  }
}

function canConnect({ hasProxy }: DenoConnectorParts, target: ConnectTarget): boolean {
  const { tls, local, createConnection, socketPath } = target
  if (tls === undefined || createConnection !== undefined || socketPath !== undefined || !isEmpty(local)) return false
  const { servername: _, rejectUnauthorized = true, ...others } = tls
  return rejectUnauthorized && isEmpty(others) && !hasProxy(target)
}

function isEmpty(options: object | undefined): boolean {
  return options === undefined || Object.values(options).every((value) => value === undefined)
}

function connectByDeno(parts: DenoConnectorParts, target: ConnectTarget): DenoTransport {
  const { clock, explainLoss } = parts
  let isConnected = false
  const transport: DenoTransport = new DenoTransport({
    clock,
    explain: (cause) => explainLoss(target, isConnected, cause),
  })
  void open(parts, target, transport, () => {
    isConnected = true
  })
  return transport
}

async function open(
  { deno, connected }: DenoConnectorParts,
  target: ConnectTarget,
  transport: DenoTransport,
  succeeded: () => void,
): Promise<void> {
  const { host, port, tls, progress = () => {} } = target
  let tcp: DenoTcpConnection | undefined
  try {
    progress(`connecting to ${host}:${port}`)
    tcp = await deno.connect({ hostname: host, port })
    tcp.setNoDelay(true)
    progress(`in the TLS handshake with ${host}:${port}`)
    // RFC 6066 §3: a server name has no trailing dot, but the host may have one.
    const hostname = (tls?.servername || host).replace(/\.$/, '')
    const secured = await deno.startTls(tcp, { hostname, alpnProtocols: ['http/1.1'] })
    tcp = undefined
    await secured.handshake()
    succeeded()
    progress(undefined)
    transport.connected(secured)
    connected(target)
  } catch (error) {
    tcp?.close()
    transport.failed(withCode(error as Error))
  }
}

function withCode(error: Error): Error {
  const { message } = error
  const [, code] = codes.find(([reason]) => message.includes(reason)) ?? []
  return code === undefined ? error : Object.assign(error, { code })
}

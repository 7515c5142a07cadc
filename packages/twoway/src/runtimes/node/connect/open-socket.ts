import { connect, isIP, type LookupFunction, type NetConnectOpts, Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { LocalOptions, LookupCallback, LookupOptions, TlsClientOptions } from '../../../ports/connector.js'
import type { SharedReading } from '../transport/shared-reading.js'
import { readsWhilePaused, secureByGate } from './gated-tls.js'

export interface SocketTarget {
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
  readonly socketPath?: string | undefined
  readonly local?: LocalOptions | undefined
}

/**
 * Opens a socket, over IPv6 or IPv4, whichever answers first (Node's "happy eyeballs"). Never throws: an error before the
 * attempt, such as an unreadable certificate, becomes the socket's error.
 *
 * @param progress called with each stage in words
 * @param reading the way in which the socket reads; undefined for 'data' events
 */
export function openSocket(
  target: SocketTarget,
  progress: (stage: string) => void,
  reading?: SharedReading | undefined,
): Socket {
  const { host, port, tls, socketPath, local } = target
  const name = nameOf(target)
  const isName = socketPath === undefined && isIP(host) === 0
  progress(isName ? `looking up ${host}` : `connecting to ${name}`)
  try {
    const options: NetConnectOpts = {
      ...(socketPath === undefined ? { host, port, ...localOf(local) } : { path: socketPath }),
      ...(reading === undefined ? {} : { onread: reading.onread }),
    }
    const isGated = tls !== undefined && readsWhilePaused
    const socket =
      tls === undefined || isGated ? connect(options) : connectTls({ ...options, ...securityOf(host, tls) })
    if (isName) socket.once('lookup', () => progress(`connecting to ${name}`))
    socket.once('connect', () => {
      socket.setNoDelay(true)
      if (tls !== undefined) progress(`in the TLS handshake with ${name}`)
    })
    return isGated ? secureByGate(socket, securityOf(host, tls)) : socket
  } catch (error) {
    return new Socket().destroy(error as Error)
  }
}

/** The name of a target in error messages. */
export function nameOf({ host, port, socketPath }: SocketTarget): string {
  return socketPath ?? `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** Node's options for the local side of a connection. */
export function localOf({ lookup, ...local }: LocalOptions = {}): Omit<TcpNetConnectOpts, 'port'> {
  return { ...local, ...(lookup === undefined ? {} : { lookup: lookingUp(lookup) }) } as Omit<TcpNetConnectOpts, 'port'>
}

/**
 * Makes a caller's lookup respect the option `all`. Node asks for a list of addresses, so that it can try IPv6 and IPv4 in
 * parallel, and would take the string of a single address for a list.
 */
function lookingUp(lookup: NonNullable<LocalOptions['lookup']>): LookupFunction {
  const respectingAll = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, options, (error, address, family) => {
      if (options.all !== true || typeof address !== 'string') callback(error, address, family)
      else callback(error, [{ address, family: family ?? isIP(address) }])
    })
  }
  return respectingAll as LookupFunction
}

/** Node's options for TLS with a host. */
export function securityOf(host: string, tls: TlsClientOptions): ConnectionOptions {
  // RFC 6066 §3: a server name has no trailing dot, but the host may have one.
  const { servername = isIP(host) === 0 ? host : undefined, ...rest } = tls
  const name = servername?.replace(/\.$/, '')
  return {
    host,
    ALPNProtocols: ['http/1.1'],
    // Node takes any bytes here; its types say Buffer.
    ...(rest as Omit<ConnectionOptions, 'servername'>),
    ...(name === undefined || name === '' ? {} : { servername: name }),
  }
}

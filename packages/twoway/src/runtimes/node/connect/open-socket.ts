import { connect, isIP, type LookupFunction, type NetConnectOpts, Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { LocalOptions, LookupCallback, LookupOptions, TlsClientOptions } from '../../../ports/connector.js'
import type { SharedReading } from '../transport/shared-reading.js'

export interface SocketTarget {
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
  readonly socketPath?: string | undefined
  readonly local?: LocalOptions | undefined
}

/**
 * A socket that connects, over IPv6 or IPv4, whichever answers first (Node's own "happy eyeballs"). Never throws: what
 * can't even be tried, such as a certificate that can't be read, is the socket's error.
 * `progress` is told each stage in words. With `reading` it reads through that.
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
    const socket = tls === undefined ? connect(options) : connectTls({ ...options, ...securityOf(host, tls) })
    socket.once('lookup', () => progress(`connecting to ${name}`))
    socket.once('connect', () => {
      socket.setNoDelay(true)
      if (tls !== undefined) progress(`in the TLS handshake with ${name}`)
    })
    return socket
  } catch (error) {
    return new Socket().destroy(error as Error)
  }
}

/** The target as it is named in sentences. */
export function nameOf({ host, port, socketPath }: SocketTarget): string {
  return socketPath ?? `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** Node's options for the near end of a connection. */
export function localOf({ lookup, ...local }: LocalOptions = {}): Omit<TcpNetConnectOpts, 'port'> {
  return { ...local, ...(lookup === undefined ? {} : { lookup: lookingUp(lookup) }) } as Omit<TcpNetConnectOpts, 'port'>
}

/**
 * A caller's lookup that heeds `all`. Node asks for a list of addresses, to try IPv6 and IPv4 at once, and takes one
 * address apart where it gets that.
 */
function lookingUp(lookup: NonNullable<LocalOptions['lookup']>): LookupFunction {
  const heeding = (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    lookup(hostname, options, (error, address, family) => {
      if (options.all !== true || typeof address !== 'string') callback(error, address, family)
      else callback(error, [{ address, family: family ?? isIP(address) }])
    })
  }
  return heeding as LookupFunction
}

/** Node's options for TLS with a host. */
export function securityOf(host: string, tls: TlsClientOptions): ConnectionOptions {
  // RFC 6066 §3: the name of a server has no dot at its end, though the host may.
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

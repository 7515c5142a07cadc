import { connect, isIP, type NetConnectOpts, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { TlsClientOptions } from '../../../ports/connector.js'
import type { SharedReading } from '../transport/shared-reading.js'

export interface SocketTarget {
  readonly host: string
  readonly port: number
  readonly tls: TlsClientOptions | undefined
  readonly socketPath?: string | undefined
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
  const { host, port, tls, socketPath } = target
  const place = nameOf(target)
  const isName = socketPath === undefined && isIP(host) === 0
  progress(isName ? `looking up ${host}` : `connecting to ${place}`)
  try {
    const options: NetConnectOpts = {
      ...(socketPath === undefined ? { host, port } : { path: socketPath }),
      ...(reading === undefined ? {} : { onread: reading.onread }),
    }
    const socket = tls === undefined ? connect(options) : connectTls({ ...options, ...securityOf(host, tls) })
    socket.once('lookup', () => progress(`connecting to ${place}`))
    socket.once('connect', () => {
      socket.setNoDelay(true)
      if (tls !== undefined) progress(`in the TLS handshake with ${place}`)
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

/** Node's options for TLS with a host. */
export function securityOf(host: string, tls: TlsClientOptions): ConnectionOptions {
  const { ca, cert, key, servername = isIP(host) === 0 ? host : undefined, rejectUnauthorized } = tls
  return {
    host,
    ALPNProtocols: ['http/1.1'],
    // Node takes any bytes here; its types say Buffer.
    ...({ ca, cert, key } as Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
}

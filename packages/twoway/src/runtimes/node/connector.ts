import { connect, isIP, Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { TransportError } from '../../core/errors.js'
import type { Connector, ConnectTarget, TlsClientOptions } from '../../ports/connector.js'
import { StreamTransport } from './stream-transport.js'

/** Opens TCP and TLS connections, over IPv6 or IPv4, whichever answers first (Node's own "happy eyeballs"). */
export const nodeConnector: Connector = {
  connect(target) {
    let isConnected = false
    const stream = open(target)
    stream.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
      isConnected = true
      stream.setNoDelay(true)
    })
    return new StreamTransport(stream, {
      explain: (cause) => new TransportError(explainFailure(target, isConnected, cause), { cause }),
    })
  },
}

function open(target: ConnectTarget): Socket {
  const { host, port, tls } = target
  try {
    if (tls === undefined) return connect({ host, port })
    return connectTls({ host, port, ALPNProtocols: ['http/1.1'], ...identityOf(host, tls) })
  } catch (error) {
    // A port out of range or a certificate that can't be read is thrown at once.
    return new Socket().destroy(error as Error)
  }
}

function identityOf(host: string, tls: TlsClientOptions): ConnectionOptions {
  const { ca, cert, key, servername = isIP(host) === 0 ? host : undefined, rejectUnauthorized } = tls
  return {
    // Node takes any bytes here; its types say Buffer.
    ...({ ca, cert, key } as Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
  }
}

function explainFailure({ host, port }: ConnectTarget, isConnected: boolean, cause: Error): string {
  const place = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  // One error for several addresses that were tried has no message of its own.
  const reason = cause.message || (cause as NodeJS.ErrnoException).code
  return isConnected ? `the connection to ${place} was lost: ${reason}` : `can't connect to ${place}: ${reason}`
}

import { channel } from 'node:diagnostics_channel'
import type { ConnectTarget } from '../../../ports/connector.js'
import type { TransportPath, TransportReport } from '../../../ports/transport-report.js'
import { transportReport } from '../transport/choose-transport.js'

/** The messages that the client publishes on each channel of node:diagnostics_channel. The subscribers own them. */
export interface ClientDiagnostics {
  /** A client has connected to its server, or to a proxy; published before the opening handshake is answered. */
  readonly 'twoway:connect': {
    readonly host: string
    readonly port: number
    /** The path of the Unix socket that is connected to, in place of host and port. */
    readonly socketPath: string | undefined
    /** Whether the bytes travel under TLS. */
    readonly encrypted: boolean
    /** The path of the bytes, and the reasons if it is not the fastest one. */
    readonly transport: TransportReport
  }
}

type Connection = ClientDiagnostics['twoway:connect']

const connections = channel('twoway:connect' satisfies keyof ClientDiagnostics)

/** Publishes a client's connection and its transport. */
export function publishConnection({ host, port, socketPath, tls }: ConnectTarget, path: TransportPath): void {
  if (!connections.hasSubscribers) return
  const transport = transportReport(path)
  connections.publish({ host, port, socketPath, encrypted: tls !== undefined, transport } satisfies Connection)
}

import { channel } from 'node:diagnostics_channel'
import type { ConnectTarget } from '../../../ports/connector.js'
import type { TransportPath, TransportReport } from '../../../ports/transport-report.js'
import { transportReport } from '../transport/choose-transport.js'

/** What the client publishes on each channel of node:diagnostics_channel. Messages are the listeners' own. */
export interface ClientDiagnostics {
  /** A client is connected to its server, or to the proxy before it; told before the opening handshake is answered. */
  readonly 'twoway:connect': {
    readonly host: string
    readonly port: number
    /** The path of the Unix socket that is connected to, in place of host and port. */
    readonly socketPath: string | undefined
    /** Whether the bytes travel under TLS. */
    readonly encrypted: boolean
    /** How the bytes travel, and why not by a faster way. */
    readonly transport: TransportReport
  }
}

type Connection = ClientDiagnostics['twoway:connect']

const connections = channel('twoway:connect' satisfies keyof ClientDiagnostics)

/** Tells who listens of a client's connection, and how its bytes travel. */
export function publishConnection({ host, port, socketPath, tls }: ConnectTarget, path: TransportPath): void {
  if (!connections.hasSubscribers) return
  const transport = transportReport(path)
  connections.publish({ host, port, socketPath, encrypted: tls !== undefined, transport } satisfies Connection)
}

import type { ClientPorts } from '../../../twoway/dist/client/websocket/client-socket.js'
import { ScratchPool } from '../../../twoway/dist/core/sending/scratch-pool.js'
import type { TlsClientOptions } from '../../../twoway/dist/ports/connector.js'
import type { TlsServerOptions } from '../../../twoway/dist/ports/http-host.js'
import { MemoryNetwork } from '../../../twoway/dist/runtimes/memory/memory-network.js'
import { nodeClock } from '../../../twoway/dist/runtimes/node/clock.js'
import { nodeConnector } from '../../../twoway/dist/runtimes/node/connect/connector.js'
import { inflateBody } from '../../../twoway/dist/runtimes/node/connect/inflate-body.js'
import { nodeDeflateCodec } from '../../../twoway/dist/runtimes/node/deflate/deflate-codec.js'
import { nodeDiagnostics } from '../../../twoway/dist/runtimes/node/diagnostics.js'
import { nodeHttpHost } from '../../../twoway/dist/runtimes/node/http/http-host.js'
import { nodePayload } from '../../../twoway/dist/runtimes/node/payload/payload.js'
import { nodeRandom } from '../../../twoway/dist/runtimes/node/random.js'
import { webClock } from '../../../twoway/dist/runtimes/web/clock.js'
import { webDeflateCodec } from '../../../twoway/dist/runtimes/web/deflate-codec.js'
import { webDiagnostics } from '../../../twoway/dist/runtimes/web/diagnostics.js'
import { webPayload } from '../../../twoway/dist/runtimes/web/payload.js'
import { webRandom } from '../../../twoway/dist/runtimes/web/random.js'
import type { ServerPorts } from '../../../twoway/dist/server/server-settings.js'
import { selfSignedCertificate } from './certificate.js'

/** A network between a client and a server, over which the suites of both run. */
export interface Network {
  readonly name: string
  readonly serverPorts: ServerPorts
  readonly clientPorts: ClientPorts
  /** The server's certificate and key, and the client's trust in it, if the network has TLS. */
  readonly tls: TlsServerOptions | undefined
  readonly clientTls: TlsClientOptions | undefined
}

const { cert, key } = await selfSignedCertificate()

const report = (error: unknown): void => {
  throw error
}

const nodePorts = {
  payload: nodePayload,
  random: nodeRandom,
  clock: nodeClock,
  connector: nodeConnector,
  httpHost: nodeHttpHost,
  diagnostics: nodeDiagnostics,
  deflateCodec: nodeDeflateCodec,
  inflateBody,
  scratchPool: new ScratchPool(nodePayload),
  report,
}

const memoryNetwork = new MemoryNetwork(webClock)
const memoryPorts = {
  payload: webPayload,
  random: webRandom,
  clock: webClock,
  connector: memoryNetwork,
  httpHost: memoryNetwork,
  diagnostics: webDiagnostics,
  deflateCodec: () => webDeflateCodec,
  scratchPool: new ScratchPool(webPayload),
  report,
}

export const networks: readonly Network[] = [
  { name: 'memory', serverPorts: memoryPorts, clientPorts: memoryPorts, tls: undefined, clientTls: undefined },
  { name: 'TCP', serverPorts: nodePorts, clientPorts: nodePorts, tls: undefined, clientTls: undefined },
  { name: 'TLS', serverPorts: nodePorts, clientPorts: nodePorts, tls: { cert, key }, clientTls: { ca: cert } },
]

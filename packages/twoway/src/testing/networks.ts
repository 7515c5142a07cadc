import type { ClientPorts } from '../client/client-socket.js'
import { ScratchPool } from '../core/scratch-pool.js'
import type { TlsClientOptions } from '../ports/connector.js'
import type { TlsServerOptions } from '../ports/http-host.js'
import { MemoryNetwork } from '../runtimes/memory/memory-network.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeConnector } from '../runtimes/node/connector.js'
import { nodeDeflateCodec } from '../runtimes/node/deflate/deflate-codec.js'
import { nodeDiagnostics } from '../runtimes/node/diagnostics.js'
import { nodeHttpHost } from '../runtimes/node/http-host.js'
import { nodePayload } from '../runtimes/node/payload.js'
import { nodeRandom } from '../runtimes/node/random.js'
import { webClock } from '../runtimes/web/clock.js'
import { webDeflateCodec } from '../runtimes/web/deflate-codec.js'
import { webDiagnostics } from '../runtimes/web/diagnostics.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import type { ServerPorts } from '../server/server-settings.js'
import { selfSignedCertificate } from './certificate.js'

/** A way for a client and a server to meet: what the suites of both run over. */
export interface Network {
  readonly name: string
  readonly serverPorts: ServerPorts
  readonly clientPorts: ClientPorts
  /** The server's identity, and what a client needs to know of it, where the network has TLS. */
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

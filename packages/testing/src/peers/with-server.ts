import type { ServeOptions } from '../../../twoway/dist/server/handler-types.js'
import { startServer } from '../../../twoway/dist/server/listening-server.js'
import type { Server } from '../../../twoway/dist/server/server-types.js'
import type { Network } from './networks.js'
import { RawPeer } from './raw-peer.js'

/** Opens a raw connection to the server and sends the parts in one write. */
export type ConnectRawPeer = (...parts: readonly Uint8Array[]) => RawPeer

/** Runs a test with a server on a free port of the network, and closes the server and the raw peers afterwards. */
export async function withServer<Data = undefined>(
  network: Network,
  options: ServeOptions<Data>,
  test: (server: Server<Data>, connect: ConnectRawPeer) => Promise<void>,
): Promise<void> {
  const tls = network.tls === undefined ? {} : { tls: network.tls }
  const server = await startServer<Data>({ port: 0, closeTimeoutMs: 500, ...tls, ...options }, network.serverPorts)
  const peers: RawPeer[] = []
  const connect: ConnectRawPeer = (...parts) => {
    const target = { host: '127.0.0.1', port: server.port, tls: network.clientTls }
    const peer = new RawPeer(network.clientPorts.connector, target)
    peers.push(peer)
    if (parts.length > 0) peer.send(...parts)
    return peer
  }
  try {
    await test(server, connect)
  } finally {
    for (const peer of peers) peer.destroy()
    await server.close()
  }
}

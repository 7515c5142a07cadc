import assert from 'node:assert/strict'
import { it } from 'node:test'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { startServer } from './listening-server.js'
import type { Server } from './server-types.js'

it('closes a server at the end of a block with `await using`', async () => {
  const { serverPorts, clientPorts } = networks[0]!
  let kept: Server
  let peer: RawPeer
  {
    await using server = await startServer<undefined>({ port: 0, closeTimeoutMs: 100 }, serverPorts)
    peer = new RawPeer(clientPorts.connector, { host: 'localhost', port: server.port, tls: undefined })
    peer.send(handshakeRequest())
    await peer.head()
    assert.equal(server.isReady, true)
    kept = server
  }
  assert.equal(kept.isReady, false)
  assert.equal(kept.connections.size, 0)
  assert.match(peer.frames[0]!, /^8 03e9/)
})

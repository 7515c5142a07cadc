import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ScratchPool } from '../core/scratch-pool.js'
import { MemoryNetwork } from '../runtimes/memory/memory-network.js'
import { webDiagnostics } from '../runtimes/web/diagnostics.js'
import { webPayload } from '../runtimes/web/payload.js'
import { webRandom } from '../runtimes/web/random.js'
import { FakeClock } from '../testing/fake-clock.js'
import { handshakeRequest, RawPeer } from '../testing/raw-peer.js'
import { startServer } from './listening-server.js'

it('spreads the closes of drain evenly over the time it is given', async () => {
  const clock = new FakeClock()
  const network = new MemoryNetwork(clock)
  const scratchPool = new ScratchPool(webPayload)
  const ports = {
    payload: webPayload,
    clock,
    random: webRandom,
    scratchPool,
    httpHost: network,
    diagnostics: webDiagnostics,
    deflateCodec: () => undefined,
    report() {},
  }
  const server = await startServer({ port: 0, idleTimeoutMs: Number.POSITIVE_INFINITY }, ports)
  const peers = Array.from({ length: 400 }, () => {
    const peer = new RawPeer(network, { host: 'localhost', port: server.port, tls: undefined })
    peer.send(handshakeRequest())
    return peer
  })
  clock.runTasks()
  assert.equal(server.connections.size, 400)
  void server.drain({ withinMs: 10_000 })
  const closed = (): number => peers.filter(({ frames }) => frames.length > 0).length
  for (let quarter = 1; quarter <= 4; quarter++) {
    const before = closed()
    clock.advance(2_500)
    const share = closed() - before
    // 100 are expected in each; 45 to 155 leaves chance more than six standard deviations.
    assert.ok(share >= 45 && share <= 155, `${share} in quarter ${quarter}`)
  }
  assert.equal(closed(), 400)
})

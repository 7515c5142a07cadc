import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type ConnectedPair, transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { StreamTransport } from '../transport/stream-transport.js'
import { secureByGate } from './gated-tls.js'

// Deno needs the gate. It works alike on Node.

const { cert, key } = await selfSignedCertificate()

async function listening(): Promise<Server> {
  const server = createServer({ cert, key, allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function pair(): Promise<{ accepted: TLSSocket; connected: TLSSocket; server: Server }> {
  const server = await listening()
  const accepting = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const tcp = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  const connected = secureByGate(tcp, { ca: cert, servername: 'localhost' })
  const [accepted] = await accepting
  return { accepted, connected, server }
}

transportContract('node, a gate below TLS', async (): Promise<ConnectedPair> => {
  const { accepted, connected, server } = await pair()
  return {
    near: new StreamTransport(connected),
    far: new StreamTransport(accepted),
    dispose: () => void server.close(),
  }
})

for (const isStarted of [true, false])
  test(`leaves the bytes in the network while the TLSSocket is paused, ${isStarted ? 'after' : 'before'} a first read`, async () => {
    const { accepted, connected, server } = await pair()
    const chunk = new Uint8Array(1 << 20)
    const chunks = 64
    const [near, far] = [new StreamTransport(connected), new StreamTransport(accepted)]
    const sink = new RecordingSink()
    if (isStarted) {
      near.start(sink)
      far.write(Uint8Array.of(0x61))
      await sink.untilText('a')
    }
    near.pause()
    near.start(sink)
    far.start(new RecordingSink())
    for (let count = 0; count < chunks; count += 1) far.write(chunk)
    const pending: number[] = []
    while (pending.length < 3 || pending.at(-1) !== pending.at(-3)) {
      pending.push(far.pendingBytes)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.ok(far.pendingBytes > (chunks - 16) * chunk.length, `${far.pendingBytes} bytes wait`)
    near.resume()
    await sink.until(() => sink.receivedBytes >= chunks * chunk.length)
    assert.deepEqual([near.peer.address, near.peer.encrypted], ['127.0.0.1', true])
    near.destroy()
    far.destroy()
    server.close()
  })

test('tells why the TCP connection failed', async () => {
  const server = await listening()
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const [refused] = (await once(secureByGate(connectTcp(port, '127.0.0.1'), {}), 'error')) as [NodeJS.ErrnoException]
  assert.equal(refused.code, 'ECONNREFUSED')
})

test('closes the TCP connection if TLS has failed, or if the options are invalid', async () => {
  const server = await listening()
  const { port } = server.address() as AddressInfo
  const untrusted = connectTcp(port, '127.0.0.1')
  const [error] = (await once(secureByGate(untrusted, {}), 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  if (!untrusted.closed) await once(untrusted, 'close')
  const invalid = connectTcp(port, '127.0.0.1')
  assert.throws(() => secureByGate(invalid, { cert: 'rubbish', key }))
  assert.ok(invalid.destroyed)
  server.close()
})

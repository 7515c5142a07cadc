/**
 * The contracts of transports and HTTP hosts on Bun's own sockets: `bun test ./packages/testing/dist/contracts/on-bun.js`,
 * which `npm run test:runtimes -- bun` runs.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { clientPorts } from '../../../twoway/dist/entries/sockets/connector.js'
import { httpHost } from '../../../twoway/dist/entries/sockets/listener.js'
import type { TlsClientOptions } from '../../../twoway/dist/ports/connector.js'
import type { HttpListener, ListenOptions } from '../../../twoway/dist/ports/http-host.js'
import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { BunTransport } from '../../../twoway/dist/runtimes/bun/bun-transport.js'
import { RecordingHandler } from '../harnesses/recording-handler.js'
import { RecordingSink } from '../harnesses/recording-sink.js'
import { testAuthority } from '../peers/authority.js'
import { selfSignedCertificate } from '../peers/certificate.js'
import { httpHostContract } from './http-host.contract.js'
import { type ConnectedPair, transportContract } from './transport.contract.js'

const { connector } = clientPorts
const { cert, key } = await selfSignedCertificate()
const request = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
const limits = {
  handshakeTimeoutMs: 20_000,
  maxHeadBytes: 2048,
  maxHeaderFields: 10,
  maxRequests: 10,
  requestTimeoutMs: 20_000,
}
let count = 0

interface Pair {
  readonly accepted: Transport
  readonly connected: Transport
  readonly listener: HttpListener
}

/** Both ends of a connection. The accepted one has received a handshake and answered nothing. */
async function pair(options: Partial<ListenOptions>, tls?: TlsClientOptions): Promise<Pair> {
  const handler = new RecordingHandler()
  const listener = await httpHost.listen({ port: 0, host: '127.0.0.1', tls: undefined, ...limits, ...options }, handler)
  const { port, socketPath } = listener
  const connected = connector.connect({ host: '127.0.0.1', port, socketPath, tls })
  connected.write(request)
  await handler.untilUpgrade()
  return { accepted: handler.upgrades[0]!.transport, connected, listener }
}

const subjects = [
  ['TCP', {}, undefined],
  ['TLS', { tls: { cert, key } }, { ca: cert }],
  ['a Unix socket', () => ({ socketPath: join(tmpdir(), `twoway-bun-${process.pid}-${count++}.sock`) }), undefined],
] as const

for (const [name, options, tls] of subjects) {
  const open = (): Promise<Pair> => pair(typeof options === 'function' ? options() : options, tls)

  transportContract(`Bun, ${name}, accepted`, async (): Promise<ConnectedPair> => {
    const { accepted, connected, listener } = await open()
    assert.ok(accepted instanceof BunTransport)
    return { near: accepted, far: connected, dispose: () => void listener.close() }
  })

  transportContract(`Bun, ${name}, connected`, async (): Promise<ConnectedPair> => {
    const { accepted, connected, listener } = await open()
    assert.ok(connected instanceof BunTransport)
    return { near: connected, far: accepted, dispose: () => void listener.close() }
  })

  test(`Bun, ${name}: destroys with a reset if asked to, and with an end if not`, async () => {
    for (const reset of [true, false]) {
      const { accepted, connected, listener } = await open()
      const sink = new RecordingSink()
      connected.start(sink)
      accepted.start(new RecordingSink())
      accepted.write(Buffer.from('x'))
      await sink.untilText('x')
      accepted.destroy(reset)
      await sink.until(() => sink.hasEnded)
      const { code } = (sink.error?.cause ?? {}) as { code?: string }
      assert.equal(code, reset && name !== 'a Unix socket' ? 'ECONNRESET' : undefined)
      connected.destroy()
      await listener.close()
    }
  })
}

test('Bun, TLS: sends nothing to a server whose certificate is not trusted, or is for another name', async () => {
  const authority = await testAuthority()
  const other = await authority.issue({ names: ['other.example'] })
  for (const [serverTls, clientTls, code] of [
    [{ cert, key }, {}, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [{ cert, key }, { ca: authority.cert }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [other, { ca: authority.cert }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [{ cert, key }, { ca: cert, servername: 'other.example' }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [other, { ca: authority.cert, servername: 'other.example' }, undefined],
    [other, { rejectUnauthorized: false }, undefined],
  ] as const) {
    const handler = new RecordingHandler()
    const listener = await httpHost.listen({ port: 0, host: '127.0.0.1', tls: serverTls, ...limits }, handler)
    const connected = connector.connect({ host: '127.0.0.1', port: listener.port, tls: clientTls })
    assert.ok(connected instanceof BunTransport)
    const sink = new RecordingSink()
    connected.start(sink)
    connected.write(request)
    if (code === undefined) await handler.untilUpgrade()
    else await sink.untilCalled('closed')
    assert.equal((sink.error?.cause as { code?: string } | undefined)?.code, code)
    assert.equal(handler.upgrades.length, code === undefined ? 1 : 0)
    connected.destroy()
    await listener.close()
  }
})

test('Bun, TLS: explains a server that speaks no TLS, and one that leaves within the handshake', async () => {
  for (const [greeting, pattern] of [
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /it does not speak TLS there/],
    ['', /the connection was reset/],
  ] as const) {
    const server = createServer((socket) => socket.on('error', () => {}).end(greeting)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const sink = new RecordingSink()
    connector.connect({ host: '127.0.0.1', port, tls: {} }).start(sink)
    await sink.untilCalled('closed')
    assert.match(sink.error!.message, pattern)
    server.close()
  }
})

test('Bun, TLS: a client that is destroyed within its handshake leaves no connection behind', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connected = connector.connect({ host: '127.0.0.1', port, tls: {} })
  connected.start(new RecordingSink())
  const [peer] = (await once(server, 'connection')) as [Socket]
  peer.on('error', () => {}).resume()
  await once(peer, 'data')
  const closed = new Promise((resolve) => peer.once('close', resolve))
  connected.destroy()
  await closed
  server.close()
})

httpHostContract('Bun, http', async () => ({ host: httpHost, connector }))
httpHostContract('Bun, https', async () => ({
  host: httpHost,
  connector,
  serverTls: { cert, key },
  clientTls: { ca: cert },
}))

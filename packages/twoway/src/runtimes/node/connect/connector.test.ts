import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { TransportError } from '../../../core/errors.js'
import type { TlsClientOptions } from '../../../ports/connector.js'
import { nodeConnector } from './connector.js'

/** A TLS server that tells what it hears, and a client of it. */
async function tlsServer(context: TestContext, options: TlsOptions = {}) {
  const certificate = await selfSignedCertificate()
  const server = createTlsServer({ ...certificate, ALPNProtocols: ['http/1.1'], ...options })
  const heard = new RecordingSink()
  const accepted = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve))
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('data', (data) => heard.received(data, 0, data.length))
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const connect = (tls: TlsClientOptions, host = '127.0.0.1') => {
    const transport = nodeConnector.connect({ host, port, tls })
    const sink = new RecordingSink()
    transport.start(sink)
    context.after(() => transport.destroy())
    return { transport, sink }
  }
  return { certificate, heard, accepted, port, connect }
}

test('names the address that refuses a connection, with the system error as cause', async () => {
  // No server listens on this port. A port that the system has just given may be another process's by now.
  const port = 1
  for (const tls of [undefined, {}]) {
    for (const host of ['127.0.0.1', 'localhost']) {
      const sink = new RecordingSink()
      const transport = nodeConnector.connect({ host, port, tls })
      transport.write(Buffer.from('waits'))
      transport.start(sink)
      assert.deepEqual(sink.calls, [])
      await sink.untilCalled('closed')
      assert.ok(sink.error instanceof TransportError)
      assert.ok(sink.error.message.startsWith(`can't connect to ${host}:${port}: `), sink.error.message)
      assert.match(sink.error.message, /ECONNREFUSED/)
      assert.equal((sink.error.cause as { code?: string }).code, 'ECONNREFUSED')
    }
  }
})

test('reports what can not even be tried in the same way', async () => {
  for (const target of [
    { host: '127.0.0.1', port: 70_000, tls: undefined },
    { host: '127.0.0.1', port: 1, tls: { ca: 'no PEM', cert: 'no PEM', key: 'no PEM' } },
    { host: 'name.invalid', port: 1, tls: undefined },
    { host: '::1', port: 1, tls: undefined },
  ]) {
    const sink = new RecordingSink()
    nodeConnector.connect(target).start(sink)
    await sink.untilCalled('closed')
    assert.ok(sink.error instanceof TransportError)
    const host = target.host === '::1' ? '[::1]' : target.host
    assert.ok(sink.error.message.startsWith(`can't connect to ${host}:${target.port}: `), sink.error.message)
    assert.ok(sink.error.cause instanceof Error)
  }
})

test('sends what was written before the connection stood, and knows the peer then', async (context) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const heard = new RecordingSink()
  server.on('connection', (socket) => socket.on('data', (data) => heard.received(data, 0, data.length)))
  const { port } = server.address() as AddressInfo
  const transport = nodeConnector.connect({ host: '127.0.0.1', port, tls: undefined })
  assert.deepEqual(transport.peer, { address: undefined, port: undefined, encrypted: false })
  transport.write(Buffer.from('ear'), Buffer.from('ly'))
  assert.equal(transport.pendingBytes, 5)
  await heard.untilText('early')
  assert.deepEqual(transport.peer, { address: '127.0.0.1', port, encrypted: false })
  transport.destroy()
})

test('refuses a certificate that no authority vouches for, and sends nothing', async (context) => {
  const { connect, heard, port } = await tlsServer(context)
  const { transport, sink } = connect({})
  transport.write(Buffer.from('secret'))
  await sink.untilCalled('closed')
  assert.match(
    sink.error!.message,
    new RegExp(`^can't connect to 127\\.0\\.0\\.1:${port}: .* no authority that is trusted here: .*ca`),
  )
  assert.equal((sink.error!.cause as { code?: string }).code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  assert.equal(heard.text, '')
})

test('refuses a certificate for another name, and sends nothing', async (context) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { certificate, connect, heard } = await tlsServer(context, { maxVersion })
    const { transport, sink } = connect({ ca: certificate.cert, servername: 'example.com' })
    transport.write(Buffer.from('secret'))
    await sink.untilCalled('closed')
    assert.equal((sink.error!.cause as { code?: string }).code, 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.equal(heard.text, '')
  }
})

test('takes any certificate where it is told to', async (context) => {
  const { connect, heard } = await tlsServer(context)
  connect({ rejectUnauthorized: false }).transport.write(Buffer.from('trusting'))
  await heard.untilText('trusting')
})

test('asks for the host by its name and for HTTP/1.1, and for no name where the host is an address', async (context) => {
  for (const [host, servername] of [
    ['localhost', 'localhost'],
    ['127.0.0.1', false],
  ] as const) {
    const { certificate, accepted, connect } = await tlsServer(context)
    connect({ ca: [new Uint8Array(Buffer.from(certificate.cert))] }, host)
    const socket = await accepted
    assert.equal((socket as { servername?: string | false }).servername, servername)
    assert.equal(socket.alpnProtocol, 'http/1.1')
  }
})

test('shows its own certificate where it has one', async (context) => {
  const { cert, key } = await selfSignedCertificate()
  const { accepted, connect } = await tlsServer(context, { requestCert: true, ca: cert })
  connect({ ca: cert, cert: Buffer.from(cert), key: Buffer.from(key) })
  assert.equal((await accepted).authorized, true)
})

test('reports a server that speaks no TLS', async (context) => {
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const sink = new RecordingSink()
  const { port } = server.address() as AddressInfo
  nodeConnector.connect({ host: '127.0.0.1', port, tls: {} }).start(sink)
  await sink.untilCalled('closed')
  assert.match(sink.error!.message, new RegExp(`^can't connect to 127\\.0\\.0\\.1:${port}: .*SSL`))
})

test('explains a server that takes HTTP/2 only, RFC 7301 §3.2', async (context) => {
  const { connect } = await tlsServer(context, { ALPNProtocols: ['h2'] })
  const { sink } = connect({ rejectUnauthorized: false })
  await sink.untilCalled('closed')
  assert.match(sink.error!.message, /it refuses HTTP\/1\.1, which WebSocket needs, in the TLS handshake \(ALPN\)/)
})

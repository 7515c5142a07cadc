import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { transportContract } from 'twoway-testing/contracts/transport.contract.js'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { type Authority, testAuthority } from 'twoway-testing/peers/authority.js'
import { listenOnLoopback } from 'twoway-testing/peers/loopback.js'
import { httpProxy, type ProxyOptions, type ProxyServer, socksProxy } from 'twoway-testing/peers/proxies.js'
import { TransportError } from '../../../core/errors.js'
import type { ConnectTarget, TlsClientOptions } from '../../../ports/connector.js'
import { nodeConnector } from '../connect/connector.js'
import { StreamTransport } from '../transport/stream-transport.js'

interface Kind {
  readonly name: string
  readonly scheme: string
  start(context: TestContext, options?: ProxyOptions): Promise<ProxyServer>
}

const authority: Authority = await testAuthority()
const certificate = await authority.issue()
const startHttps: Kind['start'] = (context, options) => httpProxy(context, { ...options, tls: certificate })

const kinds: readonly Kind[] = [
  { name: 'an HTTP proxy', scheme: 'http', start: httpProxy },
  { name: 'an HTTPS proxy', scheme: 'https', start: startHttps },
  { name: 'a SOCKS5 proxy', scheme: 'socks5', start: socksProxy },
  { name: 'a SOCKS5 proxy that looks names up', scheme: 'socks5h', start: socksProxy },
]

/** An echo server, under TLS where it is asked for. */
function echoServer(context: TestContext, isSecure: boolean) {
  return listenOnLoopback(context, (socket) => socket.pipe(socket), isSecure ? certificate : undefined)
}

function connect(context: TestContext, target: ConnectTarget) {
  const stages: (string | undefined)[] = []
  const transport = nodeConnector.connect({ ...target, progress: (stage) => stages.push(stage) })
  const sink = new RecordingSink()
  transport.start(sink)
  context.after(() => transport.destroy())
  return { transport, sink, stages }
}

for (const { name, scheme, start } of kinds) {
  for (const isSecure of [false, true]) {
    const tls: TlsClientOptions | undefined = isSecure ? { ca: authority.cert } : undefined
    const proxyAt = (port: number, user = '') => ({ url: `${scheme}://${user}127.0.0.1:${port}`, ca: authority.cert })

    test(`carries ${isSecure ? 'TLS' : 'bytes'} through ${name}, also cut byte by byte`, async (context) => {
      const { port } = await echoServer(context, isSecure)
      for (const isSlow of [false, true]) {
        const proxy = await start(context, { isSlow })
        const target = { host: '127.0.0.1', port, tls, proxy: proxyAt(proxy.port) }
        const { transport, sink, stages } = connect(context, target)
        assert.deepEqual(transport.peer, { address: undefined, port: undefined, encrypted: isSecure })
        transport.write(Buffer.from('ear'), Buffer.from('ly'))
        await sink.untilText('early')
        transport.write(Buffer.from(' late'))
        await sink.untilText('early late')
        assert.deepEqual(proxy.targets, [`127.0.0.1:${port}`])
        assert.equal(transport.peer.encrypted, isSecure)
        assert.match(stages[0]!, /^connecting to 127\.0\.0\.1:\d+, the proxy$/)
        assert.ok(stages.some((stage) => stage?.startsWith('waiting for the proxy ') === true))
        assert.equal(stages.at(-1), undefined)
      }
    })

    test(`logs in to ${name}${isSecure ? ', for TLS' : ''}`, async (context) => {
      const { port } = await echoServer(context, isSecure)
      const proxy = await start(context, { credentials: 'us:er:p@ss', isSlow: true })
      const user = `us:${encodeURIComponent('er:p@ss')}@`
      const { transport, sink } = connect(context, { host: '127.0.0.1', port, tls, proxy: proxyAt(proxy.port, user) })
      transport.write(Buffer.from('known'))
      await sink.untilText('known')
      for (const wrong of ['', 'us:wrong@']) {
        const { sink } = connect(context, { host: '127.0.0.1', port, tls, proxy: proxyAt(proxy.port, wrong) })
        await sink.untilCalled('closed')
        assert.match(
          sink.error!.message,
          wrong === ''
            ? /^can't connect to 127\.0\.0\.1:\d+ through the proxy 127\.0\.0\.1:\d+: it asks for a user and a password/
            : /: it does not take the user and password given/,
        )
      }
    })
  }

  test(`keeps what the server says in one segment with the answer of ${name}`, async (context) => {
    const { port } = await listenOnLoopback(context, (socket) => socket.write(' and more'))
    const proxy = await start(context, { firstBytes: Buffer.from('first') })
    const url = `${scheme}://127.0.0.1:${proxy.port}`
    const { sink } = connect(context, { host: '127.0.0.1', port, tls: undefined, proxy: { url, ca: authority.cert } })
    await sink.untilText('first and more')
  })

  test(`takes what comes in one segment with the answer of ${name} for TLS`, async (context) => {
    const proxy = await start(context, { answer: '' })
    const { port } = await echoServer(context, true)
    const url = `${scheme}://127.0.0.1:${proxy.port}`
    const answer = scheme.startsWith('http') ? 'HTTP/1.1 200 OK\r\n\r\n' : '\x05\x00\x00\x01\0\0\0\0\0\0'
    const early = await start(context, { answer: `${answer}HTTP/1.1 400 Bad Request\r\n\r\n` })
    const { sink } = connect(context, {
      host: '127.0.0.1',
      port,
      tls: { ca: authority.cert },
      proxy: { url: url.replace(String(proxy.port), String(early.port)), ca: authority.cert },
    })
    await sink.untilCalled('closed')
    assert.match(sink.error!.message, /^can't connect to .* through the proxy .*: it does not speak TLS there/)
  })

  test(`reports what ${name} answers against the rules, or that it ends the connection`, async (context) => {
    for (const [answer, reason] of [
      ['garbage, whatever one expects\r\n', /: its answer is not (HTTP|SOCKS5)$/],
      [Buffer.alloc(100), /: its answer is not (HTTP|SOCKS5)$/],
    ] as const) {
      const proxy = await start(context, { answer })
      const { sink } = connect(context, {
        host: '127.0.0.1',
        port: 1,
        tls: undefined,
        proxy: { url: `${scheme}://127.0.0.1:${proxy.port}`, ca: authority.cert },
      })
      await sink.untilCalled('closed')
      assert.ok(sink.error instanceof TransportError)
      assert.match(sink.error.message, reason)
    }
    const hasTls = scheme === 'https'
    const { port } = await listenOnLoopback(context, (socket) => socket.end(), hasTls ? certificate : undefined)
    const proxy = { url: `${scheme}://127.0.0.1:${port}`, ca: authority.cert }
    const { sink } = connect(context, { host: '127.0.0.1', port: 1, tls: undefined, proxy })
    await sink.untilCalled('closed')
    assert.match(sink.error!.message, /: it ended the connection before it had answered$/)
  })

  test(`leaves ${name} at once where it is dropped before that has answered`, async (context) => {
    const proxy = await start(context, { answer: '' })
    const url = `${scheme}://127.0.0.1:${proxy.port}`
    const target = { host: '127.0.0.1', port: 1, tls: undefined, proxy: { url, ca: authority.cert } }
    const { transport, sink } = connect(context, target)
    while (proxy.targets.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const [socket] = proxy.sockets
    const gone = new Promise((resolve) => socket!.resume().once('close', resolve))
    transport.destroy()
    await Promise.all([gone, sink.untilCalled('closed')])
    assert.deepEqual([sink.calls, sink.error], [['closed'], undefined])
  })

  test(`reports that ${name} can not be reached, with the system's error as cause`, async (context) => {
    const { port, server } = await listenOnLoopback(context, () => {})
    await new Promise((resolve) => server.close(resolve))
    const proxy = { url: `${scheme}://127.0.0.1:${port}` }
    const { sink } = connect(context, { host: '127.0.0.1', port: 1, tls: undefined, proxy })
    await sink.untilCalled('closed')
    assert.match(sink.error!.message, new RegExp(`^can't connect to the proxy 127\\.0\\.0\\.1:${port}: .*refused`))
    assert.equal((sink.error!.cause as { code?: string }).code, 'ECONNREFUSED')
  })

  transportContract(`TLS through ${name}`, async () => tunnelled(start, scheme, true))
  transportContract(`bytes through ${name}`, async () => tunnelled(start, scheme, false))
}

async function tunnelled(start: Kind['start'], scheme: string, isSecure: boolean) {
  const cleanups: (() => void)[] = []
  const context = { after: (cleanup: () => void) => cleanups.push(cleanup) } as unknown as TestContext
  let accept = (_: Socket): void => {}
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve
  })
  const { port } = await listenOnLoopback(context, accept, isSecure ? certificate : undefined)
  const proxy = await start(context)
  const near = nodeConnector.connect({
    host: '127.0.0.1',
    port,
    tls: isSecure ? { ca: authority.cert } : undefined,
    proxy: { url: `${scheme}://127.0.0.1:${proxy.port}`, ca: authority.cert },
  })
  const far = new StreamTransport(await accepted)
  return {
    near,
    far,
    dispose: () => {
      for (const cleanup of cleanups) cleanup()
    },
  }
}

test('has a SOCKS5 proxy look names up by socks5h:, and looks them up itself by socks5:', async (context) => {
  const { port } = await echoServer(context, true)
  const proxy = await socksProxy(context, { names: { 'inside.invalid': '127.0.0.1' } })
  const tls = { ca: authority.cert, servername: 'localhost' }
  const url = `socks5h://127.0.0.1:${proxy.port}`
  const remote = connect(context, { host: 'inside.invalid', port, tls, proxy: { url } })
  remote.transport.write(Buffer.from('there'))
  await remote.sink.untilText('there')
  const local = connect(context, { host: 'localhost', port, tls, proxy: { url: url.replace('h:', ':') } })
  local.sink.untilCalled('closed')
  local.transport.write(Buffer.from('here'))
  while (proxy.targets.length < 2) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(proxy.targets[0], `inside.invalid:${port}`)
  assert.match(proxy.targets[1]!, /^(127\.0\.0\.1|ipv6 0{31}1):/)
  const unknown = connect(context, { host: 'a.invalid', port, tls, proxy: { url: url.replace('h:', ':') } })
  await unknown.sink.untilCalled('closed')
  assert.match(unknown.sink.error!.message, /^can't connect to a\.invalid:\d+: the name (is unknown|could not)/)
})

test("takes only the authorities given for the proxy's certificate, and none of the server's options", async (context) => {
  const proxy = await startHttps(context)
  const url = `https://127.0.0.1:${proxy.port}`
  const tls = { ca: authority.cert, rejectUnauthorized: false }
  const { sink } = connect(context, { host: '127.0.0.1', port: 1, tls, proxy: { url } })
  await sink.untilCalled('closed')
  assert.match(sink.error!.message, /^can't connect to the proxy .*: its certificate is signed by no authority/)
})

test('reports a certificate of the server that is not trusted, and sends nothing', async (context) => {
  const { port } = await echoServer(context, true)
  const proxy = await httpProxy(context)
  const url = `http://127.0.0.1:${proxy.port}`
  const { transport, sink } = connect(context, { host: '127.0.0.1', port, tls: {}, proxy: { url } })
  transport.write(Buffer.from('secret'))
  await sink.untilCalled('closed')
  assert.match(sink.error!.message, /^can't connect to 127.* through the proxy .*: its certificate is signed by no/)
})

test('reports a certificate of its own that can not be read', async (context) => {
  const proxy = await httpProxy(context)
  const { port } = await echoServer(context, true)
  const url = `http://127.0.0.1:${proxy.port}`
  const { sink } = connect(context, { host: '127.0.0.1', port, tls: { cert: 'x', key: 'y' }, proxy: { url } })
  await sink.untilCalled('closed')
  assert.match(sink.error!.message, /^can't connect to 127\.0\.0\.1:\d+: the options ca, cert and key/)
})

test('reports what the environment says wrongly, and goes directly where it says nothing', async (context) => {
  const { port } = await echoServer(context, false)
  const before = { ...process.env }
  context.after(() => {
    process.env = before
  })
  for (const name of ['http_proxy', 'HTTP_PROXY', 'no_proxy', 'NO_PROXY', 'REQUEST_METHOD']) delete process.env[name]
  const target = { host: '127.0.0.1', port, tls: undefined, proxy: { url: 'env' } }
  const direct = connect(context, target)
  direct.transport.write(Buffer.from('directly'))
  await direct.sink.untilText('directly')
  process.env.HTTP_PROXY = 'gopher://secret'
  const wrong = connect(context, target)
  assert.deepEqual(wrong.sink.calls, [])
  await wrong.sink.untilCalled('closed')
  assert.match(wrong.sink.error!.message, /^the environment variable HTTP_PROXY is not the URL of a proxy/)
  const proxy = await httpProxy(context)
  process.env.http_proxy = `127.0.0.1:${proxy.port}`
  const through = connect(context, target)
  through.transport.write(Buffer.from('through'))
  await through.sink.untilText('through')
  assert.equal(proxy.targets.length, 1)
  process.env.NO_PROXY = '127.0.0.0/8'
  const excepted = connect(context, target)
  excepted.transport.write(Buffer.from('directly'))
  await excepted.sink.untilText('directly')
  assert.equal(proxy.targets.length, 1)
})

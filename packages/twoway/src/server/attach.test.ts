import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { UsageError } from '../core/errors.js'
import { type AttachOptions, attach, type Server } from '../entries/server.js'
import { nodeConnector } from '../runtimes/node/connect/connector.js'

const text = (payload: string): Uint8Array => frame({ opcode: 1, payload, masked: true })
const hex = (payload: string): string => toHex(utf8(payload))
const unknownPath = /^HTTP\/1\.1 404 [\s\S]*no WebSocket endpoint at this path: \//

/** An app on a port of its own, which answers plain requests with their path. */
async function startApp(context: TestContext, host = '127.0.0.1'): Promise<HttpServer> {
  const app = createServer(({ url }, response) => response.end(`app ${url}`))
  await listen(context, app, host)
  return app
}

async function listen(context: TestContext, app: HttpServer, host = '127.0.0.1'): Promise<void> {
  app.listen(0, host)
  await once(app, 'listening')
  context.after(() => {
    app.closeAllConnections()
    app.close()
  })
}

function attachFor(context: TestContext, app: HttpServer, options: AttachOptions<undefined>): Server {
  const server = attach(app, { closeTimeoutMs: 100, ...options })
  context.after(() => server.close())
  return server
}

/** Echoes with its name before. */
function echoAs(name: string): AttachOptions<undefined> {
  return { message: (socket, message) => socket.send(`${name} ${message}`) }
}

function peerOf(context: TestContext, app: HttpServer, ...parts: readonly Uint8Array[]): RawPeer {
  const { port } = app.address() as AddressInfo
  const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port, tls: undefined })
  context.after(() => peer.destroy())
  if (parts.length > 0) peer.send(...parts)
  return peer
}

/** The answer under a path: the echo's name, or all bytes that came. */
async function whoAnswers(context: TestContext, app: HttpServer, target: string): Promise<string> {
  const peer = peerOf(context, app, handshakeRequest(target), text('hi'))
  if (!(await peer.head()).startsWith('HTTP/1.1 101')) {
    await peer.inputEnded
    return peer.text
  }
  const [answer = ''] = await peer.framesOf(1)
  return Buffer.from(answer.slice(2), 'hex').toString()
}

function get(app: HttpServer, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<string> {
  const { port } = app.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, headers, method }, async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve(`${response.statusCode} ${body}`)
    })
    request.on('error', reject).end()
  })
}

describe('attach: paths', () => {
  it('gives each attachment the handshakes of its path, whatever the query, and leaves plain requests to the app', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/one', ...echoAs('one') })
    attachFor(context, app, { path: '/two', ...echoAs('two') })
    assert.equal(await whoAnswers(context, app, '/one'), 'one hi')
    assert.equal(await whoAnswers(context, app, '/two?room=1'), 'two hi')
    assert.equal(await whoAnswers(context, app, 'http://localhost/two'), 'two hi')
    for (const target of ['/', '/one/', '/ones', '/ONE', '/three', '/x/one', '/?/one']) {
      assert.match(await whoAnswers(context, app, target), unknownPath)
    }
    assert.equal(await get(app, '/one'), '200 app /one')
  })

  it('takes all paths without the option; an equal path goes before a function, and both before no path', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, echoAs('all'))
    attachFor(context, app, { path: ({ url }) => new URL(url).pathname.startsWith('/rooms/'), ...echoAs('room') })
    attachFor(context, app, { path: ({ headers }) => headers.has('x-second'), ...echoAs('second') })
    attachFor(context, app, { path: '/rooms/lobby', ...echoAs('lobby') })
    assert.equal(await whoAnswers(context, app, '/rooms/lobby'), 'lobby hi')
    assert.equal(await whoAnswers(context, app, '/rooms/7'), 'room hi')
    assert.equal(await whoAnswers(context, app, '/elsewhere'), 'all hi')
    const both = peerOf(context, app, handshakeRequest('/rooms/8', 'X-Second: 1'), text('hi'))
    assert.deepEqual(await both.framesOf(1), [`1 ${hex('room hi')}`])
  })

  it('compares a path as clients send it, percent-encoded', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/grüß dich', ...echoAs('hello') })
    assert.equal(await whoAnswers(context, app, '/gr%C3%BC%C3%9F%20dich'), 'hello hi')
  })

  it('reports the error that a path function throws, and counts it as false', async (context) => {
    const app = await startApp(context)
    const errors: string[] = []
    attachFor(context, app, {
      path() {
        throw new Error('boom')
      },
      error: (_, { message }) => errors.push(message),
    })
    assert.match(await whoAnswers(context, app, '/'), unknownPath)
    assert.deepEqual(errors, ['boom'])
  })

  it('throws a UsageError for a path that is taken, until close frees it', async (context) => {
    const app = await startApp(context)
    const first = attachFor(context, app, { path: '/one' })
    const all = attachFor(context, app, {})
    const isPathTaken = (message: RegExp) => (error: unknown) =>
      error instanceof UsageError && error.code === 'pathTaken' && message.test(error.message)
    assert.throws(() => attach(app, { path: '/one' }), isPathTaken(/for the path \/one already/))
    assert.throws(() => attach(app, {}), isPathTaken(/without a path already/))
    await Promise.all([first.close(), all.close()])
    attachFor(context, app, { path: '/one', ...echoAs('second') })
    assert.equal(await whoAnswers(context, app, '/one'), 'second hi')
    assert.match(await whoAnswers(context, app, '/'), unknownPath)
  })

  it('refuses options that the HTTP server decides, and a value that is no HTTP server', async (context) => {
    const app = await startApp(context)
    const wrong: readonly [options: object, sentence: RegExp][] = [
      [{ port: 1 }, /attach\(\) takes no option port: the HTTP server decides/],
      [{ host: 'a' }, /takes no option host/],
      [{ tls: {} }, /takes no option tls/],
      [{ socketPath: '/x' }, /takes no option socketPath/],
      [{ handle: {} }, /takes no option handle/],
      [{ reusePort: true }, /takes no option reusePort/],
      [{ backlog: 1 }, /takes no option backlog/],
      [{ request() {} }, /takes no option request: plain requests remain/],
      [
        { path: 'chat' },
        /the option path must be a path such as '\/chat' or a pattern such as '\/rooms\/:id', or a function/,
      ],
      [{ path: '/chat?x' }, /the option path must be/],
      [{ path: 5 }, /the option path must be/],
      [{ pathh: '/' }, /there is no option "pathh"/],
      [{ maxMessageBytes: 0 }, /maxMessageBytes/],
    ]
    for (const [options, sentence] of wrong) {
      assert.throws(
        () => attach(app, options),
        (error: UsageError) => error instanceof UsageError && sentence.test(error.message),
      )
    }
    for (const app of [undefined, null, {}, () => {}]) {
      assert.throws(() => attach(app as unknown as HttpServer, {}), {
        name: 'UsageError',
        message: /takes the HTTP server/,
      })
    }
    assert.equal(app.listenerCount('upgrade'), 0)
  })
})

/** Answers 200 under /theirs; elsewhere it does what a listener may do. */
function otherListener(elsewhere: (socket: Duplex) => void) {
  return ({ url }: IncomingMessage, socket: Duplex): void => {
    if (url === '/theirs') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\ntheirs')
    else elsewhere(socket)
  }
}

describe('attach: beside other listeners for upgrades', () => {
  const destroys = otherListener((socket) => socket.destroy())

  it('keeps our handshakes from them, whichever was added first, and leaves the others to them', async (context) => {
    for (const order of ['before', 'after']) {
      const app = await startApp(context)
      if (order === 'before') app.on('upgrade', destroys)
      attachFor(context, app, { path: '/ours', ...echoAs('ours') })
      if (order === 'after') app.prependListener('upgrade', destroys)
      assert.equal(await whoAnswers(context, app, '/ours'), 'ours hi')
      const theirs = peerOf(context, app, handshakeRequest('/theirs'))
      await theirs.inputEnded
      assert.match(theirs.text, /^HTTP\/1\.1 200 OK[\s\S]*theirs$/)
    }
  })

  it('leaves a handshake to them that one of them answers later', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/ours', handshakeTimeoutMs: 50 })
    app.once('upgrade', (_, socket: Duplex) => {
      socket.on('error', () => {})
      setTimeout(() => socket.end('HTTP/1.1 200 late\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'), 200)
    })
    const peer = peerOf(context, app, handshakeRequest('/theirs'))
    await peer.inputEnded
    assert.match(peer.text, /^HTTP\/1\.1 200 late/)
  })

  it('answers 404 once to a handshake that none of them has touched within handshakeTimeoutMs', async (context) => {
    const app = await startApp(context)
    app.on(
      'upgrade',
      otherListener(() => {}),
    )
    attachFor(context, app, { path: '/one', handshakeTimeoutMs: 50 })
    attachFor(context, app, { path: '/two', handshakeTimeoutMs: 50 })
    const peer = peerOf(context, app, handshakeRequest('/nobody'))
    await peer.inputEnded
    assert.match(peer.text, unknownPath)
    assert.equal(peer.text.split('HTTP/1.1').length, 2)
  })

  it('outlives the reset of a connection that none of them has touched', async (context) => {
    const app = await startApp(context)
    const told = new Promise<void>((resolve) => {
      app.on('upgrade', () => resolve())
    })
    attachFor(context, app, { path: '/ours', ...echoAs('ours') })
    const { port } = app.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(handshakeRequest('/nobody'))
    await told
    socket.resetAndDestroy()
    assert.equal(await whoAnswers(context, app, '/ours'), 'ours hi')
  })

  it('restores the server once all are closed', async (context) => {
    const app = await startApp(context)
    const { emit } = app
    const one = attachFor(context, app, { path: '/one', ...echoAs('one') })
    const two = attachFor(context, app, { path: '/two', ...echoAs('two') })
    await one.close()
    assert.equal(await whoAnswers(context, app, '/two'), 'two hi')
    await two.close()
    assert.equal(app.listenerCount('upgrade'), 0)
    assert.equal(app.emit, emit)
    assert.ok(!Object.hasOwn(app, 'emit'))
    app.on('upgrade', destroys)
    const theirs = peerOf(context, app, handshakeRequest('/theirs'))
    await theirs.inputEnded
    assert.match(theirs.text, /theirs$/)
  })

  it('passes everything on if another library has wrapped our emit, and can be attached again', async (context) => {
    const app = await startApp(context)
    const one = attachFor(context, app, { path: '/one' })
    const emit = app.emit.bind(app) as (name: string, ...args: unknown[]) => boolean
    const seen: unknown[] = []
    app.emit = (name: string, ...args: unknown[]) => {
      if (name === 'upgrade') seen.push(name)
      return emit(name, ...args)
    }
    await one.close()
    attachFor(context, app, { path: '/one', ...echoAs('again') })
    assert.equal(await whoAnswers(context, app, '/one'), 'again hi')
    assert.deepEqual(seen, ['upgrade'])
  })

  it('gives an Upgrade to another protocol to the app as a plain request, RFC 9110 §7.8', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/ours' })
    const h2c = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
    assert.equal(await get(app, '/page', h2c), '200 app /page')
    assert.equal(await get(app, '/ours', h2c), '200 app /ours')
  })
})

describe('attach: handshakes', () => {
  it('delivers bytes that came behind the head', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, echoAs('ours'))
    const peer = peerOf(context, app, handshakeRequest('/'), text('1'), text('2'))
    assert.deepEqual(await peer.framesOf(2), [`1 ${hex('ours 1')}`, `1 ${hex('ours 2')}`])
  })

  it('answers broken ones under its path as serve does', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/ours', maxHeaderFields: 10, maxHeadBytes: 1000 })
    const request = Buffer.from(handshakeRequest('/ours')).toString()
    const keyless = request.replace(/Sec-WebSocket-Key.*\r\n/, '')
    const full = 'X-A: b\r\n'.repeat(5)
    const used = request.length + 'X: '.length + 2
    const cases: readonly [request: string, status: RegExp][] = [
      [request.replace('GET', 'POST'), /^HTTP\/1\.1 405 [\s\S]*method of a handshake must be GET/],
      [keyless, /^HTTP\/1\.1 400 [\s\S]*Sec-WebSocket-Key/],
      [request.replace(/(Version:) 13/, '$1 12'), /^HTTP\/1\.1 426 /],
      [request.replace('\r\n\r\n', '\r\nOrigin: https://evil.example\r\n\r\n'), /^HTTP\/1\.1 403 /],
      [request.replace('localhost', 'evil.example'), /^HTTP\/1\.1 421 /],
      [request.replace('\r\n\r\n', `\r\n${full}\r\n`), /^HTTP\/1\.1 101 /],
      [request.replace('\r\n\r\n', `\r\n${full}X-B: c\r\n\r\n`), /^HTTP\/1\.1 431 [\s\S]*10 header fields at most/],
      [request.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(1000 - used)}\r\n\r\n`), /^HTTP\/1\.1 101 /],
      [
        request.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(1001 - used)}\r\n\r\n`),
        /^HTTP\/1\.1 431 [\s\S]*1000 bytes at most/,
      ],
    ]
    for (const [bytes, status] of cases) {
      const peer = peerOf(context, app, utf8(bytes))
      assert.match(await peer.head(), new RegExp(status.source.split('[\\s\\S]*')[0]!))
      if (!peer.text.startsWith('HTTP/1.1 101')) await peer.inputEnded
      assert.match(peer.text, status)
    }
  })

  it('answers HEAD without a body, RFC 9110 §9.3.2', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, { path: '/ours' })
    attachFor(context, app, { path: '/short', maxHeaderFields: 2 })
    for (const target of ['/ours', '/short', '/nobody']) {
      const peer = peerOf(context, app, utf8(Buffer.from(handshakeRequest(target)).toString().replace('GET', 'HEAD')))
      await peer.inputEnded
      assert.match(peer.text, /^HTTP\/1\.1 4[0-9]{2} [\s\S]*Content-Length: [1-9][0-9]*\r\n[\s\S]*\r\n\r\n$/)
    }
  })

  it('sends a 100 before the 101 where it is expected, RFC 9110 §7.8', async (context) => {
    const app = await startApp(context)
    attachFor(context, app, {})
    const peer = peerOf(context, app, handshakeRequest('/', 'Expect: 100-continue'))
    await peer.until(() => peer.text.includes(' 101 '))
    assert.match(peer.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 101 /)
  })

  it('is not ended by the timeouts of the HTTP server', async (context) => {
    const app = await startApp(context)
    app.timeout = 50
    attachFor(context, app, echoAs('ours'))
    const peer = peerOf(context, app, handshakeRequest('/'))
    await peer.head()
    await new Promise((resolve) => setTimeout(resolve, 150))
    peer.send(text('still'))
    assert.deepEqual(await peer.framesOf(1), [`1 ${hex('ours still')}`])
  })

  it('answers to any Host if the HTTP server listens on all addresses, unless the option hosts has names', async (context) => {
    const app = await startApp(context, '0.0.0.0')
    attachFor(context, app, { path: '/any' })
    attachFor(context, app, { path: '/listed', hosts: ['good.example'] })
    for (const [target, host, status] of [
      ['/any', 'evil.example', 101],
      ['/listed', 'good.example', 101],
      ['/listed', 'evil.example', 421],
    ] as const) {
      const request = Buffer.from(handshakeRequest(target)).toString().replace('localhost', host)
      assert.match(await peerOf(context, app, utf8(request)).head(), new RegExp(`^HTTP/1.1 ${status} `))
    }
  })

  it('works on a server of node:https', async (context) => {
    const { cert, key } = await selfSignedCertificate()
    const app = createTlsServer({ cert, key }, (_, response) => response.end('app'))
    await listen(context, app)
    const server = attachFor(context, app, echoAs('secure'))
    const { port } = app.address() as AddressInfo
    assert.equal(server.url, `wss://127.0.0.1:${port}`)
    const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port, tls: { ca: cert } })
    context.after(() => peer.destroy())
    peer.send(handshakeRequest('/'), text('hi'))
    assert.deepEqual(await peer.framesOf(1), [`1 ${hex('secure hi')}`])
  })
})

describe('attach: the server that it returns', () => {
  it('has the url and port of the HTTP server once it listens', async (context) => {
    const app = createServer()
    const server = attachFor(context, app, echoAs('ours'))
    assert.deepEqual([server.url, server.port], ['', 0])
    await listen(context, app)
    const { port } = app.address() as AddressInfo
    assert.deepEqual([server.url, server.port], [`ws://127.0.0.1:${port}`, port])
    assert.equal(await whoAnswers(context, app, '/'), 'ours hi')
  })

  it('on close closes its own connections with 1001, and neither the HTTP server nor others', async (context) => {
    const app = await startApp(context)
    const one = attachFor(context, app, { path: '/one', ...echoAs('one') })
    const two = attachFor(context, app, { path: '/two', ...echoAs('two') })
    const [ofOne, ofTwo] = ['/one', '/two'].map((target) => peerOf(context, app, handshakeRequest(target)))
    await Promise.all([ofOne!.head(), ofTwo!.head()])
    assert.deepEqual([one.connections.size, two.connections.size], [1, 1])
    const closed = one.close()
    assert.equal(one.isReady, false)
    assert.match(await whoAnswers(context, app, '/one'), unknownPath)
    assert.deepEqual(await ofOne!.framesOf(1), [`8 03e9${hex('the server is stopping')}`])
    ofOne!.send(frame({ opcode: 8, payload: fromHex('03e9'), masked: true }))
    ofOne!.end()
    await closed
    ofTwo!.send(text('alive'))
    assert.deepEqual(await ofTwo!.framesOf(1), [`1 ${hex('two alive')}`])
    assert.equal(await get(app, '/'), '200 app /')
  })

  it('on drain answers 503 under its path, and the app goes on', async (context) => {
    const app = await startApp(context)
    const server = attachFor(context, app, { path: '/ours' })
    const peer = peerOf(context, app, handshakeRequest('/ours'))
    await peer.head()
    const drained = server.drain({ withinMs: 0 })
    assert.match(await whoAnswers(context, app, '/ours'), /^HTTP\/1\.1 503 [\s\S]*Retry-After: 5/)
    assert.match((await peer.framesOf(1))[0]!, /^8 03f4/)
    peer.send(frame({ opcode: 8, payload: fromHex('03f4'), masked: true }))
    peer.end()
    await drained
    assert.equal(await get(app, '/'), '200 app /')
  })

  it('keeps no process alive by itself', { timeout: 60_000 }, async (context) => {
    const app = await startApp(context)
    attach(app, {})
    const isTimer = (name: string): boolean => name === 'Timeout'
    assert.equal(process.getActiveResourcesInfo().filter(isTimer).length, 0)
  })
})

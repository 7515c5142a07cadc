import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { frame, toHex, utf8 } from 'twoway-testing/bytes.js'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { UsageError } from '../core/errors.js'
import { WebSocket } from '../entries/client.js'
import { type Upgrader, type UpgraderOptions, upgrader } from '../entries/server.js'
import { nodeConnector } from '../runtimes/node/connect/connector.js'

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const text = (payload: string): Uint8Array => frame({ opcode: 1, payload, masked: true })
const textFrame = (payload: string): string => `1 ${toHex(utf8(payload))}`

const kinds = {
  http: () => createServer((_, response) => response.end('app')),
  https: async () => createTlsServer(await selfSignedCertificate()),
  'http2 with HTTP/1': async () => createSecureServer({ ...(await selfSignedCertificate()), allowHTTP1: true }),
}

async function portOf(context: TestContext, upgrade: Upgrade, kind: keyof typeof kinds = 'http'): Promise<number> {
  const server = await kinds[kind]()
  server.on('upgrade', upgrade)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function upgraderFor<Data>(context: TestContext, options: UpgraderOptions<Data>): Upgrader<Data> {
  const server = upgrader<Data>({ closeTimeoutMs: 100, ...options })
  context.after(() => server.close())
  return server
}

function peerOf(context: TestContext, port: number, ...parts: readonly Uint8Array[]): RawPeer {
  const peer = new RawPeer(nodeConnector, { host: '127.0.0.1', port, tls: undefined })
  context.after(() => peer.destroy())
  if (parts.length > 0) peer.send(...parts)
  return peer
}

async function answerOf(
  context: TestContext,
  port: number,
  target = '/',
  ...lines: readonly string[]
): Promise<string> {
  const peer = peerOf(context, port, handshakeRequest(target, ...lines))
  const head = await peer.head()
  if (head.startsWith('HTTP/1.1 101')) return head
  await peer.inputEnded
  return peer.text
}

const echo = {
  message: (socket: { send(message: string | Uint8Array): unknown }, message: string | Uint8Array) =>
    socket.send(message),
}

describe('upgrader: accept', () => {
  it('resolves to the open connection with the app’s data, and does not call upgrade', async (context) => {
    const seen: unknown[] = []
    const upgrades = upgraderFor<{ user: string }>(context, {
      upgrade: () => assert.fail('the app has decided'),
      open: (socket) => seen.push(socket.data.user),
      message: (socket, message) => socket.send(`${socket.data.user}: ${message}`),
    })
    const sockets: unknown[] = []
    const port = await portOf(context, async (request, socket, head) => {
      const accepted = await upgrades.accept(request, socket, head, {
        data: { user: 'Ann' },
        protocol: 'chat',
        headers: { 'X-By': 'app' },
      })
      sockets.push(accepted)
      assert.deepEqual(seen, ['Ann'])
    })
    const peer = peerOf(context, port, handshakeRequest('/', 'Sec-WebSocket-Protocol: chat'), text('hi'))
    assert.match(await peer.head(), /Sec-WebSocket-Protocol: chat\r\nX-By: app/)
    assert.deepEqual(await peer.framesOf(1), [textFrame('Ann: hi')])
    assert.deepEqual(sockets, [...upgrades.connections])
    assert.equal(upgrades.metrics().opened, 1)
    assert.deepEqual([upgrades.url, upgrades.port, upgrades.isReady], ['', 0, true])
  })

  it('calls middleware and upgrade if the app has not decided', async (context) => {
    const upgrades = upgraderFor(context, {
      use: [
        (request: IncomingMessage & { user?: string }, _response: object, next: () => void) => {
          request.user = 'Ann'
          next()
        },
      ],
      upgrade: (_, { nodeRequest }) => ({ data: (nodeRequest as { user?: string }).user }),
      message: (socket, message) => socket.send(`${socket.data}: ${message}`),
    })
    const port = await portOf(context, (...event) => void upgrades.accept(...event))
    const peer = peerOf(context, port, handshakeRequest('/'), text('hi'))
    await peer.head()
    assert.deepEqual(await peer.framesOf(1), [textFrame('Ann: hi')])
  })

  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
    it(`serves a connection of ${kind}`, async (context) => {
      const upgrades = upgraderFor(context, echo)
      const encrypted: boolean[] = []
      const port = await portOf(
        context,
        async (...event) => {
          const socket = await upgrades.accept(...event)
          encrypted.push(socket!.request.url.startsWith('wss:'))
        },
        kind,
      )
      const scheme = kind === 'http' ? 'ws' : 'wss'
      const socket = new WebSocket(`${scheme}://127.0.0.1:${port}/`, { rejectUnauthorized: false })
      socket.onopen = () => socket.send('hi')
      const data = await new Promise((resolve, reject) => {
        socket.onmessage = (event) => resolve(event.data)
        socket.onerror = ({ error }) => reject(error)
      })
      socket.close()
      assert.equal(data, 'hi')
      assert.deepEqual(encrypted, [kind !== 'http'])
    })
  }

  it('serves a Duplex that is not a net.Socket, and a request without a socket of its own', async (context) => {
    const upgrades = upgraderFor(context, echo)
    const written: Buffer[] = []
    const stream = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        // Not a copy: a stream may keep what it has taken.
        written.push(chunk)
        stream.emit('written')
        done()
      },
    })
    const head = handshakeRequest('/')
    const lines = Buffer.from(head).toString('latin1').split('\r\n').slice(1, -2)
    const rawHeaders = lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)])
    const request = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders }
    const socket = await upgrades.accept(request, stream, Buffer.from(text('in the head')))
    assert.equal(socket?.remoteAddress, undefined)
    stream.push(text('behind it'))
    while (!Buffer.concat(written).includes('behind it')) await once(stream, 'written')
    const answer = Buffer.concat(written).toString('latin1')
    assert.match(answer, /^HTTP\/1\.1 101[\s\S]*in the head[\s\S]*behind it/)
  })

  it('resolves to undefined for a client that it refuses, which is answered', async (context) => {
    const results: unknown[] = []
    const upgrades = upgraderFor(context, { maxHeaderFields: 20, path: '/chat', upgrade: () => ({ status: 401 }) })
    const port = await portOf(context, async (...event) => results.push(await upgrades.accept(...event)))
    assert.match(await answerOf(context, port, '/chat'), /^HTTP\/1\.1 401/)
    assert.match(await answerOf(context, port, '/else'), /^HTTP\/1\.1 404/)
    assert.match(await answerOf(context, port, '/chat', 'Origin: http://evil.example'), /^HTTP\/1\.1 403/)
    assert.match(await answerOf(context, port, '/chat', 'Host: evil.example'), /^HTTP\/1\.1 4/)
    assert.match(await answerOf(context, port, '/chat', 'Content-Length: 1'), /^HTTP\/1\.1 400/)
    assert.match(await answerOf(context, port, '/chat', ...Array(30).fill('A: b')), /^HTTP\/1\.1 431/)
    const h2c = peerOf(
      context,
      port,
      utf8('GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
    )
    assert.match(await h2c.head(), /^HTTP\/1\.1 426/)
    assert.deepEqual(results, Array(7).fill(undefined))
    assert.equal(upgrades.metrics().handshakes['431'], 1)
  })

  it('resolves to undefined for a client that leaves before the decision', async (context) => {
    let peer: RawPeer | undefined
    const upgrades = upgraderFor(context, {
      upgrade(request) {
        setImmediate(() => peer!.destroy())
        return new Promise<undefined>((_, reject) =>
          request.signal.addEventListener('abort', () => reject(request.signal.reason)),
        )
      },
    })
    const settled = new Promise((resolve) => {
      void portOf(context, (...event) => resolve(upgrades.accept(...event))).then((port) => {
        peer = peerOf(context, port, handshakeRequest('/'))
      })
    })
    assert.equal(await settled, undefined)
    assert.equal(upgrades.metrics().handshakesLeft, 1)
  })

  it('answers only to loopback names on a loopback address, as attach does', async (context) => {
    const upgrades = upgraderFor(context, {})
    const port = await portOf(context, (...event) => void upgrades.accept(...event))
    const peer = peerOf(
      context,
      port,
      utf8(
        'GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    )
    assert.match(await peer.head(), /^HTTP\/1\.1 421/)
  })

  it('applies its own limits to its connections', async (context) => {
    const upgrades = upgraderFor(context, { maxConnections: 1, maxMessageBytes: 10 })
    const port = await portOf(context, (...event) => void upgrades.accept(...event))
    const first = peerOf(context, port, handshakeRequest('/'))
    await first.head()
    assert.match(await answerOf(context, port), /^HTTP\/1\.1 503/)
    first.send(text('eleven byte'))
    const [close = ''] = await first.framesOf(1)
    assert.match(close, /^8 03f1/)
  })

  it('rejects with a UsageError for invalid arguments, and for an upgrade that is taken', async (context) => {
    const upgrades = upgraderFor(context, {})
    const codes: unknown[] = []
    const port = await portOf(context, async (request, socket, head) => {
      const wrong: readonly (readonly [unknown, unknown, unknown?])[] = [
        [undefined, socket],
        [new URL('http://a'), socket, head],
        [request, request.headers, head],
        [request, undefined],
        [request, socket, 'head'],
      ]
      for (const [one, two, three] of wrong) {
        await upgrades
          .accept(one as object, two as object, three as Uint8Array)
          .catch((error) => codes.push(error.code))
      }
      await upgrades.accept(request, socket, head)
      await upgrades
        .accept(request, socket, head)
        .catch((error) => codes.push(error instanceof UsageError && error.code))
    })
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    await new Promise((resolve) => {
      socket.onopen = resolve
    })
    socket.close()
    assert.deepEqual(codes, [...Array(5).fill('optionInvalid'), 'upgradeTaken'])
  })

  it('refuses with 503 after drain, closes its connections, and leaves the HTTP server alone', async (context) => {
    const upgrades = upgraderFor(context, {})
    const port = await portOf(context, (...event) => void upgrades.accept(...event))
    const peer = peerOf(context, port, handshakeRequest('/'))
    await peer.head()
    const drained = upgrades.drain({ withinMs: 0 })
    const [close = ''] = await peer.framesOf(1)
    assert.match(close, /^8 03f4/)
    peer.send(frame({ opcode: 8, payload: new Uint8Array([3, 0xf4]), masked: true }))
    await drained
    assert.equal(upgrades.isReady, false)
    assert.match(await answerOf(context, port), /^HTTP\/1\.1 503[\s\S]*Retry-After/)
    await upgrades.close()
    const plain = await new Promise<IncomingMessage>((resolve) => {
      httpRequest({ port, host: '127.0.0.1' }, resolve).end()
    })
    assert.equal(plain.statusCode, 200)
    plain.resume()
  })

  it('answers an upgrade behind an unfinished response in its turn, RFC 9112 §9.3.2', async (context) => {
    const upgrades = upgraderFor(context, echo)
    const server = createServer((_, response) => void setTimeout(() => response.end('slow'), 30))
    server.on('upgrade', (...event) => void upgrades.accept(...event))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    context.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const peer = peerOf(context, port, utf8('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n'), handshakeRequest('/'))
    await peer.until(() => /slow[\s\S]*HTTP\/1\.1 101/.test(peer.text))
  })
})

describe('upgrader: handleUpgrade', () => {
  it('is a listener: several on one server each take their paths, and an unknown path is answered 404', async (context) => {
    const rooms = upgraderFor(context, {
      path: '/rooms/:id',
      upgrade: ({ params }) => ({ headers: { 'X-Room': params.id! } }),
    })
    const chat = upgraderFor(context, {
      path: '/chat',
      handshakeTimeoutMs: 100,
      upgrade: () => ({ headers: { 'X-Chat': 'yes' } }),
    })
    const server = createServer()
    server.on('upgrade', rooms.handleUpgrade).on('upgrade', chat.handleUpgrade)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    context.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    assert.match(await answerOf(context, port, '/rooms/a%20b'), /^HTTP\/1\.1 101[\s\S]*X-Room: a b/)
    assert.match(await answerOf(context, port, '/chat?x=1'), /^HTTP\/1\.1 101[\s\S]*X-Chat: yes/)
    assert.match(await answerOf(context, port, '/else'), /^HTTP\/1\.1 404/)
  })

  it('answers 404 without delay if there is no other listener', async (context) => {
    const upgrades = upgraderFor(context, { path: '/chat' })
    const port = await portOf(context, upgrades.handleUpgrade)
    assert.match(await answerOf(context, port, '/else'), /^HTTP\/1\.1 404/)
    assert.equal(upgrades.metrics().handshakes['404'], 1)
  })

  it('calls the path function once', async (context) => {
    let calls = 0
    const path = (): boolean => {
      calls++
      return true
    }
    const upgrades = upgraderFor(context, { path })
    const port = await portOf(context, upgrades.handleUpgrade)
    assert.match(await answerOf(context, port, '/'), /^HTTP\/1\.1 101/)
    assert.equal(calls, 1)
  })

  it('reports invalid arguments to error', (context) => {
    const errors: unknown[] = []
    const { handleUpgrade } = upgraderFor(context, { error: (_, error) => errors.push(error) })
    handleUpgrade({}, {})
    assert.equal(errors.length, 1)
    assert.ok(errors[0] instanceof UsageError)
  })
})

it('upgrader refuses options of a server that listens', () => {
  assert.throws(() => upgrader({ port: 1 } as object), /upgrader\(\) takes no option port/)
  assert.throws(() => upgrader(undefined as never), UsageError)
})

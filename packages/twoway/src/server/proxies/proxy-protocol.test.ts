import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { clientFrame, concat, opcodes, utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { TransportError } from '../../core/errors.js'
import { type ServeOptions, type Server, serve } from '../../entries/server.js'

const v1 = utf8('PROXY TCP4 192.0.2.1 198.51.100.7 12345 443\r\n')
const v2Start = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
const v2 = Uint8Array.of(
  ...[...v2Start, 0x21, 0x21, 0, 41],
  ...[0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), 1, ...Array(16).fill(0), 0, 80, 0, 80],
  ...[1, 0, 2, 0x68, 0x32],
)
const local = Uint8Array.of(...v2Start, 0x20, 0, 0, 0)
const unknown = utf8('PROXY UNKNOWN\r\n')

interface Behind {
  readonly server: Server
  readonly errors: unknown[]
  /** The address and the URL of each request. */
  readonly seen: string[]
  readonly connect: () => Socket
}

async function start(context: TestContext, options: ServeOptions<undefined> = {}): Promise<Behind> {
  const errors: unknown[] = []
  const seen: string[] = []
  const note = (request: { readonly remoteAddress: string | undefined; readonly url: string }): undefined => {
    seen.push(`${request.remoteAddress} ${request.url}`)
  }
  const server = await serve({
    ...{ port: 0, proxyProtocol: true, trustedProxies: 'loopback', closeTimeoutMs: 100, ...options },
    message: (socket, message) => socket.send(message),
    upgrade: note,
    request: (request) => {
      note(request)
      return { status: 200, body: 'plain' }
    },
    error: (_, error) => errors.push(error),
  })
  const sockets: Socket[] = []
  context.after(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
  })
  const connectTo = (): Socket => {
    const socket = connect(server.port, '127.0.0.1')
    socket.setNoDelay(true)
    // A server that drops the connection may reset it.
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  return { server, errors, seen, connect: connectTo }
}

/** Reads until a text has arrived. */
async function until(socket: Socket, text: string): Promise<string> {
  let read = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    read += (chunk as Buffer).toString('latin1')
    if (read.includes(text)) return read
  }
  throw new Error(`the connection ended after ${JSON.stringify(read)}`)
}

/** Resolves when the server has dropped the connection without an answer. */
async function dropped(socket: Socket): Promise<void> {
  socket.on('data', (chunk) => assert.fail(`received ${chunk}`))
  await once(socket, 'close')
}

/** Whether a port takes connections. */
async function isListening(port: number): Promise<boolean> {
  const probe = connect(port, '127.0.0.1')
  try {
    await once(probe, 'connect')
    return true
  } catch {
    return false
  } finally {
    probe.destroy()
  }
}

const echoed = '\x81\x02hi'
const handshakeAndMessage = concat(handshakeRequest('/a'), clientFrame(opcodes.text, 'hi'))

const tlsNetwork = networks.find(({ name }) => name === 'TLS')!

/** The ways to speak behind the header. */
const ways = {
  TCP: { tls: {}, over: async (socket: Socket): Promise<Socket> => socket, scheme: 'ws' },
  TLS: {
    tls: { tls: tlsNetwork.tls! },
    async over(socket: Socket): Promise<Socket> {
      const secure = connectTls({ socket, ca: tlsNetwork.clientTls!.ca as string, servername: 'localhost' })
      secure.on('error', () => {})
      await once(secure, 'secureConnect')
      return secure
    },
    scheme: 'wss',
  },
} as const

for (const [name, { tls, over, scheme }] of Object.entries(ways)) {
  describe(`the PROXY protocol over ${name}`, () => {
    for (const [header, address] of [
      [v1, '192.0.2.1'],
      [v2, '2001:db8::1'],
      [local, '127.0.0.1'],
      [unknown, '127.0.0.1'],
    ] as const) {
      it(`gives a WebSocket and a plain request the address ${address} of ${JSON.stringify(Buffer.from(header).toString('latin1'))}`, async (context) => {
        const { seen, connect, errors } = await start(context, tls)
        const socket = connect()
        socket.write(header)
        const stream = await over(socket)
        stream.write(handshakeAndMessage)
        await until(stream, echoed)
        const other = connect()
        other.write(header)
        const plain = await over(other)
        plain.write('GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n')
        await until(plain, 'plain')
        assert.deepEqual(seen, [
          `${address} ${scheme}://localhost/a`,
          `${address} ${scheme.replace('ws', 'http')}://localhost/b`,
        ])
        assert.deepEqual(errors, [])
      })
    }

    it('reads a header that comes byte by byte', async (context) => {
      const { seen, connect } = await start(context, tls)
      for (const header of [v1, v2]) {
        const socket = connect()
        for (const byte of header) await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve))
        const stream = await over(socket)
        for (const byte of handshakeAndMessage) {
          await new Promise((resolve) => stream.write(Uint8Array.of(byte), () => resolve(undefined)))
        }
        await until(stream, echoed)
      }
      assert.deepEqual(
        seen.map((line) => line.split(' ')[0]),
        ['192.0.2.1', '2001:db8::1'],
      )
    })

    it('drops what is no header, tells error once, and counts each', async (context) => {
      const { server, connect, errors } = await start(context, tls)
      for (const bytes of [utf8('GET / HTTP/1.1\r\n\r\n'), Uint8Array.of(0x16, 3, 1), utf8('PROXY TCP4 x\r\n')]) {
        const socket = connect()
        socket.write(bytes)
        await dropped(socket)
      }
      assert.equal(errors.length, 1)
      const [error] = errors
      assert.ok(error instanceof TransportError && error.code === 'proxyHeaderInvalid')
      assert.match(error.message, /a connection from 127\.0\.0\.1 was ended, as it has no PROXY header/i)
      assert.deepEqual(server.metrics().refusals, { proxyHeaderInvalid: 3 })
    })

    it('drops a header that ends too early or comes too late', async (context) => {
      const { server, connect, errors } = await start(context, { ...tls, handshakeTimeoutMs: 200 })
      const early = connect()
      early.end(v1.subarray(0, 20))
      await dropped(early)
      const late = connect()
      late.write(v1.subarray(0, 20))
      await dropped(late)
      assert.equal(errors.length, 1)
      assert.match(String(errors[0]), /ended within its PROXY header/)
      const { refusals, limits } = server.metrics()
      assert.deepEqual(refusals, { proxyHeaderInvalid: 1, handshakeTimeoutMs: 1 })
      assert.deepEqual(limits, { handshakeTimeoutMs: 1 })
    })

    it('has one deadline for the header and for what follows', async (context) => {
      const { server, connect } = await start(context, { ...tls, handshakeTimeoutMs: 300 })
      const socket = connect()
      socket.on('data', () => {})
      socket.write(v1)
      socket.write(name === 'TLS' ? Uint8Array.of(0x16, 3, 1) : utf8('GET / HT'))
      const begun = performance.now()
      await once(socket, 'end')
      assert.ok(performance.now() - begun < 5_000)
      assert.equal(server.connections.size, 0)
    })

    it('drops peers that are not trusted, before it reads from them', async (context) => {
      const { server, connect, errors } = await start(context, { ...tls, trustedProxies: ['10.0.0.0/8', 'unix'] })
      for (let count = 0; count < 2; count += 1) {
        const socket = connect()
        socket.write(concat(v1, handshakeAndMessage))
        await dropped(socket)
      }
      assert.equal(errors.length, 1)
      const [error] = errors
      assert.ok(error instanceof TransportError && error.code === 'proxyNotTrusted')
      assert.match(error.message, /from 127\.0\.0\.1 was ended, as trustedProxies does not name the peer/)
      assert.deepEqual(server.metrics().refusals, { proxyNotTrusted: 2 })
    })

    it('does not report health checks that connect and leave', async (context) => {
      const { server, connect, errors } = await start(context, tls)
      const socket = connect()
      socket.end()
      await dropped(socket)
      assert.deepEqual(errors, [])
      assert.deepEqual(server.metrics().refusals, {})
    })

    it('ends connections without a whole header when the server closes', async (context) => {
      const { server, connect } = await start(context, { ...tls, handshakeTimeoutMs: 3_600_000 })
      const unfinished = connect()
      unfinished.write(v1.subarray(0, 20))
      // The server has accepted the first connection once it has answered on the second.
      const finished = connect()
      finished.write(v1)
      const stream = await over(finished)
      stream.write(handshakeAndMessage)
      await until(stream, echoed)
      stream.destroy()
      const gone = dropped(unfinished)
      await server.close()
      await gone
    })

    it('admits connections without a whole header while a server that drains does not listen any more', async (context) => {
      const { server, connect } = await start(context, tls)
      const unfinished = connect()
      unfinished.write(v1.subarray(0, 20))
      const finished = connect()
      finished.write(v1)
      const stream = await over(finished)
      stream.write(handshakeAndMessage)
      await until(stream, echoed)
      stream.destroy()
      while (server.connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 1))
      const drained = server.drain({ withinMs: 5_000, stopListening: true })
      while (await isListening(server.port));
      unfinished.write(v1.subarray(20))
      const late = await over(unfinished)
      late.write(handshakeRequest())
      await until(late, '101 ')
      late.destroy()
      await drained
    })
  })
}

describe('the PROXY protocol', () => {
  it('has the bytes behind the header read, however many come with it', async (context) => {
    const { connect } = await start(context)
    const socket = connect()
    const text = 'x'.repeat(60_000)
    socket.write(concat(v1, handshakeRequest(), clientFrame(opcodes.text, text)))
    await until(socket, text)
  })

  it('takes handles for its connections, as without it', async (context) => {
    const { server } = await start(context)
    const plain = await serve({ port: 0 })
    context.after(() => plain.close())
    assert.deepEqual(server.metrics().transport, plain.metrics().transport)
  })

  it('is read from the peers of a Unix socket', { skip: process.platform === 'win32' }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'twoway-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const socketPath = join(folder, 'socket')
    const { seen } = await start(context, { socketPath, trustedProxies: 'unix', port: undefined })
    const socket = connect(socketPath)
    context.after(() => socket.destroy())
    socket.write(concat(v1, handshakeAndMessage))
    await until(socket, echoed)
    assert.deepEqual(seen, ['192.0.2.1 ws://localhost/a'])
  })

  const field = 'X-Forwarded-For: 203.0.113.9'
  for (const [trusted, header, address] of [
    ['loopback', v1, '192.0.2.1'],
    ['loopback', unknown, '127.0.0.1'],
    ['loopback', local, '203.0.113.9'],
    [1, v1, '192.0.2.1'],
    [2, v1, '203.0.113.9'],
    [1, unknown, '127.0.0.1'],
    [['loopback', '192.0.2.1'], v1, '203.0.113.9'],
  ] as const) {
    const text = Buffer.from(header).toString('latin1')
    it(`and X-Forwarded-For make a client of ${address}, with ${JSON.stringify(text)} and trustedProxies ${JSON.stringify(trusted)}`, async (context) => {
      const { seen, connect } = await start(context, { trustedProxies: trusted })
      const socket = connect()
      socket.write(concat(header, handshakeRequest('/', field)))
      await until(socket, '\r\n\r\n')
      assert.deepEqual(seen, [`${address} ws://localhost/`])
    })
  }

  it('needs trustedProxies', async () => {
    await assert.rejects(serve({ port: 0, proxyProtocol: true }), {
      code: 'optionInvalid',
      message: /proxyProtocol needs trustedProxies: give the addresses of the proxies, such as 'loopback'/,
    })
  })
})

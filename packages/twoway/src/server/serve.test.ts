import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  HandshakeError,
  type ProtocolError,
  type RequestViolationCode,
  UsageError,
  violations,
} from '../core/errors.js'
import { concat, frame, fromHex, toHex, utf8 } from '../testing/bytes.js'
import { type Network, networks } from '../testing/networks.js'
import { handshakeRequest, RawPeer } from '../testing/raw-peer.js'
import { startServer } from './listening-server.js'
import type { ServeOptions, Server, ServerSocket } from './server-types.js'

const text = (payload: string, fin = true): Uint8Array => frame({ opcode: 1, payload, fin, masked: true })
const closeFrame = (payload = '03e8'): Uint8Array => frame({ opcode: 8, payload: fromHex(payload), masked: true })
const hex = (payload: string): string => toHex(utf8(payload))

/** Runs a test with a server on a free port, and a way for raw peers to it; closes all at the end. */
async function withServer<Data>(
  network: Network,
  options: ServeOptions<Data>,
  test: (server: Server<Data>, connect: (...parts: readonly Uint8Array[]) => RawPeer) => Promise<void>,
): Promise<void> {
  const tls = network.tls === undefined ? {} : { tls: network.tls }
  const server = await startServer<Data>({ port: 0, closeTimeoutMs: 500, ...tls, ...options }, network.serverPorts)
  const peers: RawPeer[] = []
  try {
    await test(server, (...parts) => {
      const target = { host: '127.0.0.1', port: server.port, tls: network.clientTls }
      const peer = new RawPeer(network.clientPorts.connector, target)
      peers.push(peer)
      if (parts.length > 0) peer.send(...parts)
      return peer
    })
  } finally {
    for (const peer of peers) peer.destroy()
    await server.close()
  }
}

for (const network of networks) {
  describe(`serve over ${network.name}: messages`, () => {
    it('echoes text as text and binary as binary', async () => {
      await withServer(network, { message: (socket, message) => socket.send(message) }, async (_, connect) => {
        const peer = connect(
          handshakeRequest(),
          text('grüß 👋'),
          frame({ opcode: 2, payload: fromHex('00ff'), masked: true }),
        )
        assert.match(await peer.head(), /^HTTP\/1\.1 101 /)
        assert.match(await peer.head(), /^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m)
        assert.deepEqual(await peer.framesOf(2), [`1 ${hex('grüß 👋')}`, '2 00ff'])
      })
    })

    it('gives a message whole, whatever its length and however it arrives', async () => {
      const lengths = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1 << 20]
      const seen: number[] = []
      const options: ServeOptions<undefined> = {
        message(socket, message) {
          assert.ok(message instanceof Uint8Array)
          assert.ok(message.every((octet, index) => octet === (index * 31) % 256))
          seen.push(message.length)
          socket.send(message)
        },
      }
      await withServer(network, options, async (_, connect) => {
        const payloads = lengths.map((length) => Uint8Array.from({ length }, (_, index) => index * 31))
        const peer = connect(
          handshakeRequest(),
          ...payloads.map((payload) => frame({ opcode: 2, payload, masked: true })),
        )
        const frames = await peer.framesOf(lengths.length)
        assert.deepEqual(seen, lengths)
        assert.deepEqual(
          frames.map((line) => (line.length - 2) / 2),
          lengths,
        )
      })
    })
  })

  describe(`serve over ${network.name}: a handler in the middle of a read of many frames`, () => {
    const many = concat(...['1', '2', '3', '4', '5'].map((payload) => text(payload)))
    const cases: readonly {
      readonly what: string
      readonly act: (socket: ServerSocket) => void
      readonly log: readonly string[]
      readonly frames: readonly string[]
    }[] = [
      {
        what: 'that sends gets its frames out in order',
        act: (socket) => {
          socket.send('a')
          socket.send(Uint8Array.of(1))
        },
        log: ['1', '2', '3', '4', '5', 'close 1000 clean'],
        frames: [`1 ${hex('a')}`, '2 01', '8 03e8'],
      },
      {
        what: 'that closes gets no more messages',
        act: (socket) => {
          socket.send('bye')
          socket.close(4000, 'enough')
        },
        log: ['1', '2', 'close 1000 clean'],
        frames: [`1 ${hex('bye')}`, `8 0fa0${hex('enough')}`],
      },
      {
        what: 'that terminates gets no more messages',
        act: (socket) => socket.terminate(),
        log: ['1', '2', 'close 1006 unclean'],
        frames: [],
      },
      {
        what: 'that pauses gets the rest once it resumes',
        act: (socket) => {
          socket.pause()
          setImmediate(() => socket.resume())
        },
        log: ['1', '2', '3', '4', '5', 'close 1000 clean'],
        frames: ['8 03e8'],
      },
      {
        what: 'that throws closes its connection with 1011',
        act: () => {
          throw new Error('boom')
        },
        log: ['1', '2', 'error boom', 'close 1006 unclean'],
        frames: [`8 03f3${hex('the server failed on this message')}`],
      },
    ]
    for (const { what, act, log: expected, frames } of cases) {
      it(what, async () => {
        const log: string[] = []
        let closed: () => void
        const isClosed = new Promise<void>((resolve) => {
          closed = resolve
        })
        const options: ServeOptions<undefined> = {
          message(socket, message) {
            log.push(String(message))
            if (message === '2') act(socket)
          },
          error: (_, error) => log.push(`error ${error.message}`),
          close(_, { code, wasClean }) {
            log.push(`close ${code} ${wasClean ? 'clean' : 'unclean'}`)
            closed()
          },
        }
        await withServer(network, options, async (_, connect) => {
          const peer = connect(handshakeRequest(), many, closeFrame())
          await peer.otherSideEnded
          peer.end()
          await isClosed
          assert.deepEqual(log, expected)
          assert.deepEqual(peer.frames, frames)
        })
      })
    }
  })

  describe(`serve over ${network.name}: sending`, () => {
    it('answers sent, buffered and closed, and calls drain once the peer has read', async () => {
      const answers: string[] = []
      let isDrained = false
      const options: ServeOptions<undefined> = {
        maxBufferedBytes: 1 << 30,
        open(socket) {
          answers.push(socket.send('first'))
          // More than the kernel takes for a peer that does not read.
          for (let count = 0; count < 32; count++) answers.push(socket.send(new Uint8Array(1 << 20)))
          assert.equal(answers.at(-1), 'buffered')
          assert.ok(socket.bufferedAmount > 64 << 10)
        },
        drain(socket) {
          assert.ok(socket.bufferedAmount <= 64 << 10)
          isDrained = true
          socket.close()
          answers.push(socket.send('late'))
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect()
        peer.pause()
        peer.send(handshakeRequest())
        while (answers.length === 0) await new Promise((resolve) => setImmediate(resolve))
        assert.equal(isDrained, false)
        peer.resume()
        await peer.until(() => isDrained)
        assert.equal(answers[0], 'sent')
        assert.equal(answers.at(-1), 'closed')
      })
    })

    it('drops where too much waits, if it is to, and says so', async () => {
      let answer = ''
      const options: ServeOptions<undefined> = {
        whenBufferFull: 'drop',
        open(socket) {
          for (let count = 0; count < 100 && answer !== 'dropped'; count++)
            answer = socket.send(new Uint8Array(1 << 20))
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect()
        peer.pause()
        peer.send(handshakeRequest())
        while (answer === '') await new Promise((resolve) => setImmediate(resolve))
        assert.equal(answer, 'dropped')
      })
    })

    it('throws a UsageError for what is no message and goes on', async () => {
      const options: ServeOptions<undefined> = {
        message(socket) {
          for (const wrong of [undefined, null, 5, {}, []]) {
            assert.throws(() => socket.send(wrong as unknown as string), UsageError)
          }
          assert.throws(() => socket.ping('x'.repeat(126)), UsageError)
          assert.throws(() => socket.close(1005), UsageError)
          socket.send('still here')
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(handshakeRequest(), text('go'))
        assert.deepEqual(await peer.framesOf(1), [`1 ${hex('still here')}`])
      })
    })

    it('takes an ArrayBuffer and any view of one, and pings', async () => {
      const options: ServeOptions<undefined> = {
        open(socket) {
          const buffer = Uint8Array.of(1, 2, 3, 4).buffer
          socket.send(buffer)
          socket.send(new DataView(buffer, 1, 2))
          socket.send(new Uint16Array(buffer, 2))
          socket.ping('hi')
          socket.ping()
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(handshakeRequest())
        assert.deepEqual(await peer.framesOf(5), ['2 01020304', '2 0203', '2 0304', `9 ${hex('hi')}`, '9 '])
      })
    })
  })

  describe(`serve over ${network.name}: upgrade`, () => {
    it('lets in with data, subprotocol and header fields, now or by promise', async () => {
      for (const later of [false, true]) {
        const options: ServeOptions<{ user: string }> = {
          upgrade(request) {
            assert.deepEqual(request.protocols, ['a', 'b'])
            const user = new URL(request.url).searchParams.get('user') ?? ''
            const answer = { data: { user }, protocol: 'b', headers: { 'X-Server': 'twoway' } }
            return later ? new Promise((resolve) => setImmediate(resolve, answer)) : answer
          },
          message: (socket) =>
            socket.send(`${socket.data.user} ${socket.protocol} ${socket.request.headers.get('x-mine')}`),
        }
        await withServer(network, options, async (_, connect) => {
          const request = handshakeRequest('/chat?user=ann', 'Sec-WebSocket-Protocol: a, b', 'X-Mine: yes')
          // What comes behind the request waits for the decision.
          const peer = connect(request, text('who'))
          assert.match(await peer.head(), /^Sec-WebSocket-Protocol: b\r$/m)
          assert.match(await peer.head(), /^X-Server: twoway\r$/m)
          assert.deepEqual(await peer.framesOf(1), [`1 ${hex('ann b yes')}`])
        })
      }
    })

    it('refuses by a Response or by status and body', async () => {
      const answers = [
        () => new Response('no ticket', { status: 401, headers: { 'WWW-Authenticate': 'Basic' } }),
        () => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic' }, body: 'no ticket' }),
        async () => ({ status: 401, headers: [['WWW-Authenticate', 'Basic']] as const, body: utf8('no ticket') }),
      ]
      for (const upgrade of answers) {
        await withServer(network, { upgrade }, async (server, connect) => {
          const peer = connect(handshakeRequest())
          await peer.otherSideEnded
          assert.match(peer.text, /^HTTP\/1\.1 401 /)
          assert.match(peer.text, /^www-authenticate: Basic\r$/im)
          assert.match(peer.text, /\r\n\r\nno ticket$/)
          assert.equal(server.connections.size, 0)
        })
      }
    })

    it('answers 500 where the handler throws, rejects, or returns what cannot be used, and tells error', async () => {
      const faults: readonly NonNullable<ServeOptions<unknown>['upgrade']>[] = [
        () => {
          throw new Error('boom')
        },
        () => Promise.reject(new Error('boom')),
        () => ({ protocol: 'boom' }),
        () => ({ headers: { 'X-Wrong': 'boom\r\nSet-Cookie: a=b' } }),
        () => ({ status: 99, body: 'boom' }),
      ]
      for (const upgrade of faults) {
        const errors: unknown[] = []
        const options: ServeOptions<unknown> = { upgrade, error: (socket, error) => errors.push(socket, error.message) }
        await withServer(network, options, async (_, connect) => {
          const peer = connect(handshakeRequest())
          await peer.otherSideEnded
          assert.match(peer.text, /^HTTP\/1\.1 500 /)
          assert.doesNotMatch(peer.text, /Set-Cookie|boom/)
          assert.equal(errors.length, 2)
          assert.equal(errors[0], undefined)
        })
      }
    })

    it('answers 503 where the handler does not decide in time', async () => {
      const options: ServeOptions<undefined> = { handshakeTimeoutMs: 50, upgrade: () => new Promise(() => {}) }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(handshakeRequest())
        await peer.otherSideEnded
        assert.match(peer.text, /^HTTP\/1\.1 503 /)
      })
    })

    it('outlives a peer that leaves while it decides', async () => {
      let decide: (answer: undefined) => void = () => {}
      const closed: string[] = []
      const options: ServeOptions<undefined> = {
        upgrade: () => new Promise((resolve) => (decide = resolve)),
        close: (_, { code }) => closed.push(String(code)),
      }
      await withServer(network, options, async (server, connect) => {
        const peer = connect(handshakeRequest())
        while (decide.length === 0) await new Promise((resolve) => setImmediate(resolve))
        peer.destroy()
        await peer.gone
        await new Promise((resolve) => setTimeout(resolve, 20))
        decide(undefined)
        const other = connect(handshakeRequest())
        while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve))
        decide(undefined)
        other.destroy()
      })
      assert.ok(closed.length <= 2)
    })

    it('takes pages of its own host, and others only where it is told to, §10.2', async () => {
      const scheme = network.tls === undefined ? 'http' : 'https'
      const own = `${scheme}://localhost`
      const rows: readonly [origin: string | undefined, option: ServeOptions<undefined>['origin'], status: number][] = [
        [undefined, undefined, 101],
        [own, undefined, 101],
        ['https://evil.example', undefined, 403],
        ['null', undefined, 403],
        [`${own}:444`, undefined, 403],
        ['https://friend.example', ['https://friend.example'], 101],
        ['https://friend.example.evil', ['https://friend.example'], 403],
        ['https://evil.example', 'any', 101],
        ['null', 'any', 101],
      ]
      for (const [origin, option, status] of rows) {
        const options = option === undefined ? {} : { origin: option }
        await withServer(network, options, async (_, connect) => {
          const peer = connect(handshakeRequest('/', ...(origin === undefined ? [] : [`Origin: ${origin}`])))
          assert.match(await peer.head(), new RegExp(`^HTTP/1.1 ${status} `), `${origin} with ${option}`)
        })
      }
      assert.equal(violations.originForbidden.status, 403)
    })
  })

  describe(`serve over ${network.name}: plain requests`, () => {
    it('are answered 426 without a handler, and by the handler with one', async () => {
      await withServer(network, {}, async (_, connect) => {
        const peer = connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        await peer.otherSideEnded
        assert.match(peer.text, /^HTTP\/1\.1 426 /)
        assert.match(peer.text, /^Upgrade: websocket\r$/im)
      })
      const options: ServeOptions<undefined> = {
        request: ({ method, url }) => new Response(`${method} ${new URL(url).pathname}`, { headers: { 'X-A': 'b' } }),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(utf8('GET /page?x HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        await peer.otherSideEnded
        assert.match(peer.text, /^HTTP\/1\.1 200 /)
        assert.match(peer.text, /\r\n\r\nGET \/page$/)
      })
    })

    it('answer 500 where the handler fails, and tell error', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        request: () => Promise.reject(new Error('boom')),
        error: (_, error) => errors.push(error.message),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        await peer.otherSideEnded
        assert.match(peer.text, /^HTTP\/1\.1 500 /)
        assert.deepEqual(errors, ['boom'])
      })
    })

    it('that were meant as handshakes are told what they lack, though there is a handler', async () => {
      await withServer(network, { request: () => ({ status: 200, body: 'page' }) }, async (_, connect) => {
        const request = new TextDecoder().decode(handshakeRequest()).replace('Connection: Upgrade\r\n', '')
        const peer = connect(utf8(request))
        await peer.otherSideEnded
        assert.match(peer.text, /^HTTP\/1\.1 400 [\s\S]*Connection: Upgrade/)
      })
    })
  })

  describe(`serve over ${network.name}: handshakes that break a rule of §4`, () => {
    const request = new TextDecoder().decode(handshakeRequest())
    const without = (name: string): string => request.replace(new RegExp(`^${name}: .*\\r\\n`, 'm'), '')
    const withLine = (line: string): string => request.replace('\r\n\r\n', `\r\n${line}\r\n\r\n`)
    const broken: { readonly [code in RequestViolationCode]: readonly string[] } = {
      requestMalformed: ['GET / HTTP/1.1\nHost: localhost\n\n', request.replace('Host: ', 'Host : ')],
      requestHeadTooLong: [withLine(`X-Long: ${'x'.repeat(17_000)}`), withLine('X-Many: x\r\n'.repeat(101).trim())],
      methodNotGet: [request.replace('GET', 'POST'), request.replace('GET', 'PUT')],
      httpVersionTooOld: [request.replace('HTTP/1.1', 'HTTP/1.0')],
      targetInvalid: [request.replace('GET /', 'GET /#fragment'), request.replace('GET /', 'GET ws://other.example/')],
      hostMissing: [withLine('Host: localhost'), request.replace('Host: localhost', 'Host: a b')],
      bodyPresent: [`${withLine('Content-Length: 5')}hello`, withLine('Transfer-Encoding: chunked')],
      upgradeMissing: [without('Upgrade'), request.replace('Upgrade: websocket', 'Upgrade: h2c')],
      connectionMissing: [without('Connection'), request.replace('Connection: Upgrade', 'Connection: keep-alive')],
      keyInvalid: [
        without('Sec-WebSocket-Key'),
        withLine('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='),
        request.replace('dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25j'),
        request.replace('dGhlIHNhbXBsZSBub25jZQ==', 'nonsense'),
      ],
      versionUnsupported: [without('Sec-WebSocket-Version'), request.replace('Version: 13', 'Version: 8')],
      protocolOfferInvalid: [withLine('Sec-WebSocket-Protocol: a, a'), withLine('Sec-WebSocket-Protocol: a b')],
      extensionOfferInvalid: [withLine('Sec-WebSocket-Extensions: a; b="')],
      originForbidden: [withLine('Origin: https://evil.example')],
    }
    for (const [code, requests] of Object.entries(broken)) {
      const { status, section } = violations[code as RequestViolationCode]
      it(`are answered ${status}: ${code}, §${section}`, async () => {
        await withServer(network, {}, async (server, connect) => {
          for (const bytes of requests) {
            const peer = connect(utf8(bytes))
            await peer.otherSideEnded
            assert.equal(peer.text.slice(0, 13), `HTTP/1.1 ${status} `, `${bytes}\n${peer.text}`)
            if (status === 426) assert.match(peer.text, /^Sec-WebSocket-Version: 13\r$/m)
            if (status === 405) assert.match(peer.text, /^Allow: GET\r$/m)
          }
          assert.equal(server.connections.size, 0)
        })
      })
    }
  })

  describe(`serve over ${network.name}: stopping`, () => {
    it('closes each connection with 1001, waits for the answers, and frees the address', async () => {
      const results: string[] = []
      const options: ServeOptions<undefined> = {
        close: (_, { code, wasClean }) => results.push(`${code} ${wasClean}`),
      }
      await withServer(network, options, async (server, connect) => {
        const peers = [connect(handshakeRequest()), connect(handshakeRequest())]
        for (const peer of peers) await peer.head()
        assert.equal(server.connections.size, 2)
        const { port } = server
        const closing = server.close()
        for (const peer of peers) {
          assert.deepEqual(await peer.framesOf(1), [`8 03e9${hex('the server is stopping')}`])
          peer.send(closeFrame('03e9'))
          await peer.otherSideEnded
          peer.end()
        }
        await closing
        assert.deepEqual(results, ['1001 true', '1001 true'])
        assert.equal(server.connections.size, 0)
        const again = await startServer({ port }, network.serverPorts)
        await again.close()
      })
    })

    it('drops who does not answer within closeTimeoutMs', async () => {
      const results: string[] = []
      const options: ServeOptions<undefined> = {
        closeTimeoutMs: 30,
        close: (_, { code, wasClean }) => results.push(`${code} ${wasClean}`),
      }
      await withServer(network, options, async (server, connect) => {
        const peer = connect(handshakeRequest())
        await peer.head()
        await server.close()
        assert.deepEqual(results, ['1006 false'])
      })
    })

    it('rejects where the port is taken', async () => {
      await withServer(network, {}, async (server) => {
        await assert.rejects(startServer({ port: server.port }, network.serverPorts), { code: 'EADDRINUSE' })
      })
    })
  })

  describe(`serve over ${network.name}: what peers do wrong`, () => {
    it('goes to error with its code, the connection closes, and the others live on', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        message: (socket, message) => socket.send(message),
        error: (socket, error) => errors.push(`${socket === undefined} ${(error as ProtocolError).code}`),
      }
      await withServer(network, options, async (_, connect) => {
        const bystander = connect(handshakeRequest())
        await bystander.head()
        const peer = connect(handshakeRequest(), fromHex('83'))
        await peer.otherSideEnded
        assert.match(peer.frames[0]!, /^8 03ea/)
        assert.deepEqual(errors, ['false reservedOpcode'])
        bystander.send(text('still here'))
        assert.deepEqual(await bystander.framesOf(1), [`1 ${hex('still here')}`])
      })
    })

    it('never ends the process where no handler listens', async () => {
      await withServer(network, {}, async (server, connect) => {
        for (const bytes of ['83', 'c1', '8100', '88817b7b7b7b7b', 'ffffffffffff']) {
          const peer = connect(handshakeRequest(), fromHex(bytes))
          await peer.otherSideEnded
        }
        const reset = connect(handshakeRequest())
        await reset.head()
        reset.destroy()
        while (server.connections.size > 0) {
          await new Promise((resolve) => setImmediate(resolve))
          for (const socket of server.connections) socket.terminate()
        }
      })
    })
  })
}

describe('serve: options', () => {
  it('refuses each wrong value and each unknown name with a sentence that names it', async () => {
    const { serverPorts } = networks[0]!
    const wrong: readonly [name: string, value: unknown][] = [
      ['port', -1],
      ['port', 65_536],
      ['port', '8080'],
      ['host', ''],
      ['tls', {}],
      ['origin', 'https://one.example'],
      ['whenBufferFull', 'explode'],
      ['maxMessageBytes', 0],
      ['maxMessageBytes', 2 ** 29],
      ['handshakeTimeoutMs', Number.NaN],
      ['maxHeadBytes', 1.5],
      ['maxHeaderFields', -1],
      ['closeTimeoutMs', '1s'],
      ['highWaterMarkBytes', null],
      ['maxBufferedBytes', Number.POSITIVE_INFINITY],
      ['message', 'echo'],
      ['onmessage', () => {}],
      ['toString', 1],
    ]
    for (const [name, value] of wrong) {
      await assert.rejects(startServer({ [name]: value }, serverPorts), (error) => {
        assert.ok(error instanceof UsageError)
        assert.equal(error.code, 'optionInvalid')
        assert.match(error.message, new RegExp(name))
        return true
      })
    }
  })

  it('has HandshakeErrors for refusals that the standard names', () => {
    assert.ok(new HandshakeError('originForbidden').message.includes('§10.2'))
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import {
  HandshakeError,
  type ProtocolError,
  type RequestViolationCode,
  TransportError,
  UsageError,
  violations,
} from '../core/errors.js'
import type { ServeOptions } from './handler-types.js'
import { startServer } from './listening-server.js'
import type { Server, ServerSocket } from './server-types.js'

const text = (payload: string, fin = true): Uint8Array => frame({ opcode: 1, payload, fin, masked: true })
const closeFrame = (payload = '03e8'): Uint8Array => frame({ opcode: 8, payload: fromHex(payload), masked: true })
const hex = (payload: string): string => toHex(utf8(payload))

/** A time limit that a test waits for, in which a request arrives also on a busy machine. */
const longEnoughMs = 400

/** Lets everything have its turn that waits for one. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
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

    it('delivers a message whole, whatever its length and however it arrives', async () => {
      const lengths = [0, 1, 125, 126, 65_535, 65_536, 300_000, 1 << 20]
      const seen: number[] = []
      const options: ServeOptions<undefined> = {
        message(socket, message) {
          assert.ok(message instanceof Uint8Array)
          assert.ok(message.every((byte, index) => byte === (index * 31) % 256))
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
          await peer.inputEnded
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
        while (answers.length === 0) await nextTurn()
        assert.equal(isDrained, false)
        peer.resume()
        await peer.until(() => isDrained)
        assert.equal(answers[0], 'sent')
        assert.equal(answers.at(-1), 'closed')
      })
    })

    it('drops messages if too many bytes wait and the option says so, and reports it', async () => {
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
        while (answer === '') await nextTurn()
        assert.equal(answer, 'dropped')
      })
    })

    it('throws a UsageError for a value that is no message, and goes on', async () => {
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
    it('accepts with data, subprotocol and header fields, now or by promise', async () => {
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
          // The bytes behind the request wait for the decision.
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
          await peer.inputEnded
          assert.match(peer.text, /^HTTP\/1\.1 401 /)
          assert.match(peer.text, /^www-authenticate: Basic\r$/im)
          assert.match(peer.text, /\r\n\r\nno ticket$/)
          assert.equal(server.connections.size, 0)
        })
      }
    })

    it('answers 500 if the handler throws, rejects, or returns an invalid value, and calls error', async () => {
      const faults: readonly NonNullable<ServeOptions<unknown>['upgrade']>[] = [
        () => {
          throw new Error('boom')
        },
        () => Promise.reject(new Error('boom')),
        () => ({ protocol: 'not a token: boom' }),
        () => ({ protocol: 5 as unknown as string }),
        () => ({ headers: { 'X-Wrong': 'boom\r\nSet-Cookie: a=b' } }),
        () => ({ status: 99, body: 'boom' }),
        () => {
          throw Object.create(null)
        },
      ]
      for (const upgrade of faults) {
        const errors: unknown[] = []
        const options: ServeOptions<unknown> = { upgrade, error: (socket, error) => errors.push(socket, error.message) }
        await withServer(network, options, async (_, connect) => {
          const peer = connect(handshakeRequest())
          await peer.inputEnded
          assert.match(peer.text, /^HTTP\/1\.1 500 /)
          assert.doesNotMatch(peer.text, /Set-Cookie|boom/)
          assert.equal(errors.length, 2)
          assert.equal(errors[0], undefined)
        })
      }
    })

    it('accepts no client for a value that is no answer', async () => {
      for (const value of [false, true, 0, 'no', null]) {
        for (const upgrade of [() => value, async () => value]) {
          const errors: string[] = []
          const options = { upgrade, error: (_: unknown, error: Error) => errors.push(error.name) }
          await withServer(network, options as unknown as ServeOptions<undefined>, async (_, connect) => {
            assert.match(await connect(handshakeRequest()).head(), /^HTTP\/1\.1 500 /)
            assert.deepEqual(errors, ['UsageError'])
          })
        }
      }
    })

    it('ends a refusal whose body never ends in time, and reports an error that comes later', async () => {
      const endless = new Response(new ReadableStream({}), { status: 403 })
      const errors: string[] = []
      let failLate: (error: Error) => void = () => undefined
      const options: ServeOptions<undefined> = {
        handshakeTimeoutMs: longEnoughMs,
        upgrade({ url }) {
          if (url.endsWith('/endless')) return endless
          return new Promise((_, reject) => (failLate = reject))
        },
        error: (_, error) => errors.push(error.message),
      }
      await withServer(network, options, async (_, connect) => {
        assert.match(await connect(handshakeRequest('/endless')).head(), /^HTTP\/1\.1 503 /)
        assert.match(await connect(handshakeRequest('/late')).head(), /^HTTP\/1\.1 503 /)
        failLate(new Error('too late'))
        while (errors.length === 0) await nextTurn()
        assert.deepEqual(errors, ['too late'])
      })
    })

    it('reports an acceptance that comes after the 503, and a late refusal that can not be sent, but no other', async () => {
      const errors: unknown[] = []
      const late = {
        '/accepted': {},
        '/empty': undefined,
        '/refused': { status: 401 },
        '/unsendable': { status: 9999 },
      }
      const settleOf = new Map<string, (answer: object | undefined) => void>()
      const options: ServeOptions<undefined> = {
        handshakeTimeoutMs: longEnoughMs,
        upgrade: ({ url }) =>
          new Promise((settle) => settleOf.set(new URL(url).pathname, settle as (answer: object | undefined) => void)),
        error: (_, error) => errors.push((error as { readonly code?: string }).code),
      }
      await withServer(network, options, async (_, connect) => {
        const peers = Object.keys(late).map((path) => connect(handshakeRequest(path)))
        for (const peer of peers) assert.match(await peer.head(), /^HTTP\/1\.1 503 /)
        for (const [path, answer] of Object.entries(late)) settleOf.get(path)!(answer)
        while (errors.length < 3) await nextTurn()
        await nextTurn()
        assert.deepEqual(errors, ['upgradeTooLate', 'upgradeTooLate', 'optionInvalid'])
      })
    })

    it('reports no acceptance of a client that has left', async () => {
      const errors: unknown[] = []
      let accept: (answer: undefined) => void = () => {}
      const options: ServeOptions<undefined> = {
        upgrade: () => new Promise((resolve) => (accept = resolve)),
        error: (_, error) => errors.push(error),
      }
      await withServer(network, options, async (server, connect) => {
        const peer = connect(handshakeRequest())
        while (server.metrics().handshakesWaiting === 0) await nextTurn()
        peer.destroy()
        while (server.metrics().handshakesLeft === 0) await nextTurn()
        accept(undefined)
        await nextTurn()
        assert.deepEqual(errors, [])
      })
    })

    it('answers 503 if the handler does not decide in time', async () => {
      const options: ServeOptions<undefined> = {
        handshakeTimeoutMs: longEnoughMs,
        upgrade: () => new Promise(() => {}),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(handshakeRequest())
        await peer.inputEnded
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
        while (decide.length === 0) await nextTurn()
        peer.destroy()
        await peer.gone
        await new Promise((resolve) => setTimeout(resolve, 20))
        decide(undefined)
        const other = connect(handshakeRequest())
        while (server.connections.size > 0) await nextTurn()
        decide(undefined)
        other.destroy()
      })
      assert.ok(closed.length <= 2)
    })

    it('accepts pages of its own host, and others only if the option allows them, §10.2', async () => {
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
        await peer.inputEnded
        assert.match(peer.text, /^HTTP\/1\.1 426 /)
        assert.match(peer.text, /^Upgrade: websocket\r$/im)
      })
      const options: ServeOptions<undefined> = {
        request: ({ method, url }) => new Response(`${method} ${new URL(url).pathname}`, { headers: { 'X-A': 'b' } }),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(utf8('GET /page?x HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        await peer.inputEnded
        assert.match(peer.text, /^HTTP\/1\.1 200 /)
        assert.match(peer.text, /\r\n\r\nGET \/page$/)
      })
    })

    it('are answered as such with an Upgrade to another protocol, RFC 9110 §7.8', async () => {
      await withServer(network, { request: () => ({ status: 200, body: 'page' }) }, async (_, connect) => {
        const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'
        const peer = connect(utf8(request))
        assert.match(await peer.head(), /^HTTP\/1\.1 200 /)
      })
      // An answer that can't be written does no harm either.
      const errors: string[] = []
      const wrong: ServeOptions<undefined> = {
        request: () => ({ status: 99 }),
        error: (_, error) => errors.push(error.name),
      }
      await withServer(network, wrong, async (_, connect) => {
        const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'
        assert.match(await connect(utf8(request)).head(), /^HTTP\/1\.1 500 /)
        assert.deepEqual(errors, ['UsageError'])
      })
    })

    it('and handshakes are answered without a body to HEAD, whatever the answer is, RFC 9110 §9.3.2', async () => {
      const answers: readonly ServeOptions<undefined>['request'][] = [
        undefined,
        () => ({ status: 200, body: 'page' }),
        () => ({ status: 99 }),
      ]
      const requests = [
        'HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n',
        'HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
        'HEAD * HTTP/1.1\r\nHost: localhost\r\n\r\n',
        'HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n',
        Buffer.from(handshakeRequest()).toString().replace('GET', 'HEAD'),
      ]
      for (const request of answers) {
        const options = { error() {}, ...(request === undefined ? {} : { request }) }
        await withServer(network, options, async (_, connect) => {
          for (const asked of requests) {
            const peer = connect(utf8(asked))
            await peer.inputEnded
            assert.match(peer.text, /^HTTP\/1\.1 [2-5][0-9]{2} [\s\S]*Content-Length: [0-9]+\r\n[\s\S]*\r\n\r\n$/)
            assert.equal(peer.text.split('\r\n\r\n').length, 2, peer.text)
          }
        })
      }
    })

    it('and handshakes are for the host of an absolute target, not for the Host field, RFC 9112 §3.2.2', async () => {
      const urls: string[] = []
      const options: ServeOptions<undefined> = {
        request: ({ url }) => {
          urls.push(url)
          return { status: 200 }
        },
        upgrade: ({ url }) => {
          urls.push(url)
          return undefined
        },
      }
      const rows = [
        ['http://localhost:1/a', 'evil.example', 200],
        ['http://evil.example/a', 'localhost', 421],
      ] as const
      await withServer(network, options, async (_, connect) => {
        for (const [target, host, status] of rows) {
          const plain = connect(utf8(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
          assert.match(await plain.head(), new RegExp(`^HTTP/1.1 ${status} `), target)
          const request = Buffer.from(handshakeRequest(target, 'Origin: http://evil.example')).toString()
          const own = request.replace('Host: localhost', `Host: ${host}`)
          // The page of the Host field is a foreign one.
          assert.match(await connect(utf8(own)).head(), new RegExp(`^HTTP/1.1 ${status === 200 ? 403 : 421} `), target)
          const native = connect(utf8(own.replace(/Origin.*\r\n/, '')))
          assert.match(await native.head(), new RegExp(`^HTTP/1.1 ${status === 200 ? 101 : 421} `), target)
        }
        assert.deepEqual(
          urls.map((url) => url.replace(/^[a-z]+/, '')),
          ['://localhost:1/a', '://localhost:1/a'],
        )
      })
    })

    it('and handshakes that expect a 100 get it, the latter before the 101, RFC 9110 §7.8', async () => {
      await withServer(network, {}, async (_, connect) => {
        const peer = connect(handshakeRequest('/', 'Expect: 100-continue'))
        await peer.until(() => peer.text.includes(' 101 '))
        assert.match(peer.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 101 /)
        const refused = connect(handshakeRequest('/', 'Expect: 100-continue', 'Origin: https://evil.example'))
        assert.match(await refused.head(), /^HTTP\/1\.1 403 /)
      })
    })

    it('leave room for handshakes however many of them wait, with an Upgrade to another protocol or without', async () => {
      const options: ServeOptions<undefined> = {
        maxConnections: 3,
        maxRequests: 20,
        request: () => new Promise(() => {}),
      }
      await withServer(network, options, async (server, connect) => {
        const offers = ['', 'Connection: Upgrade\r\nUpgrade: x\r\n']
        const peers = Array.from({ length: 30 }, (_, at) =>
          connect(utf8(`GET / HTTP/1.1\r\nHost: localhost\r\n${offers[at % 2]}\r\n`)),
        )
        const over = peers.slice(20)
        for (const peer of over) assert.match(await peer.head(), /^HTTP\/1\.1 503 [\s\S]*Retry-After/)
        for (let count = 0; count < 3; count += 1) {
          assert.match(await connect(handshakeRequest()).head(), /^HTTP\/1\.1 101 /)
        }
        assert.deepEqual(server.metrics().limits, { maxRequests: 10 })
      })
    })

    it('that are not answered yet let no handshake pass that came behind them', async () => {
      let answer: (answer: { status: number; body: string }) => void = () => {}
      let isAsked = false
      const options: ServeOptions<undefined> = {
        request() {
          isAsked = true
          return new Promise((resolve) => (answer = resolve))
        },
        open: (socket) => socket.send('too early'),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), handshakeRequest())
        while (!isAsked) await nextTurn()
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        answer({ status: 200, body: 'page' })
        await peer.inputEnded
        assert.match(peer.text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\npage$/)
      })
    })

    it('are answered 500 if the handler fails, and error is called', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        request: () => Promise.reject(new Error('boom')),
        error: (_, error) => errors.push(error.message),
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
        await peer.inputEnded
        assert.match(peer.text, /^HTTP\/1\.1 500 /)
        assert.deepEqual(errors, ['boom'])
      })
    })

    it('that were meant as handshakes are told what they lack, though there is a handler', async () => {
      await withServer(network, { request: () => ({ status: 200, body: 'page' }) }, async (_, connect) => {
        const request = new TextDecoder().decode(handshakeRequest()).replace('Connection: Upgrade\r\n', '')
        const peer = connect(utf8(request))
        await peer.inputEnded
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
      requestHeadTooLong: [withLine(`X-Long: ${'x'.repeat(17_000)}`), withLine('X-Many: x\r\n'.repeat(1001).trim())],
      methodNotGet: [request.replace('GET', 'POST'), request.replace('GET', 'PUT')],
      httpVersionTooOld: [request.replace('HTTP/1.1', 'HTTP/1.0')],
      targetInvalid: [request.replace('GET /', 'GET /#fragment'), request.replace('GET /', 'GET ftp://localhost/')],
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
      forwardedMalformed: [withLine('Forwarded: for="192.0.2.1'), withLine(`X-Forwarded-For: ${'::1,'.repeat(65)}`)],
      forwardedConflict: [withLine('Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.2')],
      hostForbidden: [
        request.replace('Host: localhost', 'Host: evil.example'),
        request.replace('Host: localhost', 'Host: localhost.evil.example:8080'),
      ],
      originForbidden: [withLine('Origin: https://evil.example')],
    }
    for (const [code, requests] of Object.entries(broken)) {
      const { status, section } = violations[code as RequestViolationCode]
      it(`are answered ${status}: ${code}, §${section}`, async () => {
        await withServer(network, { trustedProxies: 1 }, async (server, connect) => {
          for (const bytes of requests) {
            const peer = connect(utf8(bytes))
            await peer.inputEnded
            assert.equal(peer.text.slice(0, 13), `HTTP/1.1 ${status} `, `${bytes}\n${peer.text}`)
            if (status === 426) assert.match(peer.text, /^Sec-WebSocket-Version: 13\r$/m)
            if (status === 405) assert.match(peer.text, /^Allow: GET\r$/m)
          }
          assert.equal(server.connections.size, 0)
        })
      })
    }
  })

  describe(`serve over ${network.name}: its defaults`, () => {
    it('answers only to loopback names on a loopback address, also to plain requests', async () => {
      const rows: readonly [host: string, option: ServeOptions<undefined>['hosts'], status: number][] = [
        ['localhost:8080', undefined, 200],
        ['app.localhost', undefined, 200],
        ['127.0.0.1', undefined, 200],
        ['[::1]:80', undefined, 200],
        ['LocalHost:8080', undefined, 200],
        ['localhost:', undefined, 200],
        ['localhost.:8080', undefined, 200],
        ['app.localhost.', undefined, 200],
        ['evil.example', undefined, 421],
        ['127.0.0.1.evil.example', undefined, 421],
        ['example.com:443', ['example.com'], 200],
        ['Example.com', ['eXample.com'], 200],
        ['example.com.', ['example.com'], 200],
        ['Example.com.:443', ['example.com'], 200],
        ['example.com', ['example.com.'], 200],
        ['example.com.', ['example.com.'], 200],
        ['example.com..', ['example.com'], 421],
        ['example.com.evil.example', ['example.com.'], 421],
        ['.', ['example.com'], 421],
        ['evil.example.', ['example.com'], 421],
        ['evil.example', ['example.com'], 421],
        ['evil.example', 'any', 200],
      ]
      for (const [host, hosts, status] of rows) {
        await withServer(network, { hosts, request: () => ({ status: 200 }) }, async (_, connect) => {
          const plain = connect(utf8(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`))
          assert.match(await plain.head(), new RegExp(`^HTTP/1.1 ${status} `), host)
          const request = utf8(new TextDecoder().decode(handshakeRequest()).replace('localhost', host))
          const upgrade = connect(request)
          assert.match(await upgrade.head(), new RegExp(`^HTTP/1.1 ${status === 200 ? 101 : status} `), host)
        })
      }
    })

    it('accepts maxConnections, counting those it has not decided on, and answers 503 to more until one goes', async () => {
      const asked: string[] = []
      let decide: (answer: undefined) => void = () => {}
      const options: ServeOptions<undefined> = {
        maxConnections: 2,
        upgrade({ url }) {
          asked.push(url)
          return url.endsWith('/slow') ? new Promise<undefined>((resolve) => (decide = resolve)) : undefined
        },
      }
      await withServer(network, options, async (server, connect) => {
        const first = connect(handshakeRequest())
        await first.head()
        const slow = connect(handshakeRequest('/slow'))
        while (asked.length < 2) await nextTurn()
        const refused = connect(handshakeRequest())
        assert.match(await refused.head(), /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+/)
        decide(undefined)
        assert.match(await slow.head(), /^HTTP\/1\.1 101 /)
        first.send(closeFrame())
        await first.inputEnded
        first.end()
        while (server.connections.size > 1) await nextTurn()
        assert.match(await connect(handshakeRequest()).head(), /^HTTP\/1\.1 101 /)
      })
    })

    it('lets drained() wait for a peer that does not read, and rejects it if the connection ends', async () => {
      const log: string[] = []
      const options: ServeOptions<undefined> = {
        maxBufferedBytes: 1 << 30,
        async open(socket) {
          await socket.drained()
          log.push('nothing waits')
          for (let count = 0; count < 32; count++) socket.send(new Uint8Array(1 << 20))
          await socket.drained().catch((error) => log.push(error.name))
          await assert.rejects(socket.drained(), TransportError)
          log.push('closed')
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect()
        peer.pause()
        peer.send(handshakeRequest())
        while (log.length === 0) await nextTurn()
        peer.destroy()
        while (log.length < 3) await nextTurn()
        assert.deepEqual(log, ['nothing waits', 'TransportError', 'closed'])
      })
    })

    it('sends no more to slow peers that are above the limit together, but to all others', async () => {
      const answers: string[] = []
      const options: ServeOptions<undefined> = {
        maxBufferedBytes: 1 << 30,
        maxTotalBufferedBytes: 40 << 20,
        whenBufferFull: 'drop',
        open(socket) {
          if (!socket.request.url.endsWith('/lags')) return
          for (let count = 0; count < 24; count++) answers.push(socket.send(new Uint8Array(1 << 20)))
        },
        message: (socket, message) => socket.send(message),
      }
      await withServer(network, options, async (_, connect) => {
        for (let count = 1; count <= 4; count++) {
          const peer = connect()
          peer.pause()
          peer.send(handshakeRequest('/lags'))
          while (answers.length < count * 24) await nextTurn()
        }
        assert.ok(!answers.slice(0, 24).includes('dropped'))
        assert.equal(answers.at(-1), 'dropped')
        const other = connect(handshakeRequest(), text('still here'))
        assert.deepEqual(await other.framesOf(1), [`1 ${hex('still here')}`])
      })
    })

    it('reads no further from a peer that does not take the answers, and goes on when it does', async () => {
      let taken = 0
      const options: ServeOptions<undefined> = {
        message(socket) {
          taken += 1
          socket.send(new Uint8Array(1 << 20))
        },
      }
      await withServer(network, options, async (_, connect) => {
        const peer = connect(handshakeRequest())
        await peer.head()
        peer.pause()
        for (let count = 0; count < 40; count++) peer.send(text('more'))
        while (taken === 0) await nextTurn()
        for (let turn = 0; turn < 200; turn++) await nextTurn()
        assert.ok(taken < 40, `${taken} were taken`)
        peer.resume()
        await peer.until(() => peer.receivedBytes >= 40 << 20)
        assert.equal(taken, 40)
      })
    })
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
          await peer.inputEnded
          peer.end()
        }
        await closing
        assert.deepEqual(results, ['1001 true', '1001 true'])
        assert.equal(server.connections.size, 0)
        const again = await startServer({ port }, network.serverPorts)
        await again.close()
      })
    })

    it('is not ready after notReady, and accepts clients as before', async () => {
      const options: ServeOptions<undefined> = { request: () => ({ status: 200 }) }
      await withServer(network, options, async (server, connect) => {
        server.notReady()
        server.notReady()
        assert.equal(server.isReady, false)
        assert.match(await connect(handshakeRequest()).head(), /^HTTP\/1\.1 101 /)
        assert.equal(server.connections.size, 1)
        assert.match(await connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')).head(), /^HTTP\/1\.1 200 /)
      })
    })

    it('stops listening before it drains, and refuses no client that was connected by then', async () => {
      const results: string[] = []
      let accept: (answer: undefined) => void = () => {}
      let asked = (): void => {}
      const isAsked = new Promise<void>((resolve) => (asked = resolve))
      const options: ServeOptions<undefined> = {
        upgrade({ url }) {
          if (!url.endsWith('/undecided')) return undefined
          asked()
          return new Promise((resolve) => (accept = resolve))
        },
        close: (_, { code, wasClean }) => results.push(`${code} ${wasClean}`),
        request: () => ({ status: 200 }),
        closeTimeoutMs: 20_000,
      }
      await withServer(network, options, async (server, connect) => {
        const whole = handshakeRequest()
        const held = connect(whole)
        await held.head()
        const [early, plain] = [connect(whole.subarray(0, 40)), connect(utf8('GET / HTTP/1.1\r\n'))]
        const undecided = connect(handshakeRequest('/undecided'))
        await isAsked
        const { port } = server
        const drained = server.drain({ withinMs: 1500, stopListening: true })
        assert.equal(server.isReady, false)
        let successor: Server<undefined> | undefined
        while (successor === undefined) {
          await nextTurn()
          successor = await startServer<undefined>({ port }, network.serverPorts).catch(() => undefined)
        }
        early.send(whole.subarray(40))
        plain.send(utf8('Host: localhost\r\n\r\n'))
        accept(undefined)
        assert.match(await plain.head(), /^HTTP\/1\.1 200 /)
        for (const peer of [early, undecided]) assert.match(await peer.head(), /^HTTP\/1\.1 101 /)
        const reason = hex('the server is restarting')
        // Together, as each is closed at a moment of its own and must answer in time.
        const close = async (peer: RawPeer): Promise<void> => {
          assert.deepEqual(await peer.framesOf(1), [`8 03f4${reason}`])
          peer.send(closeFrame('03f4'))
          await peer.inputEnded
          peer.end()
        }
        await Promise.all([held, early, undecided].map(close))
        await drained
        assert.deepEqual(results, ['1012 true', '1012 true', '1012 true'])
        await successor.close()
      })
    })

    it('drains: accepts no client, delivers sent messages, closes each connection with 1012, and goes on with plain requests', async () => {
      const results: string[] = []
      const options: ServeOptions<undefined> = {
        close: (_, { code, wasClean }) => results.push(`${code} ${wasClean}`),
        request: () => ({ status: 200 }),
      }
      await withServer(network, options, async (server, connect) => {
        const peers = [connect(handshakeRequest()), connect(handshakeRequest()), connect(handshakeRequest())]
        for (const peer of peers) await peer.head()
        for (const socket of server.connections) socket.send('last words')
        assert.equal(server.isReady, true)
        const drained = server.drain({ withinMs: 30 })
        assert.equal(server.isReady, false)
        assert.match(await connect(handshakeRequest()).head(), /^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+/)
        const reason = hex('the server is restarting')
        for (const peer of peers) {
          assert.deepEqual(await peer.framesOf(2), [`1 ${hex('last words')}`, `8 03f4${reason}`])
          peer.send(closeFrame('03f4'))
          await peer.inputEnded
          peer.end()
        }
        await drained
        assert.deepEqual(results, ['1012 true', '1012 true', '1012 true'])
        assert.match(await connect(utf8('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')).head(), /^HTTP\/1\.1 200 /)
        for (const withinMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
          await assert.rejects(server.drain({ withinMs }), UsageError)
        }
      })
    })

    it('answers 503 to handshakes that upgrade has not decided on, without waiting', async () => {
      let isAsked = false
      const options: ServeOptions<undefined> = {
        upgrade() {
          isAsked = true
          return new Promise(() => {})
        },
      }
      await withServer(network, options, async (server, connect) => {
        const peer = connect(handshakeRequest())
        while (!isAsked) await nextTurn()
        const closing = server.close()
        assert.match(await peer.head(), /^HTTP\/1\.1 503 /)
        peer.end()
        await closing
      })
    })

    it('ends even if a handler sent more than the peer reads and then closed, threw or terminated', async () => {
      for (const act of [
        (socket: ServerSocket) => socket.close(1000),
        (socket: ServerSocket) => socket.terminate(),
        () => {
          throw new Error('boom')
        },
      ]) {
        const options: ServeOptions<undefined> = {
          message(socket) {
            socket.send(new Uint8Array(16 << 20))
            act(socket)
          },
          error() {},
        }
        await withServer(network, options, async (server, connect) => {
          const peer = connect(handshakeRequest(), text('go'))
          await peer.inputEnded
          peer.send(closeFrame())
          peer.end()
          while (server.connections.size > 0) await nextTurn()
        })
      }
    })

    it('drops a peer that does not answer within closeTimeoutMs', async () => {
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

    it('rejects if the port is taken', async () => {
      await withServer(network, {}, async (server) => {
        await assert.rejects(startServer({ port: server.port }, network.serverPorts), {
          code: 'EADDRINUSE',
          message: /in use.*: choose another port, or 0 for a free one$/,
        })
      })
    })
  })

  describe(`serve over ${network.name}: errors of peers`, () => {
    it('are reported to error with their code; the connection closes, and the others live on', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        message: (socket, message) => socket.send(message),
        error: (socket, error) => errors.push(`${socket === undefined} ${(error as ProtocolError).code}`),
      }
      await withServer(network, options, async (_, connect) => {
        const bystander = connect(handshakeRequest())
        await bystander.head()
        const peer = connect(handshakeRequest(), fromHex('83'))
        await peer.inputEnded
        assert.match(peer.frames[0]!, /^8 03ea/)
        assert.deepEqual(errors, ['false reservedOpcode'])
        bystander.send(text('still here'))
        assert.deepEqual(await bystander.framesOf(1), [`1 ${hex('still here')}`])
      })
    })

    it('never ends the process if there is no error handler', async () => {
      await withServer(network, {}, async (server, connect) => {
        for (const bytes of ['83', 'c1', '8100', '88817b7b7b7b7b', 'ffffffffffff']) {
          const peer = connect(handshakeRequest(), fromHex(bytes))
          await peer.inputEnded
        }
        const reset = connect(handshakeRequest())
        await reset.head()
        reset.destroy()
        while (server.connections.size > 0) {
          await nextTurn()
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
      ['tls', { cert: 'PEM', passphrase: 'a' }],
      ['origin', 'https://one.example'],
      ['origin', [new URL('https://one.example')]],
      ['hosts', ['one.example', null]],
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

  it('reports refusals that the standard names as HandshakeErrors', () => {
    assert.ok(new HandshakeError('originForbidden').message.includes('§10.2'))
  })
})

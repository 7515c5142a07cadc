import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Connector, TlsClientOptions } from '../../../twoway/dist/ports/connector.js'
import type {
  HttpHost,
  HttpListener,
  HttpResponse,
  ListenOptions,
  TlsServerOptions,
} from '../../../twoway/dist/ports/http-host.js'
import type { Transport } from '../../../twoway/dist/ports/transport.js'
import { HttpClient } from '../harnesses/http-client.js'
import { RecordingHandler } from '../harnesses/recording-handler.js'
import { RecordingSink } from '../harnesses/recording-sink.js'

export interface HttpHostSubject {
  readonly host: HttpHost
  readonly connector: Connector
  readonly serverTls?: TlsServerOptions
  readonly clientTls?: TlsClientOptions
}

const handshake =
  'GET /chat?x=%20 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n'

/** A short time. */
const shortTimeMs = 60

/** The rules of the HTTP host port, for one implementation of it. */
export function httpHostContract(name: string, makeSubject: () => Promise<HttpHostSubject>): void {
  describe(`HTTP host: ${name}`, { timeout: 120_000 }, () => {
    async function listening(context: TestContext, options: Partial<ListenOptions> = {}) {
      const subject = await makeSubject()
      const handler = new RecordingHandler()
      const listenOptions: ListenOptions = {
        port: 0,
        host: '127.0.0.1',
        tls: subject.serverTls,
        handshakeTimeoutMs: 20_000,
        maxHeadBytes: 2048,
        maxHeaderFields: 10,
        maxRequests: 100,
        requestTimeoutMs: 20_000,
        ...options,
      }
      const listener = await subject.host.listen(listenOptions, handler)
      context.after(() => listener.close())
      // A host does not keep the process alive for a client; the client's socket does. A network in memory has no socket.
      const alive = setTimeout(() => {}, 20_000)
      context.after(() => clearTimeout(alive))
      const open = (): HttpClient => {
        const transport = subject.connector.connect({ host: '127.0.0.1', port: listener.port, tls: subject.clientTls })
        context.after(() => transport.destroy())
        return new HttpClient(transport)
      }
      return { subject, handler, listener, listenOptions, open }
    }

    test('chooses a free port if the port is 0', async (context) => {
      const { listener } = await listening(context)
      assert.ok(listener.port > 0 && listener.port < 65_536)
      assert.equal(listener.address, '127.0.0.1')
    })

    test('passes on each of many like handshakes with its own target and key', async (context) => {
      const { handler, open } = await listening(context)
      for (let count = 10; count < 50; count += 1) {
        const key = Buffer.from(`sixteen bytes ${count}`).toString('base64')
        const target = `/room?id=${count}`
        const lines = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
        open().client.write(Buffer.from(`${handshake.replace('/chat?x=%20', target)}${lines}`))
        await handler.untilUpgrade(count - 9)
        const { head } = handler.upgrades.at(-1)!
        assert.deepEqual([head.target, head.fields.at(-1)], [target, key])
      }
      // Known by now.
      for (const key of ['AAAAAAAAAAAAAAAAAAAAAA==', 'AQIDBAUGBwgJCgsMDQ4PEA==']) {
        const lines = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
        const before = handler.upgrades.length
        for (let count = 0; count < 20; count += 1) open().client.write(Buffer.from(`${handshake}${lines}`))
        await handler.untilUpgrade(before + 20)
        for (const { head } of handler.upgrades.slice(before)) {
          assert.deepEqual([head.target, head.fields.at(-1)], ['/chat?x=%20', key])
        }
      }
    })

    test('rejects an address in use with the code EADDRINUSE', async (context) => {
      const { subject, handler, listener, listenOptions } = await listening(context)
      await assert.rejects(subject.host.listen({ ...listenOptions, port: listener.port }, handler), {
        code: 'EADDRINUSE',
      })
    })

    test('passes on a request with Upgrade, its head unchanged', async (context) => {
      const { handler, open } = await listening(context)
      const { client, sink } = open()
      client.write(Buffer.from(`${handshake}X-Twice: 1\r\nx-TWICE: \t two words \t\r\nX-Empty:\r\n\r\n`))
      await handler.untilUpgrade()
      const { head, transport } = handler.upgrades[0]!
      assert.deepEqual([head.method, head.target, head.version], ['GET', '/chat?x=%20', '1.1'])
      assert.deepEqual(
        [...head.fields],
        [
          ...['Host', 'example.com', 'Upgrade', 'websocket', 'Connection', 'keep-alive, Upgrade'],
          ...['X-Twice', '1', 'x-TWICE', 'two words', 'X-Empty', ''],
        ],
      )
      const serverSink = new RecordingSink()
      transport.start(serverSink)
      transport.write(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
      await sink.untilText('101')
      client.write(Buffer.from('frames'))
      await serverSink.untilText('frames')
      transport.end()
      client.end()
      await Promise.all([sink.untilCalled('closed'), serverSink.untilCalled('closed')])
      assert.deepEqual([sink.error, serverSink.error], [undefined, undefined])
    })

    test('keeps the bytes after the head until the transport is started', async (context) => {
      const { handler, open } = await listening(context)
      const { client } = open()
      client.write(Buffer.from(`${handshake}\r\nearly`))
      await handler.untilUpgrade()
      client.write(Buffer.from(' late'))
      const serverSink = new RecordingSink()
      handler.upgrades[0]!.transport.start(serverSink)
      assert.deepEqual(serverSink.calls, [])
      await serverSink.untilText('early late')
    })

    test('passes on a handshake that breaks other rules, for the core to refuse', async (context) => {
      const { handler, open } = await listening(context)
      for (const text of [
        handshake.replace('GET', 'POST'),
        handshake.replace('HTTP/1.1', 'HTTP/1.0'),
        handshake.replace('Host: example.com\r\n', ''),
        `${handshake}Host: other\r\n`,
        `${handshake}Content-Length: 3\r\n`,
        handshake.replace('websocket', 'h2c, WebSocket/13'),
      ]) {
        const upgraded = handler.upgrades.length
        open().client.write(Buffer.from(`${text}\r\n`))
        await new Promise<void>((resolve) => {
          handler.onUpgrade = resolve
        })
        assert.equal(handler.upgrades.length, upgraded + 1)
      }
      for (const { transport } of handler.upgrades) transport.destroy()
    })

    test('survives a reset before the transport is started', async (context) => {
      const { handler, open } = await listening(context)
      const { client } = open()
      client.write(Buffer.from(`${handshake}\r\nearly`))
      await handler.untilUpgrade()
      const { transport } = handler.upgrades[0]!
      transport.write(new Uint8Array(16 << 20))
      client.destroy()
      const serverSink = new RecordingSink()
      await new Promise((resolve) => setImmediate(resolve))
      transport.start(serverSink)
      await serverSink.until(() => serverSink.calls.some((call) => call === 'ended' || call === 'closed'))
    })

    test('answers a request with status, fields, length and body, and closes', async (context) => {
      const { handler, open } = await listening(context)
      const response = await open().exchange('GET /page HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.equal(response.status, 200)
      assert.equal(response.fields.get('x-a'), 'b')
      assert.equal(response.fields.get('content-length'), '6')
      assert.equal(response.body.toString('utf8'), 'héllo')
      const { head, peer } = handler.requests[0]!
      assert.deepEqual([head.method, head.target, head.version], ['GET', '/page', '1.1'])
      assert.equal(peer.encrypted, name.includes('https'))
    })

    test('answers a request with a body later, with bytes', async (context) => {
      const { handler, open } = await listening(context)
      handler.answer = async () => {
        await new Promise((resolve) => setTimeout(resolve, 5))
        return { status: 404, fields: [], body: Uint8Array.of(1, 2, 255) }
      }
      const response = await open().exchange('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody')
      assert.equal(response.status, 404)
      assert.deepEqual([...response.body], [1, 2, 255])
    })

    test('treats a request that offers another protocol as an ordinary one, RFC 9110 §7.8', async (context) => {
      const { handler, open } = await listening(context)
      for (const method of ['GET', 'POST', 'HEAD']) {
        const request = handshake.replace('websocket', 'h2c').replace('GET', method)
        const response = await open().exchange(`${request}\r\n`)
        assert.equal(response.status, 200)
        assert.equal(response.body.toString('utf8'), method === 'HEAD' ? '' : 'héllo')
      }
      assert.equal(handler.upgrades.length, 0)
    })

    test('answers 503 to requests above the limit, and still passes on handshakes', async (context) => {
      const { handler, open } = await listening(context, { maxRequests: 2 })
      handler.answer = () => new Promise(() => {})
      const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'
      for (const { client } of [open(), open()]) client.write(Buffer.from(request))
      while (handler.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
      const response = await open().exchange(request)
      assert.equal(response.status, 503)
      assert.equal(response.fields.get('retry-after'), '1')
      assert.deepEqual(handler.limits, ['maxRequests'])
      open().client.write(Buffer.from(`${handshake}\r\n`))
      await handler.untilUpgrade()
      handler.upgrades[0]!.transport.destroy()
    })

    test('answers 503 if the handler does not answer in time', async (context) => {
      const { handler, open } = await listening(context, { requestTimeoutMs: 60 })
      handler.answer = () => new Promise(() => {})
      const response = await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.equal(response.status, 503)
      assert.deepEqual(handler.limits, ['requestTimeoutMs'])
    })

    test('answers HEAD with the length and without the body, RFC 9110 §9.3.2', async (context) => {
      const { open } = await listening(context)
      const response = await open().exchange('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
      assert.equal(response.fields.get('content-length'), '6')
      assert.equal(response.body.length, 0)
    })

    test('answers only the first request of a connection', async (context) => {
      const { handler, open } = await listening(context)
      const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
      const response = await open().exchange(request.repeat(3))
      assert.equal(response.body.toString('utf8'), 'héllo')
      assert.equal(handler.requests.length, 1)
    })

    test('answers 500 if the handler throws, rejects or returns an invalid answer', async (context) => {
      const { handler, open } = await listening(context)
      for (const answer of [
        () => {
          throw new Error('thrown')
        },
        () => Promise.reject(new Error('rejected')),
        () => ({ status: 99, fields: [], body: '' }),
        () => ({ status: 200, fields: ['X-A', 'b\r\nX-Injected: c'], body: '' }),
        () => ({ status: 200, fields: ['Content-Length', '1000'], body: '' }),
        () => undefined as unknown as HttpResponse,
      ]) {
        handler.answer = answer
        const response = await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
        assert.equal(response.status, 500)
        assert.match(response.body.toString(), /failed to answer/)
      }
    })

    test('survives a client that disconnects before its answer', async (context) => {
      const { handler, open } = await listening(context)
      const { client } = open()
      const asked = new Promise<void>((resolve) => {
        handler.answer = async () => {
          resolve()
          await new Promise((done) => setTimeout(done, 20))
          return { status: 200, fields: [], body: 'x'.repeat(100_000) }
        }
      })
      client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      await asked
      client.destroy()
      await new Promise((resolve) => setTimeout(resolve, 40))
      handler.answer = () => ({ status: 200, fields: [], body: 'alive' })
      assert.equal((await open().exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).body.toString(), 'alive')
    })

    test('answers 400 with a sentence to bytes that are not HTTP, and closes', async (context) => {
      const { handler, open } = await listening(context)
      for (const text of ['garbage\r\n\r\n', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', 'GET / HTTP/1.1\r\n: a\r\n\r\n']) {
        const response = await open().exchange(text)
        assert.equal(response.status, 400)
        assert.match(response.body.toString(), /not well-formed HTTP/)
        assert.equal(response.fields.get('connection'), 'close')
      }
      assert.equal(handler.requests.length + handler.upgrades.length, 0)
    })

    test('answers 431 with a sentence to a head that is too long, complete or not', async (context) => {
      const { handler, open } = await listening(context)
      for (const end of ['\r\n\r\n', '']) {
        const response = await open().exchange(`${handshake}X-Long: ${'x'.repeat(3000)}${end}`)
        assert.equal(response.status, 431)
        assert.match(response.body.toString(), /longer than this server accepts/)
      }
      assert.equal(handler.upgrades.length, 0)
    })

    test('accepts the allowed number of fields, and answers 431 to one more', async (context) => {
      // Node gathers fields in batches of about 32.
      for (const maxHeaderFields of [5, 30, 31, 32, 33, 62, 64]) {
        const { handler, open } = await listening(context, { maxHeaderFields, maxHeadBytes: 16_384 })
        const fill = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: v\r\n`).join('')
        open().client.write(Buffer.from(`${handshake}${fill(maxHeaderFields - 3)}\r\n`))
        await handler.untilUpgrade()
        assert.equal(handler.upgrades[0]!.head.fields.length, 2 * maxHeaderFields)
        handler.upgrades[0]!.transport.destroy()
        for (const count of [maxHeaderFields - 2, maxHeaderFields + 60]) {
          const tooMany = await open().exchange(`${handshake}${fill(count)}\r\n`)
          assert.equal(tooMany.status, 431)
        }
        const tooManyOfPlain = await open().exchange(`GET / HTTP/1.1\r\nHost: a\r\n${fill(maxHeaderFields)}\r\n`)
        assert.equal(tooManyOfPlain.status, 431)
        assert.ok(handler.refusals.length > 0 && handler.refusals.every(({ status }) => status === 431))
        assert.equal(handler.upgrades.length + handler.requests.length, 1)
      }
    })

    test('answers 408 to a head that does not arrive in time, and closes', async (context) => {
      // On a busy machine the TLS handshake may take longer and gets no answer. The test then repeats with more time.
      for (let handshakeTimeoutMs = shortTimeMs; ; handshakeTimeoutMs *= 2) {
        const { handler, open } = await listening(context, { handshakeTimeoutMs })
        const answers = await Promise.all([open().exchange(handshake), open().exchange('')])
        if (answers.some(({ status }) => Number.isNaN(status))) continue
        for (const response of answers) {
          assert.equal(response.status, 408)
          assert.match(response.body.toString(), /within the time/)
        }
        assert.deepEqual(
          handler.refusals.map(({ status }) => status),
          [408, 408],
        )
        return
      }
    })

    test('ends the time of the handshake when it passes the request on', async (context) => {
      let handshakeTimeoutMs = shortTimeMs
      let taken: HttpClient | undefined
      let transport: Transport | undefined
      // On a busy machine the handshake itself may take longer. The test then repeats with more time.
      while (transport === undefined) {
        const { handler, open } = await listening(context, { handshakeTimeoutMs })
        taken = open()
        taken.client.write(Buffer.from(`${handshake}\r\n`))
        await Promise.race([handler.untilUpgrade(), taken.sink.until(() => taken!.sink.hasEnded)])
        transport = handler.upgrades[0]?.transport
        if (transport === undefined) handshakeTimeoutMs *= 2
      }
      const { sink } = taken!
      transport.start(new RecordingSink())
      await new Promise((resolve) => setTimeout(resolve, 2.5 * handshakeTimeoutMs))
      transport.write(Buffer.from('alive'))
      await sink.untilText('alive')
      transport.destroy()
    })

    test('drops a client that does not close after the answer', async (context) => {
      const { open } = await listening(context, { handshakeTimeoutMs: shortTimeMs })
      const { client, sink } = open()
      client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      await sink.until(() => sink.hasEnded)
      for (let count = 0; count < 200 && !sink.calls.includes('closed'); count += 1) {
        client.write(Buffer.from('x'))
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      assert.ok(sink.calls.includes('closed'))
    })

    test('frees the address on leave, and goes on with the connections that were accepted', async (context) => {
      const { handler, listener, listenOptions, subject, open } = await listening(context)
      const half = open()
      half.client.write(Buffer.from(handshake))
      const waiting = open()
      let answer: (response: HttpResponse) => void = () => {}
      const asked = new Promise<void>((resolve) => {
        handler.answer = () => {
          resolve()
          return new Promise((settle) => (answer = settle))
        }
      })
      waiting.client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      await asked
      let hasSettled = false
      const left = listener.leave().then(() => {
        hasSettled = true
      })
      const successor = new RecordingHandler()
      let again: HttpListener | undefined
      while (again === undefined) {
        await new Promise(setImmediate)
        again = await subject.host.listen({ ...listenOptions, port: listener.port }, successor).catch(() => undefined)
      }
      context.after(() => again.close())
      assert.equal(hasSettled, false)
      answer({ status: 204, fields: [], body: '' })
      await waiting.sink.until(() => waiting.sink.hasEnded)
      assert.match(waiting.sink.bytes.toString('latin1'), /^HTTP\/1\.1 204 /)
      half.client.write(Buffer.from('\r\n'))
      await handler.untilUpgrade()
      await left
      open().client.write(Buffer.from(`${handshake}\r\n`))
      await successor.untilUpgrade()
      assert.equal(handler.upgrades.length, 1)
      for (const { transport } of [...handler.upgrades, ...successor.upgrades]) transport.destroy()
    })

    test('has left once it is closed', async (context) => {
      const { listener, open } = await listening(context)
      const half = open()
      half.client.write(Buffer.from(handshake))
      const left = listener.leave()
      await listener.close()
      await left
    })

    test('frees the address on close, drops other connections and leaves WebSockets open', async (context) => {
      const { handler, listener, listenOptions, subject, open } = await listening(context)
      const webSocket = open()
      webSocket.client.write(Buffer.from(`${handshake}\r\n`))
      await handler.untilUpgrade()
      const { transport } = handler.upgrades[0]!
      const serverSink = new RecordingSink()
      transport.start(serverSink)
      const half = open()
      half.client.write(Buffer.from(handshake))
      const waiting = open()
      const asked = new Promise<void>((resolve) => {
        handler.answer = () => {
          resolve()
          return new Promise(() => {})
        }
      })
      waiting.client.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
      await asked

      await Promise.all([listener.close(), listener.close()])
      const again = await subject.host.listen({ ...listenOptions, port: listener.port }, new RecordingHandler())
      assert.equal(again.port, listener.port)
      for (const { sink } of [half, waiting]) {
        await sink.until(() => sink.calls.includes('ended') || sink.calls.includes('closed'))
      }
      transport.write(Buffer.from('alive'))
      webSocket.client.write(Buffer.from('too'))
      await Promise.all([webSocket.sink.untilText('alive'), serverSink.untilText('too')])
      await again.close()
      const refused = open()
      await refused.sink.untilCalled('closed')
      const { error } = refused.sink
      assert.match(String(error), new RegExp(`TransportError: can't connect to 127\\.0\\.0\\.1:${listener.port}: `))
      assert.ok(error?.cause instanceof Error && 'code' in error.cause)
      assert.equal(error.cause.code, 'ECONNREFUSED')
      transport.destroy()
    })
  })
}

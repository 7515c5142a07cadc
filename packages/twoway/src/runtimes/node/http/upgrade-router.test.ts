import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { crc32 } from 'node:zlib'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { AttachOptions, RequestHead } from '../../../ports/http-host.js'
import type { Transport } from '../../../ports/transport.js'
import { attachTo } from './http-attachment.js'

type App = (request: IncomingMessage, response: ServerResponse) => void

/** Tells what came of a request, once its body has come. */
const reports: App = async (request, response) => {
  let bytes = 0
  let sum = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      sum = crc32(chunk, sum)
    }
  } catch {
    return
  }
  const { method, url, headers, rawHeaders, rawTrailers } = request
  const at = rawHeaders.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'upgrade')
  const upgrade = at < 0 ? 'none' : `${rawHeaders[at]}: ${rawHeaders[at + 1]}`
  response.setHeader('X-Seen', `${method} ${url} ${headers.upgrade ?? 'none'}; ${upgrade}; ${rawTrailers.join(' ')}`)
  response.end(`${bytes} bytes, ${sum}`)
}

const route = {
  order: [0],
  key: '/ours',
  name: 'for the path /ours',
  wants: ({ target }: RequestHead) => target === '/ours',
}
const limits: AttachOptions = { route, handshakeTimeoutMs: 20_000, maxHeadBytes: 16_384, maxHeaderFields: 100 }

type Kind = 'http' | 'https' | 'http2'
const kinds: readonly Kind[] = ['http', 'https', 'http2']

async function listening(context: TestContext, kind: Kind, app: App = reports): Promise<HttpServer> {
  const identity = await selfSignedCertificate()
  const server =
    kind === 'http'
      ? createServer(app)
      : kind === 'https'
        ? createTlsServer(identity, app)
        : (createSecureServer({ ...identity, allowHTTP1: true }, app as never) as unknown as HttpServer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  for (const event of ['connection', 'secureConnection']) server.on(event, (socket: Socket) => sockets.add(socket))
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return server
}

/** Attaches what answers handshakes with 101 and gives them to `taken`. */
function attached(context: TestContext, server: HttpServer, options: Partial<AttachOptions> = {}) {
  const taken: { readonly head: RequestHead; readonly transport: Transport }[] = []
  const refused: number[] = []
  const listener = attachTo(server)(
    { ...limits, ...options },
    {
      upgrade(head, transport) {
        taken.push({ head, transport })
        transport.start({ received() {}, drained() {}, ended: () => transport.destroy(), closed() {} })
        transport.write(Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
        context.after(() => transport.destroy())
      },
      request: () => assert.fail('plain requests are the app’s'),
      dropped: () => {},
      refused: ({ status }) => refused.push(status),
      limited() {},
      failed() {},
    },
  )
  context.after(() => listener.close())
  return { taken, refused }
}

/** One connection, and what came on it. */
class Client {
  readonly socket: Socket
  #text = ''
  #hasEnded = false
  #tell = (): void => {}

  constructor(context: TestContext, server: HttpServer, kind: Kind) {
    const { port } = server.address() as AddressInfo
    this.socket =
      kind === 'http'
        ? connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    this.socket.on('error', () => {})
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text
      this.#tell()
    })
    for (const event of ['end', 'close']) {
      this.socket.on(event, () => {
        this.#hasEnded = true
        this.#tell()
      })
    }
    context.after(() => this.socket.destroy())
  }

  get text(): string {
    return this.#text
  }

  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#text)) {
      if (this.#hasEnded) assert.fail(`it ended after ${JSON.stringify(this.#text)}`)
      await this.#next()
    }
    return this.#text
  }

  /** Before `until` for a long text, which would be searched again with each piece. */
  async untilLongerThan(length: number): Promise<void> {
    while (this.#text.length <= length && !this.#hasEnded) await this.#next()
  }

  async untilEnded(): Promise<string> {
    while (!this.#hasEnded) await this.#next()
    return this.#text
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  /** Writes the parts of a request, a moment between each, and reads one response with a Content-Length. */
  async exchange(parts: readonly (string | Buffer)[]): Promise<{ status: string; seen: string; body: string }> {
    this.#text = ''
    for (const [at, part] of parts.entries()) {
      if (at > 0) await sleep(5)
      this.socket.write(part)
    }
    await this.until(/bytes, \d+$/)
    return {
      status: this.#text.slice(0, 12),
      seen: /X-Seen: (.*)\r\n/.exec(this.#text)?.[1]?.trimEnd() ?? '',
      body: this.#text.slice(this.#text.indexOf('\r\n\r\n') + 4),
    }
  }
}

const long = Buffer.alloc(1 << 20, 'abcdefg')
const reportOf = (body: Buffer): string => `${body.length} bytes, ${crc32(body)}`

interface Body {
  readonly name: string
  readonly lines: string
  readonly parts: readonly (string | Buffer)[]
  readonly wanted: string
  readonly trailers?: string
}

const hello = reportOf(Buffer.from('hello'))
const bodies: readonly Body[] = [
  { name: 'no body', lines: '', parts: [''], wanted: reportOf(Buffer.alloc(0)) },
  { name: 'an empty body', lines: 'Content-Length: 0\r\n', parts: [''], wanted: reportOf(Buffer.alloc(0)) },
  { name: 'a counted body', lines: 'Content-Length: 5\r\n', parts: ['hello'], wanted: hello },
  { name: 'a late body', lines: 'Content-Length: 5\r\n', parts: ['', 'hel', 'lo'], wanted: hello },
  { name: 'a long body', lines: `Content-Length: ${long.length}\r\n`, parts: ['', long], wanted: reportOf(long) },
  {
    name: 'a chunked body',
    lines: 'Transfer-Encoding: chunked\r\nTrailer: X-End\r\n',
    parts: ['3\r\nhel\r\n2\r\nlo\r\n0\r\nX-End: yes\r\n\r\n'],
    wanted: hello,
    trailers: 'X-End yes',
  },
  {
    name: 'a late chunked body',
    lines: 'Transfer-Encoding: chunked\r\n',
    parts: ['3\r\nh', 'el\r\n2\r\nlo\r', '\n0\r\n\r\n'],
    wanted: hello,
  },
  {
    name: 'an empty chunked body',
    lines: 'Transfer-Encoding: chunked\r\n',
    parts: ['0\r\n\r\n'],
    wanted: reportOf(Buffer.alloc(0)),
  },
]

const requests = [
  ...['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND'].flatMap((method) =>
    [bodies[0]!, bodies[2]!].map((body) => ({ method, body })),
  ),
  ...bodies.map((body) => ({ method: 'POST', body })),
]

const offers: readonly { readonly upgrade: string; readonly lines: string }[] = [
  { upgrade: 'h2c', lines: 'Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n' },
  { upgrade: 'TLS/1.0', lines: 'Connection: Upgrade\r\n' },
  { upgrade: 'IRC/6.9, x-websocket', lines: 'Connection: keep-alive, upgrade\r\n' },
]

const ignores = (): void => {}
/** Looks for the subprotocol of Vite and leaves other requests alone, as Vite's listener does. */
const looks = ({ headers, url }: IncomingMessage): void => {
  if (headers['sec-websocket-protocol'] === 'vite-hmr') assert.fail(url)
}

/** Another listener for upgrades, and whether it comes before ours. */
const neighbours: readonly { readonly name: string; readonly before?: () => void; readonly after?: () => void }[] = [
  { name: 'alone' },
  { name: 'beside a listener that ignores it', before: ignores },
  { name: 'between listeners that ignore it', before: looks as () => void, after: ignores },
]

describe('an upgrade router: what offers no WebSocket is the app’s, RFC 9110 §7.8', { timeout: 120_000 }, () => {
  for (const kind of kinds) {
    for (const { name, before, after } of neighbours) {
      it(`${kind}, ${name}: every offer, method and body, at once, and the next request too`, async (context) => {
        const server = await listening(context, kind)
        if (before !== undefined) server.on('upgrade', before)
        attached(context, server)
        if (after !== undefined) server.on('upgrade', after)
        const client = new Client(context, server, kind)
        for (const { upgrade, lines } of offers) {
          for (const { method, body } of requests) {
            const what = `${method} with ${body.name}, Upgrade: ${upgrade}`
            const [first = '', ...rest] = body.parts
            const head = `${method} /ours?a=1 HTTP/1.1\r\nHost: a\r\nuPgrade: ${upgrade}\r\n${lines}${body.lines}\r\n`
            const seen = await client.exchange([`${head}${first}`, ...rest])
            const fields = `${method} /ours?a=1 ${upgrade}; uPgrade: ${upgrade}; ${body.trailers ?? ''}`.trimEnd()
            assert.deepEqual(seen, { status: 'HTTP/1.1 200', seen: fields, body: body.wanted }, what)
          }
          const next = await client.exchange(['GET /next HTTP/1.1\r\nHost: a\r\n\r\n'])
          assert.deepEqual(next, { status: 'HTTP/1.1 200', seen: 'GET /next none; none;', body: '0 bytes, 0' })
        }
      })
    }
  }
})

const offer = (path: string, method = 'GET', lines = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n${lines}\r\n`
const handshake = (path: string, method = 'GET'): string =>
  Buffer.from(handshakeRequest(path)).toString().replace('GET', method)
const closing = 'Content-Length: 6\r\nConnection: close\r\n\r\ntheirs'

/** The first steps of listeners that speak a protocol. */
const claims: readonly { readonly name: string; readonly claim: (stream: Socket) => void }[] = [
  { name: 'writes', claim: (stream) => stream.end(`HTTP/1.1 200 OK\r\n${closing}`) },
  {
    name: 'sets a timeout, as proxies do, and answers later',
    claim(stream) {
      stream.setTimeout(0)
      setTimeout(() => stream.end(`HTTP/1.1 200 OK\r\n${closing}`), 50)
    },
  },
  {
    name: 'listens for errors, and answers later',
    claim(stream) {
      stream.on('error', () => {})
      setTimeout(() => stream.end(`HTTP/1.1 200 OK\r\n${closing}`), 50)
    },
  },
  {
    name: 'reads',
    claim(stream) {
      stream.once('data', (data) => stream.end(`HTTP/1.1 200 ${data}\r\n${closing}`))
    },
  },
]

describe('an upgrade router beside a listener that speaks the protocol', { timeout: 120_000 }, () => {
  for (const kind of kinds) {
    it(`${kind}: leaves to it what it touches before it returns`, async (context) => {
      const asked: string[] = []
      const server = await listening(context, kind, ({ url }, response) => {
        asked.push(url ?? '')
        response.end()
      })
      attached(context, server)
      let act = (_: Socket): void => {}
      server.on('upgrade', (_request, stream) => act(stream as Socket))
      for (const { name, claim } of claims) {
        act = claim
        const client = new Client(context, server, kind)
        client.socket.write(offer('/theirs'))
        if (name === 'reads') {
          await sleep(20)
          client.socket.write('OK')
        }
        assert.match(await client.untilEnded(), /^HTTP\/1\.1 200 OK[\s\S]*theirs$/, name)
      }
      act = () => {}
      const client = new Client(context, server, kind)
      client.socket.write(offer('/app'))
      await client.until(/^HTTP\/1\.1 200 OK/)
      assert.deepEqual(asked, ['/app'])
    })
  }

  it('gives it what it touches after another listener has not', async (context) => {
    const server = await listening(context, 'http')
    server.on('upgrade', ignores)
    attached(context, server)
    server.on('upgrade', (_request, stream) => stream.end(`HTTP/1.1 200 OK\r\n${closing}`))
    const client = new Client(context, server, 'http')
    client.socket.write(offer('/theirs', 'POST', 'Content-Length: 5\r\n'))
    assert.match(await client.untilEnded(), /theirs$/)
  })

  it('leaves the methods of a stream as they were', async (context) => {
    const server = await listening(context, 'http')
    attached(context, server)
    const seen: string[][] = []
    server.on('upgrade', (_request, stream) => {
      stream.on('error', () => {})
      setImmediate(() => {
        seen.push(['write', 'once', 'end', 'setTimeout'].filter((name) => Object.hasOwn(stream, name)))
        stream.end(`HTTP/1.1 200 OK\r\n${closing}`)
      })
    })
    const client = new Client(context, server, 'http')
    client.socket.write(offer('/theirs'))
    await client.untilEnded()
    assert.deepEqual(seen, [[]])
  })
})

describe('an upgrade router: what it gives back is node:http’s again', { timeout: 120_000 }, () => {
  for (const [name, before] of [
    ['alone', undefined],
    ['beside another listener', ignores],
  ] as const) {
    it(`${name}: its timeouts apply, and closing the server ends idle connections`, async (context) => {
      const server = await listening(context, 'http')
      attached(context, server)
      if (before !== undefined) server.on('upgrade', before)
      server.keepAliveTimeout = 1
      const idle = new Client(context, server, 'http')
      await idle.exchange([offer('/')])
      await idle.untilEnded()
      server.keepAliveTimeout = 0
      server.timeout = 100
      const silent = new Client(context, server, 'http')
      silent.socket.write(offer('/', 'POST', 'Content-Length: 5\r\n'))
      await silent.untilEnded()
      server.timeout = 0
      const kept = new Client(context, server, 'http')
      await kept.exchange([offer('/')])
      await new Promise((resolve) => setImmediate(resolve))
      server.closeIdleConnections()
      await kept.untilEnded()
      const busy = new Client(context, server, 'http')
      busy.socket.write(offer('/', 'POST', 'Content-Length: 5\r\n'))
      await sleep(50)
      server.closeAllConnections()
      await busy.untilEnded()
    })

    it(`${name}: a response may take longer than a request, and a peer that has ended its side gets it`, async (context) => {
      const server = await listening(context, 'http', (_request, response) => {
        setTimeout(() => response.end('late'), 300)
      })
      Object.assign(server, { httpAllowHalfOpen: true })
      server.keepAliveTimeout = 50
      attached(context, server)
      if (before !== undefined) server.on('upgrade', before)
      const client = new Client(context, server, 'http')
      client.socket.end(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${offer('/')}`)
      assert.equal((await client.untilEnded()).split('late').length, 3)
    })

    it(`${name}: Expect: 100-continue is answered before the body`, async (context) => {
      const server = await listening(context, 'http')
      attached(context, server)
      if (before !== undefined) server.on('upgrade', before)
      const client = new Client(context, server, 'http')
      client.socket.write(offer('/', 'POST', 'Content-Length: 5\r\nExpect: 100-continue\r\n'))
      await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
      client.socket.write('hello')
      await client.until(/HTTP\/1\.1 200 OK[\s\S]*5 bytes/)
    })
  }

  it('connections that stood before it was attached', async (context) => {
    const server = await listening(context, 'http')
    const client = new Client(context, server, 'http')
    await client.exchange(['GET / HTTP/1.1\r\nHost: a\r\n\r\n'])
    attached(context, server)
    const { seen } = await client.exchange([offer('/')])
    assert.equal(seen, 'GET / h2c; Upgrade: h2c;')
  })

  it('asks the server’s own shouldUpgradeCallback, where it has one', async (context) => {
    const server = await listening(context, 'http')
    const asking = server as { shouldUpgradeCallback?: (request: IncomingMessage) => boolean }
    if (asking.shouldUpgradeCallback === undefined) return
    asking.shouldUpgradeCallback = ({ url }) => url === '/theirs'
    const own = asking.shouldUpgradeCallback
    const listener = attachTo(server)(limits, {} as never)
    assert.notEqual(asking.shouldUpgradeCallback, own)
    const client = new Client(context, server, 'http')
    // A handshake that neither wants is an ordinary request.
    const { seen } = await client.exchange([handshake('/app')])
    assert.equal(seen, 'GET /app websocket; Upgrade: websocket;')
    await listener.close()
    assert.equal(asking.shouldUpgradeCallback, own)
  })
})

describe('an upgrade router: responses follow the order of requests, RFC 9112 §9.3.2', { timeout: 120_000 }, () => {
  const first = 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n'
  const second = 'GET /second HTTP/1.1\r\nHost: a\r\n\r\n'

  /** An app whose responses wait until they are let go. */
  async function holding(context: TestContext, kind: Kind) {
    const responses: ServerResponse[] = []
    let told = (): void => {}
    const server = await listening(context, kind, (_request, response) => {
      responses.push(response)
      told()
    })
    const until = async (count: number): Promise<void> => {
      while (responses.length < count) {
        await new Promise<void>((resolve) => {
          told = resolve
        })
      }
    }
    return { server, responses, until }
  }

  for (const kind of kinds) {
    it(`${kind}: a handshake waits for them`, async (context) => {
      const { server, responses, until } = await holding(context, kind)
      const { taken } = attached(context, server)
      const client = new Client(context, server, kind)
      client.socket.write(`${first}${second}${handshake('/ours')}`)
      await until(2)
      await sleep(20)
      assert.equal(taken.length, 0)
      responses[1]!.end('2')
      await sleep(20)
      assert.equal(client.text, '')
      responses[0]!.end('1')
      const text = await client.until(/101 Switching Protocols/)
      assert.match(text, /^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\n1HTTP\/1\.1 200 OK[\s\S]*\r\n\r\n2HTTP\/1\.1 101 /)
      assert.equal(taken.length, 1)
    })

    it(`${kind}: one that is longer than the socket takes is written to its end`, async (context) => {
      const { server, responses, until } = await holding(context, kind)
      attached(context, server)
      const client = new Client(context, server, kind)
      client.socket.write(`${first}${handshake('/ours')}`)
      await until(1)
      const response = responses[0]!
      const chunk = Buffer.alloc(1 << 20, 'x')
      response.setHeader('Content-Length', 8 << 20)
      for (let count = 0; count < 8; count += 1) if (!response.write(chunk)) await once(response, 'drain')
      response.end()
      await client.untilLongerThan(8 << 20)
      const text = await client.until(/101 Switching Protocols/)
      assert.match(text, /^HTTP\/1\.1 200 OK/)
      assert.ok(text.indexOf('HTTP/1.1 101') > 8 << 20)
    })

    it(`${kind}: an offer of another protocol waits for them too, beside another listener`, async (context) => {
      const { server, responses, until } = await holding(context, kind)
      attached(context, server)
      server.on('upgrade', ignores)
      const client = new Client(context, server, kind)
      client.socket.write(`${first}${offer('/second')}`)
      await until(1)
      responses[0]!.end('1')
      await until(2)
      responses[1]!.end('2')
      await client.until(/\r\n\r\n1HTTP[\s\S]*\r\n\r\n2$/)
    })
  }

  it('a handshake whose turn comes too late is refused after them', async (context) => {
    const { server, responses, until } = await holding(context, 'http')
    const { taken, refused } = attached(context, server, { handshakeTimeoutMs: 50 })
    const client = new Client(context, server, 'http')
    client.socket.write(`${first}${handshake('/ours')}`)
    await until(1)
    await sleep(100)
    responses[0]!.end('1')
    assert.match(await client.untilEnded(), /\r\n\r\n1HTTP\/1\.1 503 [\s\S]*earlier requests/)
    assert.deepEqual([taken.length, refused], [0, [503]])
  })

  it('a handshake behind a response that closes the connection is not taken', async (context) => {
    const { server, responses, until } = await holding(context, 'http')
    const { taken } = attached(context, server)
    const client = new Client(context, server, 'http')
    client.socket.write(`${first}${handshake('/ours')}`)
    await until(1)
    responses[0]!.setHeader('Connection', 'close')
    responses[0]!.end('1')
    assert.match(await client.untilEnded(), /\r\n\r\n1$/)
    assert.equal(taken.length, 0)
  })

  it('a peer that leaves while its handshake waits ends the response', async (context) => {
    const { server, responses, until } = await holding(context, 'http')
    attached(context, server)
    const client = new Client(context, server, 'http')
    client.socket.write(`${first}${handshake('/ours')}`)
    await until(1)
    const closed = once(responses[0]!, 'close')
    client.socket.resetAndDestroy()
    const timer = setInterval(() => responses[0]!.write('x'), 10)
    context.after(() => clearInterval(timer))
    await closed
  })
})

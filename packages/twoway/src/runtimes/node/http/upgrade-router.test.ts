import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { selfSignedCertificate } from 'twoway-testing/certificate.js'
import type { AttachOptions, RequestHead } from '../../../ports/http-host.js'
import type { Transport } from '../../../ports/transport.js'
import { attachTo } from './http-attachment.js'

type App = (request: IncomingMessage, response: ServerResponse) => void

/** Tells what came of a request, once its body has come. */
const reports: App = async (request, response) => {
  let bytes = 0
  let sum = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    for (const byte of chunk) sum = (sum + byte) % 65_536
  }
  const { method, url, headers, rawHeaders, rawTrailers } = request
  const at = rawHeaders.findIndex((name) => name.toLowerCase() === 'upgrade')
  const upgrade = at < 0 ? 'none' : `${rawHeaders[at]}: ${rawHeaders[at + 1]}`
  response.setHeader('X-Seen', `${method} ${url} ${headers.upgrade ?? 'none'}; ${upgrade}; ${rawTrailers.join(' ')}`)
  response.end(`${bytes} bytes, ${sum}`)
}

const limits: AttachOptions = { path: '/ours', handshakeTimeoutMs: 20_000, maxHeadBytes: 16_384, maxHeaderFields: 100 }

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
      refused: (status) => refused.push(status),
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
const reportOf = (body: Buffer): string => {
  let sum = 0
  for (const byte of body) sum = (sum + byte) % 65_536
  return `${body.length} bytes, ${sum}`
}

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
/** As Vite's listener does with what is not for it. */
const looks = ({ headers, url }: IncomingMessage): void => {
  if (headers['sec-websocket-protocol'] === 'vite-hmr') assert.fail(url)
}

/** Who else listens for upgrades, and whether before us. */
const neighbours: readonly { readonly name: string; readonly before?: () => void; readonly after?: () => void }[] = [
  { name: 'alone' },
  { name: 'beside a listener that ignores it', before: ignores },
  { name: 'between listeners that ignore it', before: looks as () => void, after: ignores },
]

describe('an upgrade router: what offers no WebSocket is the app’s, RFC 9110 §7.8', { timeout: 60_000 }, () => {
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

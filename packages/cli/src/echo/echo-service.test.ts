import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { clientFrame, opcodes } from 'twoway-testing/bytes.js'
import { parseExposition } from 'twoway-testing/exposition.js'
import { request, requestLines } from 'twoway-testing/peers/handshake-request.js'
import { RawSocket } from 'twoway-testing/peers/raw-socket.js'
import type { ReceivedFrame } from 'twoway-testing/read-frame.js'
import { type ClientOptions, WebSocket } from 'ws'
import { startEchoService } from './echo-service.js'
import { echoSettings, readEchoSettings } from './echo-settings.js'

/** The generous end of a wait. */
const longMs = 30_000

let server: Awaited<ReturnType<typeof startEchoService>>
const clients: { terminate(): void }[] = []

before(async () => {
  server = await startEchoService({ port: 0, host: '127.0.0.1' })
})

after(async () => {
  for (const client of clients) client.terminate()
  await server.close()
})

/** A client of ws that keeps all it receives, also what arrives together with the handshake. */
class Client {
  readonly messages: string[] = []
  readonly pings: number[] = []
  readonly closed: Promise<readonly [code: number, reason: string]>
  readonly socket: WebSocket
  #wake: () => void = () => {}

  constructor(query: string, protocols: readonly string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(`${server.url}/${query}`, [...protocols], { perMessageDeflate: false, ...options })
    clients.push(this.socket)
    this.closed = once(this.socket, 'close').then(([code, reason]) => [code, String(reason)] as const)
    this.socket.on('error', () => {})
    this.socket.on('ping', () => {
      this.pings.push(performance.now())
      this.#wake()
    })
    this.socket.on('message', (data) => {
      this.messages.push(String(data))
      this.#wake()
    })
  }

  get opened(): Promise<unknown> {
    return this.socket.readyState === WebSocket.OPEN ? Promise.resolve() : once(this.socket, 'open')
  }

  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

async function open(query: string, protocols?: readonly string[], options?: ClientOptions): Promise<Client> {
  const client = new Client(query, protocols, options)
  await client.opened
  return client
}

/** A connection whose bytes a test sees, once the service has responded to its request. */
async function rawRequest(startLine: string, fields: readonly string[] = []): Promise<RawSocket> {
  const client = new RawSocket(server.port, { keptFrames: Number.POSITIVE_INFINITY })
  clients.push({ terminate: () => client.destroy() })
  client.send(request([...requestLines(server.port), ...fields], startLine))
  assert.ok(await client.until(() => client.head !== '', longMs))
  return client
}

async function raw(query: string, fields?: readonly string[]): Promise<RawSocket> {
  const client = await rawRequest(`GET /${query} HTTP/1.1`, fields)
  assert.equal(client.status, 101)
  return client
}

async function framesOf(client: RawSocket, count: number): Promise<ReceivedFrame[]> {
  const frames: ReceivedFrame[] = []
  while (frames.length < count) frames.push(await client.nextFrame())
  return frames
}

/** The answer to a refused handshake. */
async function refusal(query: string, fields: Record<string, string> = {}): Promise<Response> {
  const { request: httpRequest } = await import('node:http')
  const asked = httpRequest(`${server.url.replace('ws', 'http')}/${query}`, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      ...fields,
    },
  })
  asked.end()
  const [answer] = await once(asked, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: answer.headers })
}

/** The header fields that a handshake's request line is refused with, its target as it stands there. */
async function refusalOf(requestLine: string): Promise<Headers> {
  const [, ...lines] = (await rawRequest(requestLine)).head.split('\r\n')
  return new Headers(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]))
}

/** The visible effect of each setting: one row for each, and the compiler refuses a missing one. */
const effects: { readonly [name in keyof typeof echoSettings]: { readonly [sentence: string]: () => Promise<void> } } =
  {
    delay: {
      'echoes no sooner than after so many milliseconds, and in order': async () => {
        const client = await open('?delay=80')
        const sentAt = performance.now()
        for (const message of ['a', 'b', 'c']) client.socket.send(message)
        await client.until(() => client.messages.length === 3)
        assert.ok(performance.now() - sentAt >= 79)
        assert.deepEqual(client.messages, ['a', 'b', 'c'])
      },
      'does not read on while more than 1 MiB waits, and echoes all of it in the end': async () => {
        const client = await open('?delay=50')
        const message = 'x'.repeat(1 << 20)
        for (let sent = 0; sent < 8; sent++) client.socket.send(message)
        await client.until(() => client.messages.length === 8)
        assert.ok(client.messages.every((one) => one === message))
      },
    },
    jitter: {
      'keeps the order of the echoes': async () => {
        const client = await open('?jitter=30')
        const messages = Array.from({ length: 50 }, (_, index) => String(index))
        for (const message of messages) client.socket.send(message)
        await client.until(() => client.messages.length === messages.length)
        assert.deepEqual(client.messages, messages)
      },
    },
    drop: {
      'echoes nothing with 1': async () => {
        const client = await open('?drop=1&close=4000&after=3')
        for (const message of ['a', 'b', 'c']) client.socket.send(message)
        assert.deepEqual([await client.closed, client.messages], [[4000, ''], []])
      },
      'echoes everything with 0': async () => {
        const client = await open('?drop=0&close=4000&after=3')
        for (const message of ['a', 'b', 'c']) client.socket.send(message)
        assert.deepEqual(
          [await client.closed, client.messages],
          [
            [4000, ''],
            ['a', 'b', 'c'],
          ],
        )
      },
      'echoes some with 0.5': async () => {
        const client = await open('?drop=0.5&close=4000&after=200')
        for (let sent = 0; sent < 200; sent++) client.socket.send(String(sent))
        await client.closed
        assert.ok(client.messages.length > 20 && client.messages.length < 180)
      },
    },
    close: {
      'closes at once': async () => assert.deepEqual(await new Client('?close=1012').closed, [1012, '']),
      'sends one Close frame with the code, §5.5.1': async () => {
        const { fin, opcode, payload } = await (await raw('?close=1012')).nextFrame()
        assert.deepEqual([fin, opcode, payload.toString('hex')], [true, opcodes.close, '03f4'])
      },
    },
    reason: {
      'closes with the reason': async () => {
        assert.deepEqual(await new Client('?close=3000&reason=gr%C3%BC%C3%9F%20dich').closed, [3000, 'grüß dich'])
      },
    },
    abort: {
      'resets the connection, without a Close': async () => {
        const client = await raw('?abort&after=1')
        client.send(clientFrame(opcodes.text, 'a'))
        assert.deepEqual((await client.nextFrame()).payload.toString(), 'a')
        assert.ok(await client.untilClosed(longMs))
        assert.equal((client.error as NodeJS.ErrnoException | undefined)?.code, 'ECONNRESET')
      },
      'resets it at once': async () => {
        const client = new Client('?abort')
        assert.deepEqual(await client.closed, [1006, ''])
      },
    },
    after: {
      'closes behind the echo of so many messages': async () => {
        const client = await open('?close=1012&after=2&delay=10')
        for (const message of ['a', 'b', 'c']) client.socket.send(message)
        assert.deepEqual(await client.closed, [1012, ''])
        assert.deepEqual(client.messages, ['a', 'b'])
      },
      'closes after so many seconds': async () => {
        const startedAt = performance.now()
        assert.deepEqual(await new Client('?close=1012&after=0.1s').closed, [1012, ''])
        assert.ok(performance.now() - startedAt >= 99)
      },
    },
    fragment: {
      'echoes in frames of so many bytes, RFC 6455 §5.4': async () => {
        const client = await raw('?fragment=4')
        client.send(clientFrame(opcodes.text, 'Grüße'))
        assert.deepEqual(
          (await framesOf(client, 2)).map(({ fin, opcode, payload }) => [fin, opcode, payload.toString('hex')]),
          [
            [false, opcodes.text, '4772c3bc'],
            [true, opcodes.continuation, 'c39f65'],
          ],
        )
        client.send(clientFrame(opcodes.binary, Buffer.alloc(9)))
        const frames = await framesOf(client, 3)
        assert.deepEqual(
          frames.map(({ payload }) => payload.length),
          [4, 4, 1],
        )
        assert.equal(frames[0]!.opcode, opcodes.binary)
        client.send(clientFrame(opcodes.binary, Buffer.alloc(8)))
        assert.deepEqual(
          (await framesOf(client, 2)).map(({ fin, payload }) => [fin, payload.length]),
          [
            [false, 4],
            [true, 4],
          ],
        )
      },
      'keeps the order of the echoes, and text as text': async () => {
        const client = await open('?fragment=1')
        for (const message of ['äöü', 'b', 'c'.repeat(3000)]) client.socket.send(message)
        await client.until(() => client.messages.length === 3)
        assert.deepEqual(client.messages, ['äöü', 'b', 'c'.repeat(3000)])
      },
    },
    deflate: {
      'agrees on permessage-deflate, and compresses what it echoes, RFC 7692': async () => {
        const client = await open('?deflate', [], { perMessageDeflate: true })
        assert.match(client.socket.extensions, /permessage-deflate/)
        client.socket.send('x'.repeat(10_000))
        await client.until(() => client.messages.length === 1)
        assert.equal(client.messages[0], 'x'.repeat(10_000))
        const rawClient = await raw('?deflate', ['Sec-WebSocket-Extensions: permessage-deflate'])
        rawClient.send(clientFrame(opcodes.text, 'x'.repeat(10_000)))
        assert.ok((await rawClient.nextFrame()).payload.length < 100)
      },
      'is not agreed on where it is not asked for': async () => {
        assert.equal((await open('', [], { perMessageDeflate: true })).socket.extensions, '')
        assert.equal((await open('?delay=0', [], { perMessageDeflate: true })).socket.extensions, '')
      },
    },
    slow: {
      'reads so many bytes per second': async () => {
        const client = await open('?slow=50000')
        const startedAt = performance.now()
        // The last is echoed when it has been read, and what came before took its time.
        for (let sent = 0; sent < 11; sent++) client.socket.send('x'.repeat(1000))
        await client.until(() => client.messages.length === 11)
        assert.ok(performance.now() - startedAt >= 199)
      },
      'reads one long message at that speed too': async () => {
        const client = await open('?slow=1000000')
        const startedAt = performance.now()
        client.socket.send('ü'.repeat(150_000))
        client.socket.send('b')
        await client.until(() => client.messages.length === 2)
        assert.ok(performance.now() - startedAt >= 299)
        assert.deepEqual(client.messages, ['ü'.repeat(150_000), 'b'])
      },
      'leaves with the sender what is not read yet': async () => {
        const client = await raw('?slow=1000')
        client.send(clientFrame(opcodes.binary, Buffer.alloc(15 << 20)))
        await new Promise((resolve) => setTimeout(resolve, 300))
        assert.ok(client.socket.bytesWritten > 0 && client.socket.writableLength > 1 << 20)
      },
      'refuses a message of more than 16 MiB': async () => {
        const client = await open('?slow=1073741824')
        client.socket.send(Buffer.alloc((16 << 20) + 1))
        assert.equal((await client.closed)[0], 1009)
      },
    },
    size: {
      'sends messages of that size by itself': async () => {
        const client = await open('?size=100&rate=100')
        await client.until(() => client.messages.length >= 3)
        assert.ok(client.messages.every((message) => message.length === 100))
      },
    },
    rate: {
      'sends so many messages a second, 16 bytes each': async () => {
        const startedAt = performance.now()
        const client = await open('?rate=200')
        await client.until(() => client.messages.length >= 20)
        assert.ok(performance.now() - startedAt >= 95)
        assert.deepEqual(
          client.messages.slice(0, 3),
          [1, 2, 3].map((count) => `${count} `.padEnd(16, '.')),
        )
      },
    },
    ping: {
      'sends a Ping each so many milliseconds, §5.5.2': async () => {
        const client = await open('?ping=20')
        await client.until(() => client.pings.length >= 3)
        const { opcode } = await (await raw('?ping=20')).nextFrame()
        assert.equal(opcode, opcodes.ping)
      },
    },
    mirror: {
      'first sends the handshake as it came, and of what may be secret no value': async () => {
        const headers = {
          'User-Agent': 'visible',
          'X-Forwarded-For': '192.0.2.1',
          Cookie: 'session=secret1; theme=secret2; secret3; secret4=; secret5==',
          Authorization: 'Bearer secret6',
          'Proxy-Authorization': 'secret7 secret8',
          // As proxies add them.
          'X-Custom': 'secret9',
          'X-Amzn-Oidc-Data': 'secret10',
          'Cf-Access-Jwt-Assertion': 'secret11',
          'X-Api-Key': 'secret12',
        }
        const client = await open('?mirror=request', ['chat'], { headers })
        await client.until(() => client.messages.length === 1)
        assert.ok(!client.messages[0]!.includes('secret'))
        const { method, url, protocols, headers: fields, remoteAddress } = JSON.parse(client.messages[0]!)
        assert.deepEqual([method, protocols, remoteAddress], ['GET', ['chat'], '127.0.0.1'])
        assert.equal(url, `${server.url}/?mirror=request`)
        const found = new Map<string, string>(fields)
        assert.deepEqual(
          ['user-agent', 'x-forwarded-for', 'upgrade', 'sec-websocket-version'].map((name) => found.get(name)),
          ['visible', '192.0.2.1', 'websocket', '13'],
        )
        assert.equal(found.get('cookie'), 'session=***; theme=***;***;***;***')
        assert.equal(found.get('authorization'), 'Bearer ***')
        for (const name of ['proxy-authorization', 'x-custom', 'x-api-key', 'cf-access-jwt-assertion']) {
          assert.equal(found.get(name), '***', name)
        }
        client.socket.send('then it echoes')
        await client.until(() => client.messages.length === 2)
      },
      'shows a field of any name, those that objects inherit too': async () => {
        const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf']
        const client = await raw(
          '?mirror=request',
          names.map((name) => `${name}: secret`),
        )
        const fields: [string, string][] = JSON.parse((await client.nextFrame()).payload.toString()).headers
        for (const name of names) {
          assert.ok(
            fields.some(([shown, value]) => shown === name.toLowerCase() && value === '***'),
            name,
          )
        }
        client.send(clientFrame(opcodes.text, 'then it echoes'))
        assert.equal((await client.nextFrame()).payload.toString(), 'then it echoes')
      },
    },
    subprotocol: {
      'chooses that one of those that are offered, or none': async () => {
        assert.equal((await open('?subprotocol=b', ['a', 'b'])).socket.protocol, 'b')
        assert.equal((await open('?subprotocol=a', ['a', 'b'])).socket.protocol, 'a')
        const client = await raw('?subprotocol=', ['Sec-WebSocket-Protocol: a, b'])
        client.send(clientFrame(opcodes.text, 'x'))
        assert.equal((await client.nextFrame()).payload.toString(), 'x')
      },
      'refuses one that is not offered': async () => {
        const answer = await refusal('?subprotocol=c', { 'Sec-WebSocket-Protocol': 'a, b' })
        assert.equal(answer.status, 400)
        assert.match(await answer.text(), /"c" is not among the subprotocols that the client offers \(a, b\)/)
      },
    },
    status: {
      'refuses the handshake with the status': async () => {
        for (const status of [300, 429, 503, 599]) assert.equal((await refusal(`?status=${status}`)).status, status)
      },
      'adds the fields without which a status is of no use': async () => {
        assert.equal((await refusal('?status=429')).headers.get('retry-after'), '5')
        assert.match((await refusal('?status=401')).headers.get('www-authenticate')!, /^Basic /)
        assert.equal((await refusal('a?status=307&delay=5')).headers.get('location'), '/a?delay=5')
      },
      'leads nowhere but to this service, whatever the path': async () => {
        const paths = ['/evil.example/', '/evil.example', '\\evil.example/', './/evil.example/', 'a/..//evil.example/']
        paths.push('%2e//evil.example/', '//evil.example/', '/\\evil.example/', '/@evil.example/', '/evil.example:80/')
        for (const status of [301, 302, 303, 307, 308]) {
          for (const path of paths) {
            const location = (await refusalOf(`GET /${path}?status=${status} HTTP/1.1`)).get('location') ?? undefined
            // A backslash is answered 400.
            if (path.includes('\\')) {
              assert.equal(location, undefined, path)
              continue
            }
            assert.ok(location !== undefined, path)
            assert.equal(new URL(location, 'ws://own.example/').origin, 'ws://own.example', `${path}: ${location}`)
            assert.match(location, /^\/(?![/\\])/, path)
          }
        }
        // A target that is a whole URL, RFC 9112 §3.2.2.
        const { host } = new URL(server.url)
        const location = (await refusalOf(`GET http://${host}//evil.example/?status=302 HTTP/1.1`)).get('location')
        assert.equal(location, '/evil.example/')
      },
    },
  }

for (const [name, sentences] of Object.entries(effects)) {
  it('holds a quarter as much incomplete input as a server does by default', () => {
    assert.equal(server.metrics().receiveBytesLimit, 64 << 20)
  })

  describe(`the echo service with ${name}`, () => {
    for (const [sentence, test] of Object.entries(sentences)) it(sentence, test)
  })
}

describe('the echo service', () => {
  it('is a strict echo without a query: it sends back the messages and nothing else', async () => {
    const client = await raw('')
    client.send(clientFrame(opcodes.text, 'a'))
    client.send(clientFrame(opcodes.binary, Buffer.from([1, 2])))
    const frames = await framesOf(client, 2)
    assert.deepEqual(
      frames.map(({ fin, opcode, payload }) => [fin, opcode, payload.toString('hex')]),
      [
        [true, opcodes.text, '61'],
        [true, opcodes.binary, '0102'],
      ],
    )
  })

  for (const [query, sentence] of [
    ['?dealy=5', 'there is no setting "dealy"'],
    ['?delay=5&delay=6', '"delay" is given twice'],
    ['?constructor=1', 'there is no setting "constructor"'],
    ['?after=5', '"after" needs "close" or "abort"'],
    ['?reason=x', '"reason" needs "close"'],
    ['?close=1000&abort', '"close" and "abort" can\'t be combined'],
    ['?delay=', '"delay" must be milliseconds from 0 to 60000, not ""'],
  ]) {
    it(`answers ${query} with 400, the error and the list of settings`, async () => {
      const answer = await refusal(query!)
      const text = await answer.text()
      assert.equal(answer.status, 400)
      assert.ok(text.includes(`${sentence}.`), text)
      const words = text.replace(/\s+/g, ' ')
      for (const { form, does } of Object.values(echoSettings)) assert.ok(words.includes(`${form} ${does}`), form)
      assert.ok(text.split('\n').every((line) => line.length <= 120))
    })
  }

  for (const [name, right, wrong] of [
    ['delay', ['0', '60000', '1.5'], ['-1', '60001', 'x', '1e3', ' 1']],
    ['jitter', ['0', '60000'], ['60001', '']],
    ['drop', ['0', '1', '0.25'], ['1.1', '-0', '.5']],
    ['close', ['1000', '1003', '1007', '1014', '3000', '4999'], ['999', '1004', '1006', '1015', '2999', '5000', '']],
    ['reason', ['', 'a'.repeat(123)], ['a'.repeat(124), 'ü'.repeat(62)]],
    ['abort', [''], ['1', 'yes']],
    ['after', ['1', '5s', '0.5s', '86400s'], ['0', '1.5', '5m', '-1s', '']],
    ['fragment', ['1', '65536'], ['0', '65537', '1.5']],
    ['deflate', [''], ['1', 'on']],
    ['slow', ['1', '1073741824'], ['0', '1.5', '1073741825']],
    ['size', ['1', '1048576'], ['0', '1048577']],
    ['rate', ['0.5', '10000'], ['0', '10001']],
    ['ping', ['10', '3600000'], ['9', '3600001']],
    ['mirror', ['request'], ['', 'response']],
    ['subprotocol', ['', 'chat.v1'], ['a b', 'a,b']],
    ['status', ['300', '599'], ['299', '600', '']],
  ] as const) {
    it(`accepts valid values of ${name}, and refuses others`, () => {
      const company = { after: { abort: '' }, reason: { close: '1000' } }[name as string] ?? {}
      const read = (text: string) => readEchoSettings(new URLSearchParams({ ...company, [name]: text }))
      for (const text of right) assert.equal(read(text).complaint, undefined, text)
      for (const text of wrong) {
        assert.equal(read(text).complaint, `"${name}" must be ${echoSettings[name].takes}, not "${text}"`)
      }
    })
  }

  it('reports its health at /health, and its metrics at /metrics in the format of Prometheus', async () => {
    const base = server.url.replace('ws', 'http')
    const health = await fetch(`${base}/health`)
    assert.deepEqual([health.status, await health.text()], [200, 'ok\n'])
    await open('')
    const metrics = await fetch(`${base}/metrics`)
    assert.match(metrics.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
    const families = parseExposition(await metrics.text(), 'prometheus')
    const figure = (name: string) => families.get(name)!.samples[0]!.value
    const accepted = families.get('twoway_handshakes_total')!.samples.find(({ labels }) => labels.status === '101')
    assert.ok(accepted!.value >= 1)
    assert.ok(figure('twoway_connections') >= 1)
    assert.equal(figure('twoway_ready'), 1)
    assert.ok(figure('twoway_resident_memory_bytes') > 1e6)
  })
})

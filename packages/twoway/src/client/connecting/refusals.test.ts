import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { httpProxy } from 'twoway-testing/peers/proxies.js'
import { HandshakeError } from '../../core/errors.js'
import { defineWebSocket } from '../websocket/websocket.js'
import type { WebSocketOptions } from '../websocket/websocket-types.js'

const { clientPorts } = networks.find(({ name }) => name === 'TCP')!
const WebSocket = defineWebSocket(clientPorts)
const { inflateBody: _, ...portsWithoutInflating } = clientPorts
const WebSocketWithoutInflating = defineWebSocket(portsWithoutInflating)

/** A server that says the same to every request and leaves the connection open. Returns its URL. */
async function server(context: TestContext, answer: string | Buffer | ((head: string) => Buffer)): Promise<string> {
  const onSocket = async (socket: Socket): Promise<void> => {
    const head = await readHead(socket)
    socket.write(typeof answer === 'function' ? answer(head) : answer)
    socket.resume()
  }
  const { port } = await listenOnLoopback(context, (socket) => onSocket(socket).catch(() => {}))
  return `ws://127.0.0.1:${port}/`
}

function outcome(url: string, options: WebSocketOptions = {}, Class = WebSocket): Promise<unknown> {
  return new Promise((resolve) => {
    const socket = new Class(url, options)
    socket.onopen = () => {
      resolve('open')
      socket.close()
    }
    socket.onerror = (event) => resolve((event as { error?: unknown }).error)
  })
}

async function refusal(url: string, options: WebSocketOptions = {}, Class = WebSocket): Promise<HandshakeError> {
  const error = await outcome(url, options, Class)
  assert.ok(error instanceof HandshakeError, String(error))
  return error
}

describe('a refusal whose body never ends', () => {
  /** The server's answer, after which it keeps the connection, and the body so far. */
  const answers: Readonly<Record<string, readonly [answer: string, status: number, body: string]>> = {
    'no length and no body': ['401 Unauthorized\r\n\r\n', 401, ''],
    'no length, and the beginning of a body': ['503 Later\r\n\r\nlat', 503, 'lat'],
    'a length that is not reached': ['500 Oh\r\nContent-Length: 9\r\n\r\nso far', 500, 'so far'],
    'a length that can not be read': ['500 Oh\r\nContent-Length: x\r\n\r\nso far', 500, 'so far'],
    'a chunk that stalls': ['403 No\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nso far', 403, 'so far'],
    'chunks without the last': ['403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n', 403, 'no'],
    'the line of a chunk’s size that stalls': ['403 No\r\nTransfer-Encoding: chunked\r\n\r\n2', 403, ''],
    'an event stream': ['200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n', 200, 'data: 1\n\n'],
    'a redirect that is not followed': ['302 Found\r\nLocation: /login\r\n\r\n', 302, ''],
    'a compressed body that stalls': [
      `403 No\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n${gzipSync('a'.repeat(5000)).toString('latin1')}`,
      403,
      'a'.repeat(5000),
    ],
    'an answer by HTTP/1.0': ['403 No\r\n\r\nno', 403, 'no'],
  }

  for (const [what, [answer, status, body]] of Object.entries(answers)) {
    it(`is reported within refusalBodyTimeoutMs: ${what}`, async (context) => {
      const version = what.endsWith('HTTP/1.0') ? 'HTTP/1.0' : 'HTTP/1.1'
      const url = await server(context, Buffer.from(`${version} ${answer}`, 'latin1'))
      const error = await refusal(url, { refusalBodyTimeoutMs: 20, handshakeTimeoutMs: 600_000 })
      assert.deepEqual([error.status, error.body], [status, body])
    })
  }

  it('is reported after a second by default', async (context) => {
    const url = await server(context, 'HTTP/1.1 401 Unauthorized\r\n\r\n')
    const start = performance.now()
    await refusal(url, { handshakeTimeoutMs: 600_000 })
    const took = performance.now() - start
    assert.ok(took > 900 && took < 60_000, `${took} ms`)
  })

  it('is reported sooner if handshakeTimeoutMs ends first', async (context) => {
    const url = await server(context, 'HTTP/1.1 401 Unauthorized\r\n\r\nso far')
    const error = await refusal(url, { refusalBodyTimeoutMs: 600_000, handshakeTimeoutMs: 2000 })
    assert.equal(error.body, 'so far')
  })

  it('is reported without delay if the body ends', async (context) => {
    const url = await server(context, 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nhere, and more')
    assert.equal((await refusal(url, { refusalBodyTimeoutMs: 600_000 })).body, 'here')
  })
})

describe('the body of a refusal', () => {
  const text = 'Grüße, 你好'
  const german = 'Grüße'

  /** The fields that describe a body, its bytes, and its text. */
  const bodies: Readonly<Record<string, readonly [fields: readonly string[], bytes: Buffer, text: string]>> = {
    'UTF-8 by default': [[], Buffer.from(text), text],
    'UTF-8 by name': [['Content-Type: text/plain; charset=utf-8'], Buffer.from(text), text],
    'UTF-8 with a byte order mark': [['Content-Type: text/plain'], Buffer.from(`\ufeff${text}`), text],
    'ISO-8859-1': [['Content-Type: text/plain; charset=ISO-8859-1'], Buffer.from(german, 'latin1'), german],
    'windows-1252, quoted': [
      ['Content-Type: text/html;level=1; Charset="windows-1252"'],
      Buffer.from([0x80, 0xfc]),
      '€ü',
    ],
    'UTF-16': [['Content-Type: text/plain; charset=utf-16le'], Buffer.from(text, 'utf16le'), text],
    'UTF-16 by its mark': [['Content-Type: text/plain'], Buffer.from(`\ufeff${text}`, 'utf16le'), text],
    Shift_JIS: [['Content-Type: text/plain; charset=shift_jis'], Buffer.from([0x93, 0xfa, 0x96, 0x7b]), '日本'],
    GBK: [['Content-Type: text/plain; charset=gbk'], Buffer.from([0xc4, 0xe3, 0xba, 0xc3]), '你好'],
    'a charset that there is not': [['Content-Type: text/plain; charset=none-such'], Buffer.from(text), text],
    gzip: [['Content-Encoding: gzip'], gzipSync(text), text],
    'x-gzip, in capitals': [['Content-Encoding: X-GZIP'], gzipSync(text), text],
    deflate: [['Content-Encoding: deflate'], deflateSync(text), text],
    'deflate without its wrapper': [['Content-Encoding: deflate'], deflateRawSync(text), text],
    br: [['Content-Encoding: br'], brotliCompressSync(text), text],
    'two codings': [['Content-Encoding: deflate, gzip'], gzipSync(deflateSync(text)), text],
    'two codings in two fields': [
      ['Content-Encoding: deflate', 'Content-Encoding: gzip'],
      gzipSync(deflateSync(text)),
      text,
    ],
    identity: [['Content-Encoding: identity'], Buffer.from(text), text],
    'a coding of the transfer': [['Transfer-Encoding: gzip, chunked'], chunks(gzipSync(text)), text],
    'a coding and chunks': [
      ['Content-Encoding: br', 'Transfer-Encoding: chunked'],
      chunks(brotliCompressSync(text)),
      text,
    ],
    'a coding and a charset': [
      ['Content-Encoding: gzip', 'Content-Type: text/plain; charset=latin1'],
      gzipSync(Buffer.from(german, 'latin1')),
      german,
    ],
    'a coding that is not known': [['Content-Encoding: compress'], Buffer.from('zzz'), ''],
    'a coding that it is not in': [['Content-Encoding: gzip'], Buffer.from('<h1>no</h1>'), ''],
    'more codings than a server uses': [[`Content-Encoding: ${Array(99).fill('gzip').join()}`], gzipSync(text), ''],
  }

  function chunks(bytes: Buffer): Buffer {
    const [first, second] = [bytes.subarray(0, 3), bytes.subarray(3)].map((part) =>
      Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
    )
    return Buffer.concat([first!, second!, Buffer.from('0\r\n\r\n')])
  }

  for (const [what, [fields, bytes, expected]] of Object.entries(bodies)) {
    it(`is read in ${what}, and given as its bytes`, async (context) => {
      const isChunked = fields.some((field) => /chunked$/.test(field))
      const length = isChunked ? [] : [`Content-Length: ${bytes.length}`]
      const head = ['HTTP/1.1 403 No', ...fields, ...length, '', ''].join('\r\n')
      const url = await server(context, Buffer.concat([Buffer.from(head), bytes]))
      const error = await refusal(url)
      assert.equal(error.body, expected)
      if (!isChunked) assert.deepEqual(Buffer.from(error.bodyBytes), bytes)
      const asItCame = await refusal(url, {}, WebSocketWithoutInflating)
      assert.deepEqual(Buffer.from(asItCame.bodyBytes), Buffer.from(error.bodyBytes))
    })
  }

  it('is kept up to maxRefusalBodyBytes, before and after inflation', async (context) => {
    const bomb = gzipSync(Buffer.alloc(10 << 20, 'a'))
    const head = `HTTP/1.1 403 No\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`
    const compressed = await server(context, Buffer.concat([Buffer.from(head), bomb]))
    const byDefault = await refusal(compressed)
    assert.equal(byDefault.body, 'a'.repeat(64 << 10))
    assert.equal((await refusal(compressed, { maxRefusalBodyBytes: 4000 })).body, 'a'.repeat(4000))
    const plain = await server(context, `HTTP/1.1 403 No\r\n\r\n${'b'.repeat(10)}`)
    for (const maxRefusalBodyBytes of [0, 1, 9, 10]) {
      const { body, bodyBytes } = await refusal(plain, { maxRefusalBodyBytes, refusalBodyTimeoutMs: 60_000 })
      assert.deepEqual([body, bodyBytes.length], ['b'.repeat(maxRefusalBodyBytes), maxRefusalBodyBytes])
    }
  })
})

describe('the head of an answer', () => {
  const fields = (count: number, length = 1): string[] =>
    Array.from({ length: count }, (_, at) => `X-${at}: ${'a'.repeat(length)}`)
  const small: WebSocketOptions = { maxHeadBytes: 400, maxHeaderFields: 10 }

  /** The fields that the server adds to its 101, the client's limits, and whether the connection opens. */
  const heads: Readonly<
    Record<string, readonly [fields: readonly string[], options: WebSocketOptions, opens: boolean]>
  > = {
    '133 fields': [fields(129), {}, true],
    'a thousand fields': [fields(997), {}, true],
    'a thousand fields and one': [fields(998), {}, false],
    'more fields than by default, by the option': [fields(2000), { maxHeaderFields: 3000 }, true],
    '60 kB': [fields(60, 990), {}, true],
    '70 kB': [fields(70, 990), {}, false],
    '200 kB, by the option': [fields(200, 990), { maxHeadBytes: 1 << 20 }, true],
    'one field of 60 kB': [fields(1, 60_000), {}, true],
    'as many fields as a smaller limit lets': [fields(7), small, true],
    'one field more than a smaller limit lets': [fields(8), small, false],
    'more bytes than a smaller limit lets': [fields(1, 400), small, false],
  }

  for (const [what, [extra, options, opens]] of Object.entries(heads)) {
    it(`${opens ? 'may' : 'may not'} have ${what}`, async (context) => {
      const url = await server(context, (head) => acceptance(head, 'hello', extra))
      const found = await outcome(url, options)
      if (opens) assert.equal(found, 'open')
      else assert.equal((found as HandshakeError).code, 'responseHeadTooLong')
    })
  }

  it('has the same limits if it refuses', async (context) => {
    const refuse = (extra: readonly string[]) =>
      server(context, ['HTTP/1.1 403 No', 'Content-Length: 0', ...extra, '', ''].join('\r\n'))
    const url = await refuse(fields(900))
    assert.equal((await refusal(url)).headers!.get('x-899'), 'a')
    assert.equal((await refusal(url, { maxHeaderFields: 900 })).code, 'responseHeadTooLong')
  })

  it('has the same limits if a proxy answers', async (context) => {
    const url = await server(context, (head) => acceptance(head))
    for (const [count, options, opens] of [
      [500, {}, true],
      [1001, {}, false],
      [1500, { maxHeaderFields: 2000 }, true],
      [500, { maxHeadBytes: 1000 }, false],
    ] as const) {
      const proxy = await httpProxy(context, { fields: fields(count) })
      const found = await outcome(url, { ...options, proxy: `http://127.0.0.1:${proxy.port}` })
      if (opens) assert.equal(found, 'open')
      else assert.match((found as Error).message, /the head of its answer is too long/)
    }
  })

  it('fails early if it never ends', async (context) => {
    const { port } = await listenOnLoopback(context, (socket) => {
      socket.resume().write('HTTP/1.1 101 Switching Protocols\r\n')
      const drip = (error?: Error | null): void => {
        if (error == null) socket.write('X: a\r\n'.repeat(1000), drip)
      }
      drip()
    })
    const error = await refusal(`ws://127.0.0.1:${port}`, { maxHeaderFields: 1e9, handshakeTimeoutMs: 600_000 })
    assert.equal(error.code, 'responseHeadTooLong')
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { UsageError } from '../core/errors.js'
import { type AttachOptions, attach, serve } from '../entries/server.js'
import type { HttpAnswer } from './answer-types.js'

const plain = 'token expired'
const sentence = utf8(plain)

interface Received {
  readonly status: number | undefined
  /** Names in lower case and values in turn. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  readonly errors: readonly Error[]
}

/** The ways on which an answer leaves a server. Each returns a port. */
type Way = (context: TestContext, answer: () => unknown, errors: Error[]) => Promise<number>

const ways: Readonly<Record<string, Way>> = {
  async 'upgrade of serve'(context, answer, errors) {
    const options = { port: 0, upgrade: answer, error: (_: unknown, error: Error) => errors.push(error) }
    const server = await serve(options as Parameters<typeof serve>[0])
    context.after(() => server.close())
    return server.port
  },
  async 'upgrade of attach'(context, answer, errors) {
    const app = createServer().listen(0, '127.0.0.1')
    await once(app, 'listening')
    const options = { upgrade: answer, error: (_: unknown, error: Error) => errors.push(error) }
    const server = attach(app, options as AttachOptions<unknown>)
    context.after(async () => {
      await server.close()
      app.close()
    })
    return (app.address() as AddressInfo).port
  },
  async 'request of serve'(context, answer, errors) {
    const options = { port: 0, request: answer, error: (_: unknown, error: Error) => errors.push(error) }
    const server = await serve(options as Parameters<typeof serve>[0])
    context.after(() => server.close())
    return server.port
  },
}

async function answerOf(context: TestContext, way: string, answer: () => unknown, method = 'GET'): Promise<Received> {
  const errors: Error[] = []
  const port = await ways[way]!(context, answer, errors)
  const headers = way.startsWith('upgrade') ? handshakeHeaders : {}
  const request = httpRequest({ host: '127.0.0.1', port, method, agent: false, headers }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const { rawHeaders: raw } = response
  const fields = raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]!] as const] : []))
  return { status: response.statusCode, fields, body: Buffer.concat(chunks), errors }
}

const handshakeHeaders = Object.fromEntries(
  Buffer.from(handshakeRequest())
    .toString()
    .trim()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ')),
)

function valuesOf({ fields }: Received, name: string): string[] {
  return fields.flatMap(([each, value]) => (each === name ? [value] : []))
}

const concernConnection = ['keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

function checkWhole(received: Received, status = 401, body: Uint8Array = sentence): void {
  assert.deepEqual(received.errors, [])
  assert.equal(received.status, status)
  assert.deepEqual(received.body, Buffer.from(body))
  assert.deepEqual(valuesOf(received, 'connection'), ['close'])
  assert.deepEqual(valuesOf(received, 'content-length'), [String(body.length)])
  for (const name of concernConnection) assert.deepEqual(valuesOf(received, name), [], name)
}

/** Another service, whose answer `fetch` gives. */
async function serviceOf(context: TestContext, listener: RequestListener): Promise<string> {
  const service = createServer(listener).listen(0, '127.0.0.1')
  await once(service, 'listening')
  context.after(() => service.close())
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
}

const encoded: Readonly<Record<string, Uint8Array>> = {
  gzip: gzipSync(plain),
  'x-gzip': gzipSync(plain),
  deflate: deflateSync(plain),
  br: brotliCompressSync(plain),
}

/** Answers of another service. */
const services: Record<string, RequestListener> = {
  'chunked and closed': (_, response) => {
    response.writeHead(401, { Connection: 'close' })
    response.write(plain.slice(0, 5))
    response.end(plain.slice(5))
  },
  'kept alive': (_, response) =>
    response.writeHead(401, { Connection: 'keep-alive', 'Keep-Alive': 'timeout=5', 'Content-Length': 13 }).end(plain),
  'chunked with a trailer': (_, response) => {
    response.writeHead(401, { Trailer: 'X-Sum' })
    response.write(plain)
    response.addTrailers({ 'X-Sum': '1' })
    response.end()
  },
  'fields that Connection names': (_, response) => {
    response.setHeader('Connection', ['X-Secret, close', 'x-other'])
    response.writeHead(401, { 'X-Secret': '1', 'X-Other': '2', 'X-Kept': '3' }).end(plain)
  },
  'an offer of another protocol': (_, response) =>
    response
      .writeHead(401, { Upgrade: 'h2c', Connection: 'Upgrade', 'Proxy-Connection': 'x', TE: 'trailers' })
      .end(plain),
  'a body that ends with the connection': ({ socket }) => socket.end(`HTTP/1.1 401 No\r\n\r\n${plain}`),
}
for (const [coding, bytes] of Object.entries(encoded)) {
  services[`${coding} with a length`] = (_, response) =>
    response
      .writeHead(401, { 'Content-Encoding': coding, 'Content-Length': bytes.length, 'Content-Digest': 'sha-256=:x:' })
      .end(bytes)
  services[`${coding} chunked`] = (_, response) => {
    response.writeHead(401, { 'content-encoding': coding.toUpperCase() })
    response.write(bytes)
    response.end()
  }
}
services['deflate without a header'] = (_, response) =>
  response.writeHead(401, { 'Content-Encoding': 'deflate' }).end(deflateRawSync(plain))

/** The changes of an app to the answer before it returns it. */
const passings: Readonly<Record<string, (fetched: Response) => Response | Promise<Response>>> = {
  'as it is': (fetched) => fetched,
  'as a clone': (fetched) => fetched.clone(),
  'as a new Response with its fields': (fetched) => new Response(fetched.body, fetched),
  'as a new Response with its bytes': async (fetched) =>
    new Response(await fetched.arrayBuffer(), { status: 401, headers: fetched.headers }),
}

for (const way of Object.keys(ways)) {
  describe(`an answer that fetch gave, returned by ${way}`, () => {
    for (const [passing, pass] of Object.entries(passings)) {
      for (const [what, listener] of Object.entries(services)) {
        it(`is sent ${passing}: ${what}`, async (context) => {
          const url = await serviceOf(context, listener)
          const received = await answerOf(context, way, async () => pass(await fetch(url)))
          checkWhole(received)
          for (const name of ['content-encoding', 'content-digest', 'x-secret', 'x-other']) {
            assert.deepEqual(valuesOf(received, name), [], name)
          }
          if (what.startsWith('fields')) assert.deepEqual(valuesOf(received, 'x-kept'), ['3'])
        })
      }
    }

    it('keeps the lines of Set-Cookie apart', async (context) => {
      const cookies = ['a=1; Expires=Wed, 01 Jan 2025 00:00:00 GMT', 'b=2, c']
      const url = await serviceOf(context, (_, response) => response.writeHead(401, { 'Set-Cookie': cookies }).end())
      const received = await answerOf(context, way, () => fetch(url))
      assert.deepEqual(valuesOf(received, 'set-cookie'), cookies)
    })
  })

  describe(`a Response that the app makes, returned by ${way}`, () => {
    for (const [coding, bytes] of Object.entries(encoded)) {
      it(`keeps Content-Encoding if its body is encoded: ${coding}`, async (context) => {
        for (const length of [{}, { 'Content-Length': String(bytes.length) }]) {
          const headers = { 'Content-Encoding': coding, ...length }
          const received = await answerOf(
            context,
            way,
            () => new Response(Buffer.from(bytes), { status: 401, headers }),
          )
          checkWhole(received, 401, bytes)
          assert.deepEqual(valuesOf(received, 'content-encoding'), [coding])
        }
      })
    }

    it('keeps a digest of a body that has no coding', async (context) => {
      const headers = { 'Content-Digest': 'sha-256=:x:' }
      const received = await answerOf(context, way, () => new Response(plain, { status: 401, headers }))
      assert.deepEqual(valuesOf(received, 'content-digest'), ['sha-256=:x:'])
    })

    it('keeps a coding that fetch does not decode', async (context) => {
      const headers = { 'Content-Encoding': 'compress' }
      const received = await answerOf(context, way, () => new Response(plain, { status: 401, headers }))
      assert.deepEqual(valuesOf(received, 'content-encoding'), ['compress'])
    })

    const { Other } = runInContext(
      `({ Other: class {
        constructor(body, cookies) { this.bytes = Uint8Array.from(body); this.cookies = cookies }
        get status() { return 401 }
        get headers() { return new Map([['set-cookie', this.cookies], ['x-kept', '3'], ['keep-alive', 'x']]) }
        async arrayBuffer() { return this.bytes.buffer }
      } })`,
      createContext({}),
    )
    class Extended extends Response {}
    const joined = { 'set-cookie': ['a=1, b', 'c=2'], 'x-kept': ['3'], connection: ['close'] }
    const base = { status: 401, arrayBuffer: async () => sentence.buffer.slice(0, sentence.length) }
    /** Responses of classes other than the platform's, with the cookies that must arrive. */
    const classes: Readonly<Record<string, readonly [answer: () => unknown, cookies: readonly string[]]>> = {
      'another realm': [() => new Other(sentence, 'a=1'), ['a=1']],
      'a class that extends it': [
        () =>
          new Extended(plain, {
            status: 401,
            headers: [
              ['Set-Cookie', 'a=1'],
              ['Set-Cookie', 'b=2'],
              ['X-Kept', '3'],
            ],
          }),
        ['a=1', 'b=2'],
      ],
      'node-fetch, whose iterator joins cookies': [
        () => ({
          ...base,
          headers: {
            raw: () => joined,
            *[Symbol.iterator]() {
              for (const [name, values] of Object.entries(joined)) yield [name, values.join(', ')]
            },
          },
        }),
        joined['set-cookie'],
      ],
      'an iterator that joins cookies beside getSetCookie': [
        () => ({
          ...base,
          headers: {
            getSetCookie: () => joined['set-cookie'],
            *[Symbol.iterator]() {
              yield ['set-cookie', 'joined']
              yield ['x-kept', '3']
            },
          },
        }),
        joined['set-cookie'],
      ],
      'headers without an iterator': [
        () => ({ ...base, headers: { forEach: (call: (value: string, name: string) => void) => call('3', 'x-kept') } }),
        [],
      ],
      'a body that is a view': [() => ({ ...base, headers: [['x-kept', '3']], arrayBuffer: async () => sentence }), []],
    }
    for (const [what, [answer, cookies]] of Object.entries(classes)) {
      it(`may be of another class: ${what}`, async (context) => {
        const received = await answerOf(context, way, answer)
        checkWhole(received)
        assert.deepEqual(valuesOf(received, 'set-cookie'), cookies)
        assert.deepEqual(valuesOf(received, 'x-kept'), ['3'])
      })
    }

    it('has its length in the answer to HEAD only if the body is known, RFC 9110 §8.6', async (context) => {
      if (way !== 'request of serve') return
      const url = await serviceOf(context, (_, response) => response.writeHead(200, { 'Content-Length': 13 }).end())
      const received = await answerOf(context, way, () => fetch(url, { method: 'HEAD' }), 'HEAD')
      assert.deepEqual([received.status, received.body.length], [200, 0])
      assert.deepEqual(valuesOf(received, 'content-length'), [])
    })
  })

  describe(`an answer that can't be sent, returned by ${way}`, () => {
    const readOnce = async () => {
      const response = new Response(plain)
      await response.text()
      return response
    }
    const failing = () =>
      new Response(new ReadableStream({ start: (controller) => controller.error(new Error('the service broke off')) }))
    /** Each with the words of its error. */
    const wrong: Readonly<Record<string, readonly [answer: () => unknown, words: RegExp]>> = {
      'a Response without a status': [() => Response.error(), /status of an answer/],
      'a Response whose body is read': [readOnce, /body|used|disturbed|read/i],
      'a Response whose body fails': [failing, /broke off/],
      'a status of 101': [() => ({ status: 101 }), /status of an answer .* not 101/],
      'a status that is text': [() => ({ status: '401' }), /not a value of type string/],
      'a field that breaks out of its line': [() => ({ status: 401, headers: { 'X-A': 'a\r\nb' } }), /X-A/],
      'Keep-Alive in an object': [() => ({ status: 401, headers: { 'Keep-Alive': 'timeout=5' } }), /Keep-Alive/],
      'Connection: keep-alive in an object': [
        () => ({ status: 401, headers: { connection: 'keep-alive' } }),
        /keep-alive/,
      ],
      'Transfer-Encoding in an object': [
        () => ({ status: 401, headers: { 'transfer-encoding': 'chunked' } }),
        /transfer-encoding/,
      ],
      'Trailer in an object': [() => ({ status: 401, headers: [['Trailer', 'X']] }), /Trailer/],
      'TE in an object': [() => ({ status: 401, headers: { TE: 'trailers' } }), /TE/],
      'Proxy-Connection in an object': [
        () => ({ status: 401, headers: { 'Proxy-Connection': 'x' } }),
        /Proxy-Connection/,
      ],
      'headers that are text': [() => ({ status: 401, headers: 'X-A: b' }), /headers of an answer .* text/],
      'headers that are no pairs': [
        () => ({ status: 401, headers: [['X-A', 'b', 'X-C']] }),
        /headers of an answer .* list/,
      ],
      'a body that is a stream': [
        () => ({ status: 401, body: new ReadableStream() }),
        /body of an answer .* an object/,
      ],
      'a body that is a number': [() => ({ status: 401, body: 5 }), /body of an answer .* 5/],
    }
    for (const [what, [answer, words]] of Object.entries(wrong)) {
      it(`is answered 500 and told to error: ${what}`, async (context) => {
        const received = await answerOf(context, way, answer)
        assert.equal(received.status, 500)
        assert.deepEqual(valuesOf(received, 'connection'), ['close'])
        assert.equal(received.errors.length, 1)
        assert.match(received.errors[0]!.message, words)
      })
    }
  })

  describe(`an object returned by ${way}`, () => {
    it('is sent with one Connection, one Content-Length and all its cookies', async (context) => {
      const headers = { Connection: 'close', 'Content-Length': '5', 'Set-Cookie': ['a=1', 'b=2'] }
      for (const body of [
        plain,
        sentence,
        sentence.buffer.slice(0, sentence.length),
        new DataView(sentence.slice().buffer),
      ]) {
        const received = await answerOf(context, way, () => ({ status: 401, headers, body }) as unknown as HttpAnswer)
        checkWhole(received)
        assert.deepEqual(valuesOf(received, 'set-cookie'), ['a=1', 'b=2'])
      }
    })
  })
}

describe('an answer of upgrade with a member that is none', () => {
  for (const [answer, words] of [
    [{ statu: 401 }, /answered with the text "statu": an answer has a status that refuses, or data, headers/],
    [{ code: 401 }, /"code"/],
    [{ data: 1, user: 'ann' }, /"user"/],
    [Object.create({ staus: 401 }), /"staus"/],
  ] as const) {
    it(`refuses the client: ${Object.keys(answer).join(', ') || 'an inherited member'}`, async (context) => {
      const received = await answerOf(context, 'upgrade of serve', () => answer as never)
      assert.equal(received.status, 500)
      assert.equal(received.errors.length, 1)
      assert.match(received.errors[0]!.message, words)
    })
  }
})

describe('a value of request that is no answer', () => {
  for (const [value, words] of [
    [undefined, 'returned undefined'],
    [null, 'returned null'],
    [true, 'returned true'],
    ['hello', 'returned the text "hello"'],
    [{ body: 'x' }, 'returned an object: '],
  ] as const) {
    it(`is answered 500 and told to error: ${String(value)}`, async (context) => {
      const { status, errors } = await answerOf(context, 'request of serve', () => value)
      assert.equal(status, 500)
      assert.ok(errors[0] instanceof UsageError && errors[0].code === 'requestAnswerInvalid')
      assert.ok(errors[0].message.includes(words), errors[0].message)
    })
  }
})

describe('the fields of the 101', () => {
  for (const name of ['Connection', 'Upgrade', 'Content-Length', ...concernConnection]) {
    it(`are the handshake's if they concern the connection: ${name}`, async (context) => {
      const { status, errors } = await answerOf(context, 'upgrade of serve', () => ({ headers: { [name]: 'x' } }))
      assert.equal(status, 500)
      assert.match(errors[0]!.message, new RegExp(`the handshake sets ${name} itself`))
    })
  }
})

describe('a subprotocol that the client does not offer, RFC 6455 §4.2.2 (5)', () => {
  for (const way of ['upgrade of serve', 'upgrade of attach']) {
    for (const [what, answer] of [
      ['at once', () => ({ protocol: 'chat' })],
      ['by promise', async () => ({ protocol: 'chat' })],
      ['with fields', () => ({ protocol: 'chat', headers: { 'X-A': 'b' } })],
    ] as const) {
      it(`is answered 400 and told to error: ${what}, ${way}`, async (context) => {
        const received = await answerOf(context, way, answer)
        assert.equal(received.status, 400)
        assert.match(received.body.toString(), /requires the subprotocol "chat"/)
        assert.deepEqual(valuesOf(received, 'sec-websocket-protocol'), [])
        assert.equal(received.errors.length, 1)
        assert.ok(received.errors[0] instanceof UsageError && received.errors[0].code === 'protocolNotOffered')
      })
    }
  }
})

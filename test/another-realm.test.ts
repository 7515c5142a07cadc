import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import vm from 'node:vm'
import { generate } from 'selfsigned'
import { WebSocket, WebSocketError, WebSocketStream } from 'twoway'
import { attach, type ServeOptions, type Server, type ServerSocket, serve } from 'twoway/server'

/** A value that was made in another realm: it has the same slots, and other prototypes. */
function foreign<Value>(code: string, values: object = {}): Value {
  return vm.runInNewContext(`(${code})`, values) as Value
}

const bytes: readonly string[] = [
  'new ArrayBuffer(3)',
  'new Uint8Array(3)',
  'new Uint8Array(8).subarray(2, 5)',
  'new Uint8ClampedArray(3)',
  'new Int8Array(3)',
  'new DataView(new ArrayBuffer(5), 1, 3)',
  // Its prototype says nothing of its kind.
  'Object.setPrototypeOf(new Uint8Array(3), null)',
  'Object.setPrototypeOf(new ArrayBuffer(3), null)',
]

const sources: Readonly<Record<string, (item: string) => string>> = {
  array: (item) => `[${item}]`,
  set: (item) => `new Set([${item}])`,
  generator: (item) => `(function* () { yield ${item} })()`,
  'asynchronous generator': (item) => `(async function* () { yield ${item} })()`,
  'asynchronous iterable': (item) =>
    `{ [Symbol.asyncIterator]() { let n = 0; return { next: async () => ({ done: n++ > 0, value: ${item} }) } } }`,
  'stream of the web': (item) =>
    `{ getReader() { let n = 0; return { read: async () => ({ done: n++ > 0, value: ${item} }), cancel() {} } } }`,
}

describe('values of another realm', { timeout: 120_000 }, () => {
  let server: Server<undefined>
  let client: WebSocket
  let connection: ServerSocket<undefined>
  const received: number[] = []
  const waiting: (() => void)[] = []

  before(async () => {
    server = await serve({
      port: 0,
      upgrade: ({ protocols: [protocol] }) => (protocol === undefined ? {} : { protocol }),
      message: (socket, message) => void socket.send(message),
    })
    client = new WebSocket(server.url)
    client.binaryType = 'arraybuffer'
    client.onmessage = ({ data }) => {
      received.push(data.byteLength ?? data.length)
      waiting.shift()?.()
    }
    await once(client as unknown as EventTarget, 'open')
    ;[connection] = server.connections as unknown as [ServerSocket<undefined>]
  })
  after(() => server.close())

  /** The length of the one message that the client receives. */
  async function lengthAfter(send: () => unknown): Promise<number> {
    const arrived = new Promise<void>((resolve) => {
      waiting.push(resolve)
    })
    await send()
    await arrived
    return received.pop()!
  }

  for (const code of bytes) {
    const make = (): Uint8Array => foreign(code)
    test(`send, broadcast, ping and messages in pieces take ${code}`, async () => {
      assert.equal(await lengthAfter(() => client.send(make())), 3, 'client')
      assert.equal(await lengthAfter(() => connection.send(make())), 3, 'server')
      assert.equal(await lengthAfter(() => server.broadcast(make())), 3, 'broadcast')
      assert.equal(await lengthAfter(() => connection.sendStream([make()])), 3, 'sendStream')
      assert.equal(await lengthAfter(() => connection.sendFrom([make()])), 3, 'sendFrom')
      connection.ping(make())
      const stream = new WebSocketStream(server.url)
      const { readable, writable } = await stream.opened
      await writable.getWriter().write(make())
      assert.equal((await readable.getReader().read()).value?.length, 3, 'WebSocketStream')
      stream.close()
      await stream.closed
    })
  }

  for (const [name, sourceOf] of Object.entries(sources)) {
    test(`sendStream and sendFrom take a source: ${name}`, async () => {
      const code = sourceOf('new ArrayBuffer(3)')
      assert.equal(await lengthAfter(() => connection.sendStream(foreign(code))), 3)
      assert.equal(await lengthAfter(() => connection.sendFrom(foreign(code))), 3)
    })
  }

  test('a Blob of another class is sent by its content', async () => {
    class OtherBlob {
      readonly #size = 3
      get size(): number {
        return this.#size
      }
      get [Symbol.toStringTag](): string {
        return 'Blob'
      }
      async arrayBuffer(): Promise<ArrayBuffer> {
        return new ArrayBuffer(this.#size)
      }
    }
    assert.equal(await lengthAfter(() => client.send(new OtherBlob() as unknown as Blob)), 3)
    assert.equal(await lengthAfter(() => client.send(Object.create(OtherBlob.prototype))), '[object Blob]'.length)
    assert.equal(await lengthAfter(() => client.send(Object.create(Blob.prototype))), '[object Blob]'.length)
  })

  const clientOptions: Readonly<Record<string, () => object>> = {
    'the options': () => foreign('{ protocols: [] }'),
    'options without a prototype': () => foreign('Object.assign(Object.create(null), { protocols: [] })'),
    'headers as an object': () => ({ headers: foreign("{ 'X-A': 'b', 'X-B': ['c', 'd'] }") }),
    'headers as a list': () => ({ headers: foreign("[['X-A', 'b']]") }),
    'headers as a Map': () => ({ headers: foreign("new Map([['X-A', 'b']])") }),
    'a list of protocols': () => ({ protocols: foreign("['a', 'b']") }),
    'a set of protocols': () => ({ protocols: foreign("new Set(['a', 'b'])") }),
    'parameters of compression': () => ({ perMessageDeflate: foreign('{}') }),
    'a list of parameters': () => ({ perMessageDeflate: foreign('[{}]') }),
    'ca as bytes': () => ({ ca: foreign('new Uint8Array(3)') }),
    'ca as a list': () => ({ ca: foreign('[new Uint8Array(3)]') }),
    'a function for names': () => ({ lookup: foreign('() => {}') }),
    'a signal': () => ({
      signal: foreign('{ aborted: false, reason: undefined, addEventListener() {}, removeEventListener() {} }'),
    }),
    'a signal without a prototype of this realm': () => {
      const { signal } = new AbortController()
      return { signal: Object.setPrototypeOf(signal, foreign('class extends P {}.prototype', { P: AbortSignal })) }
    },
  }
  for (const [name, make] of Object.entries(clientOptions)) {
    test(`a client takes ${name}`, async () => {
      const options = make()
      const socket = new WebSocket(server.url, options)
      await once(socket as unknown as EventTarget, 'open')
      socket.close()
      const stream = new WebSocketStream(server.url, options)
      await stream.opened
      stream.close()
    })
  }

  test('a WebSocketStream closes with the WebSocketError of another realm that its writer was aborted with', async () => {
    const stream = new WebSocketStream(server.url)
    const { writable } = await stream.opened
    const { closeCode, reason } = new WebSocketError('', { closeCode: 4000, reason: 'bye' })
    const error = foreign('Object.assign(new E(), { closeCode, reason })', {
      E: class {
        get [Symbol.toStringTag](): string {
          return 'WebSocketError'
        }
      },
      closeCode,
      reason,
    })
    await writable.abort(error)
    assert.deepEqual(await stream.closed, { closeCode: 4000, reason: 'bye' })
  })

  test('an Error of another realm that a handler throws reaches `error` as it is', async () => {
    const thrown = foreign<Error>("new TypeError('of another realm')")
    const seen = new Promise((resolve) => {
      void serve({ port: 0, open: () => Promise.reject(thrown), error: (_, error) => resolve(error) }).then((other) => {
        const socket = new WebSocket(other.url)
        socket.onclose = () => other.close()
      })
    })
    assert.equal(await seen, thrown)
  })

  const serverOptions: Readonly<Record<string, () => ServeOptions<undefined> | Promise<ServeOptions<undefined>>>> = {
    'the options': () => foreign('{ port: 0 }'),
    'options without a prototype': () => foreign('Object.assign(Object.create(null), { port: 0 })'),
    origin: () => ({ port: 0, origin: foreign("['https://example.com']") }),
    hosts: () => ({ port: 0, hosts: foreign("['example.com']") }),
    'parameters of compression': () => ({ port: 0, perMessageDeflate: foreign('{}') }),
    tls: async () => {
      const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
      return { port: 0, tls: foreign('{ cert, key }', { cert, key }) }
    },
  }
  for (const [name, make] of Object.entries(serverOptions)) {
    test(`a server takes ${name}`, async () => {
      const other = await serve(await make())
      const socket = new WebSocket(other.url, { rejectUnauthorized: false })
      await once(socket as unknown as EventTarget, 'open')
      await other.close()
    })
  }

  test('a server takes a handle', async () => {
    const error = await serve({ handle: foreign('{ fd: 99999 }') }).then(undefined, (reason: Error) => reason)
    assert.notEqual((error as Error & { code?: string }).code, 'optionInvalid')
  })

  const answers: Readonly<Record<string, { readonly code: string; readonly protocol?: string }>> = {
    'an object': { code: "() => ({ protocol: 'a' })", protocol: 'a' },
    'a promise': { code: "async () => ({ protocol: 'a' })", protocol: 'a' },
    'an object with headers': { code: "() => ({ headers: { 'X-A': 'b' } })" },
    'a list of headers': { code: "() => ({ headers: [['X-A', 'b']] })" },
  }
  for (const [name, { code, protocol = '' }] of Object.entries(answers)) {
    test(`upgrade returns ${name}, in serve and attach`, async () => {
      const upgrade = foreign<() => { protocol?: string }>(code)
      const http = createServer().listen(0, '127.0.0.1')
      await once(http, 'listening')
      const attached = attach(http, { upgrade })
      const other = await serve({ port: 0, upgrade })
      const { port } = http.address() as { port: number }
      for (const url of [other.url, `ws://127.0.0.1:${port}`]) {
        const socket = new WebSocket(url, protocol === '' ? [] : [protocol])
        await once(socket as unknown as EventTarget, 'open')
        assert.equal(socket.protocol, protocol)
        socket.close()
      }
      await other.close()
      await attached.close()
      http.close()
    })
  }
})

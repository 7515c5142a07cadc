import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { clientFrame, frame, fromHex } from 'twoway-testing/bytes.js'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { type Network, networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { HandshakeError, ProtocolError, TransportError, UsageError } from '../../core/errors.js'
import type { ServeOptions } from '../../server/handler-types.js'
import type { Server } from '../../server/server-types.js'
import { defineWebSocket } from './websocket.js'
import type { WebSocket as WebSocketInterface, WebSocketOptions } from './websocket-types.js'

/** Runs a test with a server, and a way for clients to it. */
async function withClients<Data>(
  network: Network,
  options: ServeOptions<Data>,
  test: (
    connect: (path?: string, options?: WebSocketOptions) => WebSocketInterface,
    server: Server<Data>,
  ) => Promise<void>,
): Promise<void> {
  const WebSocket = defineWebSocket(network.clientPorts)
  await withServer(network, options, (server) =>
    test((path = '/', more = {}) => new WebSocket(server.url + path, { ...network.clientTls, ...more }), server),
  )
}

/** Resolves with the next event of a type. */
function next<Type extends 'open' | 'message' | 'error' | 'close'>(socket: WebSocketInterface, type: Type) {
  return new Promise<Parameters<NonNullable<WebSocketInterface[`on${Type}`]>>[0]>((resolve) => {
    socket.addEventListener(type, resolve as () => void, { once: true })
  })
}

const undecided: ServeOptions<undefined> = { handshakeTimeoutMs: 300, upgrade: () => new Promise<undefined>(() => {}) }
const echo: ServeOptions<undefined> = { message: (socket, message) => socket.send(message) }

for (const network of networks) {
  describe(`WebSocket over ${network.name}`, () => {
    it('goes through its four states, and its events come in order', async () => {
      await withClients(network, echo, async (connect) => {
        const log: string[] = []
        const socket = connect()
        for (const type of ['open', 'message', 'error', 'close']) {
          socket.addEventListener(type, () => log.push(`${type} ${socket.readyState}`))
        }
        assert.equal(socket.readyState, socket.CONNECTING)
        await next(socket, 'open')
        socket.send('Hello WebSockets!')
        assert.equal((await next(socket, 'message')).data, 'Hello WebSockets!')
        socket.close(1000, 'bye')
        assert.equal(socket.readyState, socket.CLOSING)
        const { code, reason, wasClean } = await next(socket, 'close')
        assert.deepEqual([code, reason, wasClean], [1000, 'bye', true])
        assert.deepEqual(log, ['open 1', 'message 1', 'close 3'])
      })
    })

    it('sends text, Blob, ArrayBuffer and views, in the order of the calls', async () => {
      const seen: string[] = []
      const options: ServeOptions<undefined> = {
        message: (_, message) =>
          seen.push(typeof message === 'string' ? message : Buffer.from(message).toString('hex')),
        close: () => seen.push('close'),
      }
      await withClients(network, options, async (connect) => {
        const socket = connect()
        await next(socket, 'open')
        const buffer = Uint8Array.of(1, 2, 3, 4).buffer
        socket.send('grüß')
        socket.send(new Blob(['blob', ' one']))
        socket.send(buffer)
        socket.send('behind')
        socket.send(new DataView(buffer, 1, 2))
        socket.send(new Blob([]))
        socket.send(5 as unknown as string)
        new Uint8Array(buffer).fill(9)
        socket.close()
        await next(socket, 'close')
        const blob = Buffer.from('blob one').toString('hex')
        assert.deepEqual(seen.slice(0, 7), ['grüß', blob, '01020304', 'behind', '0203', '', '5'])
      })
    })

    it('fails the connection if a Blob that was sent before close is not read within closeTimeoutMs', async () => {
      class Unread extends Blob {
        override arrayBuffer(): Promise<ArrayBuffer> {
          return new Promise(() => {})
        }
      }
      const codes: number[] = []
      await withClients(network, { close: (_, { code }) => codes.push(code) }, async (connect) => {
        const socket = connect('/', { closeTimeoutMs: 20 })
        await next(socket, 'open')
        socket.send(new Unread(['a']))
        socket.close(1000)
        const failed = next(socket, 'error')
        assert.equal((await next(socket, 'close')).wasClean, false)
        assert.match(String((await failed).error), /Blob .* was not read within 20 ms/)
      })
      assert.deepEqual(codes, [1011])
    })

    it('delivers binary messages as Blob or ArrayBuffer, by the binaryType at their arrival', async () => {
      await withClients(network, echo, async (connect) => {
        const socket = connect()
        assert.equal(socket.binaryType, 'blob')
        await next(socket, 'open')
        socket.send(fromHex('00ff'))
        const { data: blob } = await next(socket, 'message')
        assert.ok(blob instanceof Blob)
        assert.deepEqual([...new Uint8Array(await blob.arrayBuffer())], [0, 255])
        socket.binaryType = 'arraybuffer'
        socket.binaryType = 'other' as 'blob'
        socket.send(fromHex('00ff'))
        const { data, origin } = await next(socket, 'message')
        assert.ok(data instanceof ArrayBuffer)
        assert.deepEqual([...new Uint8Array(data)], [0, 255])
        assert.equal(origin, new URL(socket.url).origin)
        socket.close()
        await next(socket, 'close')
      })
    })

    it('counts unsent bytes in bufferedAmount, down to 0, and keeps them after closing', async () => {
      const options: ServeOptions<undefined> = { maxMessageBytes: 20_000_000, message: () => {} }
      await withClients(network, options, async (connect, server) => {
        const socket = connect()
        await next(socket, 'open')
        const [peer] = server.connections
        peer!.pause()
        socket.send('äö')
        assert.equal(socket.bufferedAmount, 4)
        socket.send(new Blob(['12345']))
        socket.send('x')
        assert.equal(socket.bufferedAmount, 10)
        socket.send(new Uint8Array(15_000_000))
        await Promise.resolve()
        assert.equal(socket.bufferedAmount, 15_000_010)
        peer!.resume()
        while (socket.bufferedAmount > 0) await new Promise((resolve) => setImmediate(resolve))
        socket.close()
        socket.send('lost')
        assert.equal(socket.bufferedAmount, 4)
        await next(socket, 'close')
        socket.send('more')
        assert.equal(socket.bufferedAmount, 8)
      })
    })

    it('agrees on a subprotocol, and sends header fields, an origin and credentials', async () => {
      const options: ServeOptions<undefined> = {
        origin: ['https://app.example'],
        upgrade: ({ protocols }) => ({ protocol: protocols[1] }),
        open: (socket) =>
          socket.send(['x-a', 'origin', 'authorization'].map((name) => socket.request.headers.get(name)).join()),
      }
      await withClients(network, options, async (connect, server) => {
        const headers = { 'X-A': 'b' }
        const socket = connect('/', { protocols: ['one', 'two'], headers, origin: 'https://app.example' })
        const { data } = await next(socket, 'message')
        assert.equal(socket.protocol, 'two')
        assert.equal(socket.extensions, '')
        assert.equal(data, 'b,https://app.example,')
        const WebSocket = defineWebSocket(network.clientPorts)
        const url = server.url.replace('://', '://us%C3%A9r:p%40ss@')
        const known = new WebSocket(url, { ...network.clientTls, protocols: ['one', 'two'] })
        const credentials = Buffer.from('usér:p@ss').toString('base64')
        assert.equal((await next(known, 'message')).data, `,,Basic ${credentials}`)
        const both = new WebSocket(url, {
          ...network.clientTls,
          protocols: ['one', 'two'],
          headers: { authorization: 'Bearer x' },
        })
        assert.equal((await next(both, 'message')).data, ',,Bearer x')
        both.close()
        socket.close()
        known.close()
        await Promise.all([next(socket, 'close'), next(known, 'close'), next(both, 'close')])
      })
    })

    it('delivers a message to a listener that is added after open was awaited', async () => {
      await withClients(network, { open: (socket) => socket.send('at once') }, async (connect) => {
        const socket = connect()
        await next(socket, 'open')
        await Promise.resolve()
        assert.equal((await next(socket, 'message')).data, 'at once')
        socket.close()
        await next(socket, 'close')
      })
    })

    it('gives each event a task of its own, so that code that awaits one is in time for the next', async () => {
      const options: ServeOptions<undefined> = {
        open(socket) {
          for (let count = 1; count <= 3; count++) socket.send(String(count))
          socket.close(4000)
        },
      }
      await withClients(network, options, async (connect) => {
        const socket = connect()
        await next(socket, 'open')
        for (let count = 1; count <= 3; count++) {
          for (let hop = 0; hop < 10; hop++) await undefined
          assert.equal((await next(socket, 'message')).data, String(count))
          assert.equal(socket.readyState, socket.OPEN)
        }
        for (let hop = 0; hop < 10; hop++) await undefined
        assert.equal((await next(socket, 'close')).code, 4000)
      })
    })

    it('lets promises run between all messages of a read that has thousands', async () => {
      const count = 3000
      const options: ServeOptions<undefined> = {
        open(socket) {
          for (let index = 0; index < count; index++) socket.send(`${index}`)
        },
      }
      await withClients(network, options, async (connect) => {
        const socket = connect()
        const log: number[] = []
        await new Promise<void>((resolve) => {
          socket.onmessage = async ({ data }) => {
            log.push(+data)
            for (let hop = 0; hop < 5; hop++) await undefined
            log.push(+data)
            if (log.length === 2 * count) resolve()
          }
        })
        assert.deepEqual(
          log,
          Array.from({ length: 2 * count }, (_, at) => at >> 1),
        )
      })
    })

    it('keeps bufferedAmount if the server drops the connection, and fires error before close', async () => {
      const options: ServeOptions<undefined> = { maxMessageBytes: 64 << 20 }
      await withClients(network, options, async (connect, server) => {
        const socket = connect()
        await next(socket, 'open')
        const [peer] = server.connections
        peer!.pause()
        socket.send(new Uint8Array(32 << 20))
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        const waiting = socket.bufferedAmount
        assert.ok(waiting > 0)
        peer!.terminate()
        const { error } = await next(socket, 'error')
        assert.ok(error instanceof TransportError)
        assert.equal(socket.readyState, socket.CLOSED)
        for (let hop = 0; hop < 10; hop++) await undefined
        assert.equal((await next(socket, 'close')).code, 1006)
        const left = socket.bufferedAmount
        assert.ok(left > 0 && left <= waiting, `${left} of ${waiting}`)
      })
    })

    it('reports the close of the server with its code and reason', async () => {
      const options: ServeOptions<undefined> = {
        message(socket, message) {
          if (message === 'plain') socket.close()
          else socket.close(4001, '再见')
        },
      }
      await withClients(network, options, async (connect) => {
        for (const [message, expected] of [
          ['plain', [1005, '', true]],
          ['code', [4001, '再见', true]],
        ] as const) {
          const socket = connect()
          await next(socket, 'open')
          socket.send(message)
          const { code, reason, wasClean } = await next(socket, 'close')
          assert.deepEqual([code, reason, wasClean], expected)
        }
      })
    })

    it('reports 1006 and not clean if the server drops the connection', async () => {
      await withClients(network, { open: (socket) => socket.terminate() }, async (connect) => {
        const { code, wasClean } = await next(connect(), 'close')
        assert.deepEqual([code, wasClean], [1006, false])
      })
    })

    it('delivers nothing after close() was called within a handler', async () => {
      const options: ServeOptions<undefined> = {
        open(socket) {
          for (let count = 1; count <= 5; count++) socket.send(String(count))
        },
      }
      await withClients(network, options, async (connect) => {
        const socket = connect()
        const seen: string[] = []
        socket.onmessage = ({ data }) => {
          seen.push(data)
          if (data === '2') socket.close()
        }
        await next(socket, 'close')
        assert.deepEqual(seen, ['1', '2'])
      })
    })

    it('refuses a message above its limit with 1009 and the reason', async () => {
      let seen = 0
      const options: ServeOptions<undefined> = {
        open: (socket) => socket.send(new Uint8Array(1001)),
        close(_, { code }) {
          seen = code
        },
      }
      await withClients(network, options, async (connect) => {
        const socket = connect('/', { maxMessageBytes: 1000 })
        const closed = next(socket, 'close')
        const { error } = await next(socket, 'error')
        assert.ok(error instanceof ProtocolError)
        assert.equal(error.code, 'messageTooBig')
        assert.equal((await closed).code, 1006)
      })
      assert.equal(seen, 1009)
    })
  })

  describe(`WebSocket over ${network.name}: a handshake that fails`, () => {
    async function failure(socket: WebSocketInterface): Promise<unknown> {
      const closed = next(socket, 'close')
      const { error } = await next(socket, 'error')
      assert.equal(socket.readyState, socket.CLOSED)
      const { code, reason, wasClean } = await closed
      assert.deepEqual([code, reason, wasClean], [1006, '', false])
      return error
    }

    it('reports the status with which the server refused', async () => {
      await withClients(network, { upgrade: () => ({ status: 403, body: 'no' }) }, async (connect) => {
        const error = await failure(connect())
        assert.ok(error instanceof HandshakeError)
        assert.deepEqual([error.code, error.status], ['statusNot101', 403])
      })
    })

    it('reports that nothing listens, with the system’s error as cause', async () => {
      const WebSocket = defineWebSocket(network.clientPorts)
      let url = ''
      await withClients(network, {}, async (_, server) => {
        url = server.url
      })
      const error = await failure(new WebSocket(url))
      assert.ok(error instanceof TransportError)
      assert.equal((error.cause as { code: string }).code, 'ECONNREFUSED')
    })

    it('reports that the server took too long', async () => {
      await withClients(network, undecided, async (connect) => {
        const error = await failure(connect('/', { handshakeTimeoutMs: 20 }))
        assert.ok(error instanceof TransportError)
        assert.match(error.message, /20 ms/)
      })
    })

    it('follows close() and an aborted signal, before and while it connects', async () => {
      await withClients(network, undecided, async (connect) => {
        const closed = connect()
        closed.close()
        assert.equal(closed.readyState, closed.CLOSING)
        assert.ok((await failure(closed)) instanceof TransportError)
        const controller = new AbortController()
        const aborted = failure(connect('/', { signal: controller.signal }))
        controller.abort(new Error('changed my mind'))
        assert.match(String(((await aborted) as Error).cause), /changed my mind/)
        assert.ok((await failure(connect('/', { signal: controller.signal }))) instanceof TransportError)
      })
    })
  })
}

describe('WebSocket: errors of its caller', () => {
  const { clientPorts } = networks[0]!
  const WebSocket = defineWebSocket(clientPorts)
  const throwsDom = (call: () => unknown, name: string): void => {
    assert.throws(call, (error) => error instanceof DOMException && error.name === name)
  }

  it('an invalid URL, another scheme and a fragment are a SyntaxError', () => {
    for (const url of ['', 'nonsense', '/path', 'ftp://localhost', 'ws://localhost/#a', 'ws://localhost/#', 'ws://']) {
      throwsDom(() => new WebSocket(url), 'SyntaxError')
    }
  })

  it('http and https become ws and wss', async () => {
    for (const [given, url] of [
      ['http://localhost:1/a?b', 'ws://localhost:1/a?b'],
      ['https://localhost:1', 'wss://localhost:1/'],
      ['WS://LOCALHOST:1', 'ws://localhost:1/'],
    ] as const) {
      const socket = new WebSocket(new URL(given))
      assert.equal(socket.url, url)
      await next(socket, 'close')
    }
  })

  it('subprotocols that are no tokens, or not distinct, are a SyntaxError', () => {
    for (const protocols of ['', 'a b', 'a,b', 'ä', ['a', 'a'], ['a', '']]) {
      throwsDom(() => new WebSocket('ws://localhost:1', protocols), 'SyntaxError')
      throwsDom(() => new WebSocket('ws://localhost:1', { protocols }), 'SyntaxError')
    }
  })

  it('options as the third argument, as in ws, are refused; other third arguments are ignored, as WebIDL says', async () => {
    const construct = (...given: unknown[]): WebSocketInterface => Reflect.construct(WebSocket, given)
    for (const third of [{ headers: {} }, [], new Map()]) {
      assert.throws(() => construct('ws://localhost:1', [], third), {
        name: 'UsageError',
        code: 'optionInvalid',
        message: /its options as the second argument, not the third/,
      })
    }
    for (const third of [undefined, null, 'text', 1, () => {}]) {
      const socket = construct('ws://localhost:1', [], third)
      await next(socket, 'close')
    }
  })

  it('an option that cannot be used is a UsageError', () => {
    for (const options of [{ maxMessageBytes: 0 }, { closeTimeoutMs: -1 }, { handshakeTimeoutMs: Number.NaN }]) {
      assert.throws(() => new WebSocket('ws://localhost:1', options), UsageError)
    }
    assert.throws(() => new WebSocket('ws://localhost:1', { headers: { 'X-A': 'b\r\nc' } }), UsageError)
    assert.throws(() => new WebSocket('ws://localhost:1', { headers: { Upgrade: 'h2c' } }), UsageError)
  })

  it('send() while connecting is an InvalidStateError; close() takes 1000 and 3000 to 4999, and 123 bytes', async () => {
    const socket = new WebSocket('ws://localhost:1')
    throwsDom(() => socket.send('x'), 'InvalidStateError')
    for (const code of [0, 999, 1001, 1005, 2999, 5000, 65_536 + 1000, Number.NaN]) {
      throwsDom(() => socket.close(code), 'InvalidAccessError')
    }
    throwsDom(() => socket.close(1000, 'x'.repeat(124)), 'SyntaxError')
    throwsDom(() => socket.close(1000, '字'.repeat(42)), 'SyntaxError')
    assert.equal(socket.readyState, socket.CONNECTING)
    socket.close(4999, '字'.repeat(41))
    await next(socket, 'close')
  })
})

describe('WebSocket: its interface', () => {
  const WebSocket = defineWebSocket(networks[0]!.clientPorts)

  it('has the constants on the class and on instances, and they cannot be changed', () => {
    for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
      for (const owner of [WebSocket, WebSocket.prototype]) {
        const expected = { value, enumerable: true, writable: false, configurable: false }
        assert.deepEqual(Object.getOwnPropertyDescriptor(owner, name), expected)
      }
    }
  })

  it('writes once for all that is sent by the listeners to the messages of one read, but for the first', async (context) => {
    const count = 40
    const WebSocket = defineWebSocket(networks.find(({ name }) => name === 'TCP')!.clientPorts)
    const received = await new Promise<readonly number[]>((resolve, reject) => {
      const onSocket = async (socket: Socket): Promise<void> => {
        const head = await readHead(socket)
        const sizes: number[] = []
        socket.on('data', ({ length }) => {
          sizes.push(length)
          if (sizes.reduce((sum, size) => sum + size) === count * clientFrame(1, 'x').length) resolve(sizes)
        })
        socket.resume()
        socket.write(acceptance(head, Buffer.alloc(0)))
        setImmediate(() =>
          socket.write(Buffer.concat(Array.from({ length: count }, () => frame({ opcode: 1, payload: 'x' })))),
        )
      }
      listenOnLoopback(context, (socket) => void onSocket(socket).catch(reject)).then(({ port }) => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}`)
        socket.onmessage = async ({ data }) => {
          await undefined
          socket.send(data)
        }
      }, reject)
    })
    assert.ok(received.length <= 3, `${received.length} writes arrived`)
  })

  it('calls the current handler in the order of the first one', async () => {
    const socket = new WebSocket('ws://localhost:1')
    const log: string[] = []
    assert.equal(socket.onclose, null)
    socket.onclose = () => log.push('never')
    socket.addEventListener('close', () => log.push('listener'))
    const handler = function (this: unknown): void {
      assert.equal(this, socket)
      log.push('handler')
    }
    socket.onclose = handler
    assert.equal(socket.onclose, handler)
    socket.onerror = () => log.push('error')
    socket.onerror = null
    socket.onerror = 5 as unknown as null
    assert.equal(socket.onerror, null)
    await next(socket, 'close')
    assert.deepEqual(log, ['handler', 'listener'])
  })

  it('honours once, signal and handleEvent', async () => {
    const socket = new WebSocket('ws://localhost:1')
    const log: string[] = []
    const controller = new AbortController()
    socket.addEventListener('close', () => log.push('aborted'), { signal: controller.signal })
    controller.abort()
    socket.addEventListener('close', { handleEvent: ({ type }: Event) => log.push(type) })
    socket.addEventListener('close', () => log.push('once'), { once: true })
    await next(socket, 'close')
    socket.dispatchEvent(new Event('close'))
    assert.deepEqual(log, ['close', 'once', 'close'])
  })
})

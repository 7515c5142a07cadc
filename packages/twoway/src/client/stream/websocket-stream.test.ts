import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Network, networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { HandshakeError, TransportError } from '../../core/errors.js'
import type { ServeOptions } from '../../server/handler-types.js'
import type { Server, ServerSocket } from '../../server/server-types.js'
import { openPlatformSocket } from '../browser/platform-stream-socket.js'
import { defineWebSocket } from '../websocket/websocket.js'
import { WebSocketError } from '../websocket/websocket-error.js'
import { openClientSocket } from './client-stream-socket.js'
import { defineWebSocketStream } from './websocket-stream.js'
import type {
  WebSocketError as WebSocketErrorInterface,
  WebSocketStreamConstructor,
  WebSocketStream as WebSocketStreamInterface,
  WebSocketStreamOptions,
} from './websocket-stream-types.js'

type Connect = (path?: string, options?: WebSocketStreamOptions) => WebSocketStreamInterface

const echo: ServeOptions<undefined> = { message: (socket, message) => void socket.send(message) }

/** The two kinds of sockets under a WebSocketStream, over each network. */
const kinds = networks.flatMap((network) => {
  const WebSocket = defineWebSocket(network.clientPorts)
  class TrustingWebSocket extends (WebSocket as unknown as new (url: string, options: object) => object) {
    constructor(url: string, protocols: readonly string[]) {
      super(url, { protocols, ...network.clientTls })
    }
  }
  return [
    {
      name: `over ${network.name}`,
      network,
      WebSocketStream: defineWebSocketStream(openClientSocket(network.clientPorts)),
      isPlatform: false,
    },
    {
      name: `on a class WebSocket over ${network.name}`,
      network,
      WebSocketStream: defineWebSocketStream(
        openPlatformSocket(TrustingWebSocket as unknown as Parameters<typeof openPlatformSocket>[0]),
      ),
      isPlatform: true,
    },
  ] as const
})

interface Kind {
  readonly network: Network
  readonly WebSocketStream: WebSocketStreamConstructor
  readonly isPlatform: boolean
}

/** Runs a test with a server, and a way for clients to it. */
async function withClients(
  { network, WebSocketStream, isPlatform }: Kind,
  options: ServeOptions<undefined>,
  test: (connect: Connect, server: Server<undefined>) => Promise<void>,
): Promise<void> {
  const clientTls = isPlatform ? {} : network.clientTls
  await withServer(network, options, (server) =>
    test((path = '/', more = {}) => new WebSocketStream(server.url + path, { ...clientTls, ...more }), server),
  )
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Waits until a condition holds; the test runner's time limit is its end. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

/** Lets many turns pass, in which nothing is to happen. */
async function manyTurns(): Promise<void> {
  for (let count = 0; count < 200; count += 1) await turn()
}

async function rejection(promise: Promise<unknown>): Promise<WebSocketErrorInterface> {
  try {
    await promise
  } catch (error) {
    return error as WebSocketErrorInterface
  }
  throw new assert.AssertionError({ message: 'the promise was fulfilled' })
}

for (const kind of kinds) {
  /** Beyond what the network keeps on the way: a kernel some MiB, a pair in memory 64 KiB. */
  const muchBytes = kind.network.name === 'memory' ? 1 << 20 : 16 << 20

  describe(`WebSocketStream ${kind.name}`, () => {
    it('has streams, a subprotocol and extensions once it is open', async () => {
      const options: ServeOptions<undefined> = { ...echo, upgrade: ({ protocols }) => ({ protocol: protocols[1] }) }
      await withClients(kind, options, async (connect, server) => {
        const stream = connect('/path?query', { protocols: ['one', 'two'] })
        assert.equal(stream.url, `${server.url}/path?query`)
        const { readable, writable, protocol, extensions } = await stream.opened
        assert.ok(readable instanceof ReadableStream)
        assert.ok(writable instanceof WritableStream)
        assert.deepEqual([protocol, extensions], ['two', ''])
        stream.close()
        await stream.closed
      })
    })

    it('reads text as a string and binary as a Uint8Array, a chunk a message', async () => {
      await withClients(kind, echo, async (connect) => {
        const stream = connect()
        const { readable, writable } = await stream.opened
        const writer = writable.getWriter()
        const buffer = Uint8Array.of(1, 2, 3, 4).buffer
        await writer.write('grüß')
        await writer.write('')
        await writer.write(buffer)
        await writer.write(new DataView(buffer, 1, 2))
        await writer.write(5 as unknown as string)
        const seen: unknown[] = []
        const reader = readable.getReader()
        for (let count = 0; count < 5; count += 1) seen.push((await reader.read()).value)
        const closed = writer.close()
        assert.deepEqual(seen, ['grüß', '', Uint8Array.of(1, 2, 3, 4), Uint8Array.of(2, 3), '5'])
        assert.deepEqual(await reader.read(), { done: true, value: undefined })
        await closed
      })
    })

    it('rejects a chunk that can not become a text, and sends nothing', async () => {
      const seen: unknown[] = []
      await withClients(kind, { message: (_, message) => void seen.push(message) }, async (connect) => {
        const stream = connect()
        const writer = (await stream.opened).writable.getWriter()
        await assert.rejects(writer.write(Symbol('no text') as unknown as string), TypeError)
        stream.close()
        await stream.closed
        assert.deepEqual(seen, [])
      })
    })

    it('closes with the given status, and reports the peer’s', async () => {
      const statuses = [
        [undefined, 1005, ''],
        [{}, 1005, ''],
        [{ reason: '' }, 1005, ''],
        [{ closeCode: null }, 1005, ''],
        [{ closeCode: 3456, reason: 'pizza' }, 3456, 'pizza'],
        [{ closeCode: 1000 }, 1000, ''],
        [{ reason: 'a reason alone' }, 1000, 'a reason alone'],
      ] as const
      const seen: unknown[] = []
      await withClients(kind, { close: (_, { code, reason }) => void seen.push([code, reason]) }, async (connect) => {
        for (const [closeInfo, closeCode, reason] of statuses) {
          const stream = connect()
          await stream.opened
          stream.close(closeInfo)
          assert.deepEqual(await stream.closed, { closeCode, reason })
        }
      })
      assert.deepEqual(
        seen,
        statuses.map(([, closeCode, reason]) => [closeCode, reason]),
      )
    })

    it('throws for a status that can’t be sent, and stays open', async () => {
      await withClients(kind, echo, async (connect) => {
        const stream = connect()
        const { readable, writable } = await stream.opened
        for (const closeCode of [999, 1001, 1005, 1006, 2999, 5000]) {
          assert.throws(() => stream.close({ closeCode }), { name: 'InvalidAccessError' })
        }
        assert.throws(() => stream.close({ reason: 'ü'.repeat(62) }), { name: 'SyntaxError' })
        assert.throws(() => stream.close({ closeCode: 65_536 }), TypeError)
        assert.throws(() => stream.close({ closeCode: Number.NaN }), TypeError)
        assert.throws(() => stream.close(true as unknown as object), TypeError)
        await writable.getWriter().write('still open')
        assert.equal((await readable.getReader().read()).value, 'still open')
        stream.close({ reason: 'ü'.repeat(61) })
        assert.equal((await stream.closed).reason.length, 61)
      })
    })

    it('ends the readable and closes the writable with an InvalidStateError if the server closes', async () => {
      const options: ServeOptions<undefined> = {
        open(socket) {
          socket.send('last words')
          socket.close(4000, 'enough')
        },
      }
      await withClients(kind, options, async (connect) => {
        const stream = connect()
        const { readable, writable } = await stream.opened
        const writer = writable.getWriter()
        assert.deepEqual(await stream.closed, { closeCode: 4000, reason: 'enough' })
        const reader = readable.getReader()
        assert.equal((await reader.read()).value, 'last words')
        assert.equal((await reader.read()).done, true)
        await assert.rejects(writer.closed, { name: 'InvalidStateError' })
        await assert.rejects(writer.write('too late'), { name: 'InvalidStateError' })
      })
    })

    it('rejects a write while it is closing, so that it does not count as sent', async () => {
      const seen: unknown[] = []
      await withClients(kind, { message: (_, message) => void seen.push(message) }, async (connect) => {
        const stream = connect()
        const writer = (await stream.opened).writable.getWriter()
        await writer.write('in time')
        stream.close()
        await assert.rejects(writer.write('too late'), { name: 'InvalidStateError' })
        await stream.closed
        assert.deepEqual(seen, ['in time'])
      })
    })

    it('closes without a status by closing the writable, which resolves when the server has answered', async () => {
      await withClients(kind, echo, async (connect, server) => {
        const stream = connect()
        const { writable, readable } = await stream.opened
        await until(() => server.connections.size === 1)
        const [peer] = server.connections
        peer!.pause()
        let isDone = false
        const writer = writable.getWriter()
        const written = writer.write('before')
        const closing = writer.close().then(() => {
          isDone = true
        })
        await written
        await manyTurns()
        assert.equal(isDone, false)
        peer!.resume()
        await closing
        await writer.closed
        assert.deepEqual(await stream.closed, { closeCode: 1005, reason: '' })
        assert.equal((await readable.getReader().read()).done, true)
      })
    })

    for (const [side, verb] of [
      ['writable', 'abort'],
      ['readable', 'cancel'],
    ] as const) {
      it(`closes by ${verb} of the ${side}, with the status of a WebSocketError alone`, async () => {
        const reasons = [
          [undefined, 1005, ''],
          [new Error('mine'), 1005, ''],
          [{ closeCode: 3456, reason: 'no error' }, 1005, ''],
          [new WebSocketError('no status'), 1005, ''],
          [new WebSocketError('', { closeCode: 3456, reason: 'set' }), 3456, 'set'],
          [new WebSocketError('', { reason: 'set' }), 1000, 'set'],
        ] as const
        await withClients(kind, echo, async (connect) => {
          for (const [reason, closeCode, closeReason] of reasons) {
            const stream = connect()
            const opened = await stream.opened
            const end = side === 'writable' ? opened.writable.abort(reason) : opened.readable.cancel(reason)
            await end
            assert.deepEqual(await stream.closed, { closeCode, reason: closeReason })
          }
        })
      })
    }

    it('closes without a status for the error of another connection, whose status can’t be sent', async () => {
      await withClients(
        kind,
        { open: (socket) => void (socket.request.url.endsWith('/lost') && socket.terminate()) },
        async (connect) => {
          const lost = await rejection(connect('/lost').closed)
          assert.equal(lost.closeCode, 1006)
          const stream = connect()
          await (await stream.opened).readable.cancel(lost)
          assert.deepEqual(await stream.closed, { closeCode: 1005, reason: '' })
        },
      )
    })

    it('rejects and errors everything with one WebSocketError if the connection is lost', async () => {
      await withClients(kind, { message: (socket) => socket.terminate() }, async (connect) => {
        const stream = connect()
        const { readable, writable } = await stream.opened
        const reader = readable.getReader()
        const writer = writable.getWriter()
        await writer.write('hang up')
        const error = await rejection(stream.closed)
        assert.ok(error instanceof WebSocketError)
        assert.ok(error instanceof DOMException)
        assert.deepEqual([error.name, error.closeCode, error.reason, error.code], ['WebSocketError', 1006, '', 0])
        assert.equal(await rejection(reader.read()), error)
        assert.equal(await rejection(writer.closed), error)
        assert.equal(await rejection(writer.write('more')), error)
      })
    })

    it('reports a handshake that the server refuses', async () => {
      const options: ServeOptions<undefined> = { upgrade: () => ({ status: 403, body: 'not you' }) }
      await withClients(kind, options, async (connect) => {
        const stream = connect()
        const error = await rejection(stream.opened)
        assert.ok(error instanceof WebSocketError)
        assert.equal(error.closeCode, 1006)
        assert.equal(await rejection(stream.closed), error)
        if (kind.isPlatform) return
        assert.ok(error.cause instanceof HandshakeError)
        assert.equal(error.cause.status, 403)
        assert.equal(error.message, error.cause.message)
      })
    })

    it('aborts connecting by the signal, with its reason', async () => {
      const options: ServeOptions<undefined> = { handshakeTimeoutMs: 300, upgrade: () => new Promise(() => {}) }
      await withClients(kind, options, async (connect) => {
        const early = connect('/', { signal: AbortSignal.abort('too early') })
        assert.deepEqual(await Promise.allSettled([early.opened, early.closed]), [
          { status: 'rejected', reason: 'too early' },
          { status: 'rejected', reason: 'too early' },
        ])
        const controller = new AbortController()
        const stream = connect('/', { signal: controller.signal })
        await turn()
        const reason = new Error('changed my mind')
        controller.abort(reason)
        assert.equal(await rejection(stream.opened), reason)
        assert.equal(await rejection(stream.closed), reason)
      })
    })

    it('ignores the signal once it is open', async () => {
      await withClients(kind, echo, async (connect) => {
        const controller = new AbortController()
        const stream = connect('/', { signal: controller.signal })
        const { readable, writable } = await stream.opened
        controller.abort()
        await writable.getWriter().write('still here')
        assert.equal((await readable.getReader().read()).value, 'still here')
        stream.close()
        await stream.closed
      })
    })

    it('ends connecting on close', async () => {
      const options: ServeOptions<undefined> = { handshakeTimeoutMs: 300, upgrade: () => new Promise(() => {}) }
      await withClients(kind, options, async (connect) => {
        const stream = connect()
        stream.close({ closeCode: 4000 })
        const error = await rejection(stream.opened)
        assert.ok(error instanceof WebSocketError)
        assert.equal(error.closeCode, 1006)
        assert.equal(await rejection(stream.closed), error)
      })
    })

    it('ends no process by a rejection if the program awaits only one promise, or none', async () => {
      const unhandled: unknown[] = []
      const listener = (reason: unknown) => void unhandled.push(reason)
      process.on('unhandledRejection', listener)
      try {
        await withClients(kind, { open: (socket) => socket.terminate() }, async (connect, server) => {
          connect()
          await rejection(connect().closed)
          const { readable, writable } = await connect()
            .opened.then((info) => info)
            .catch(() => ({ readable: undefined, writable: undefined }))
          readable?.getReader()
          writable?.getWriter()
          connect('/', { signal: AbortSignal.abort() })
          await manyTurns()
          await until(() => server.connections.size === 0)
        })
        await manyTurns()
        assert.deepEqual(unhandled, [])
      } finally {
        process.off('unhandledRejection', listener)
      }
    })

    it('lets a write wait for a peer that does not read, and go on when it does', async () => {
      const received: number[] = []
      const options: ServeOptions<undefined> = {
        maxMessageBytes: muchBytes,
        open: (socket) => socket.pause(),
        message: (_, message) => void received.push(message.length),
      }
      await withClients(kind, options, async (connect, server) => {
        const stream = connect()
        const writer = (await stream.opened).writable.getWriter()
        await until(() => server.connections.size === 1)
        const [peer] = server.connections
        let isWritten = false
        await writer.write('a little goes at once')
        const written = writer.write(new Uint8Array(muchBytes)).then(() => {
          isWritten = true
        })
        await manyTurns()
        assert.equal(isWritten, false)
        peer!.resume()
        await written
        await until(() => received.length === 2)
        stream.close()
        await stream.closed
        assert.equal(received[1], muchBytes)
      })
    })

    it('settles a waiting write if the writable is aborted', async () => {
      const options: ServeOptions<undefined> = { open: (socket) => socket.pause(), closeTimeoutMs: 200 }
      await withClients(kind, options, async (connect) => {
        const stream = connect('/', kind.isPlatform ? {} : { closeTimeoutMs: 200 })
        const writer = (await stream.opened).writable.getWriter()
        const written = rejection(writer.write(new Uint8Array(muchBytes)))
        await manyTurns()
        const reason = new WebSocketError('enough', { closeCode: 4001 })
        await writer.abort(reason)
        assert.equal(await written, reason)
      })
    })

    it('settles a waiting write if the connection is lost', async () => {
      const options: ServeOptions<undefined> = { open: (socket) => socket.pause() }
      await withClients(kind, options, async (connect, server) => {
        const stream = connect()
        const writer = (await stream.opened).writable.getWriter()
        await until(() => server.connections.size === 1)
        const [peer] = server.connections
        const written = rejection(writer.write(new Uint8Array(muchBytes)))
        await manyTurns()
        peer!.terminate()
        assert.equal(await written, await rejection(stream.closed))
      })
    })

    it('can be piped through from end to end', async () => {
      await withClients(kind, echo, async (connect) => {
        const stream = connect()
        const { readable, writable } = await stream.opened
        const messages = Array.from({ length: 1000 }, (_, index) => `message ${index}`)
        const seen: unknown[] = []
        const reading = (async () => {
          for await (const message of readable) {
            seen.push(message)
            if (seen.length === messages.length) break
          }
        })()
        const source = new ReadableStream({
          start(controller) {
            for (const message of messages) controller.enqueue(message)
            controller.close()
          },
        })
        await source.pipeTo(writable, { preventClose: true })
        await reading
        assert.deepEqual(seen, messages)
        await stream.closed
      })
    })

    if (kind.isPlatform) return

    it('stops reading if the readable is not read: memory stays bounded and the server has to wait', async () => {
      const message = new Uint8Array(16 << 10)
      let answered = 0
      const send = (socket: ServerSocket<undefined>): void => {
        let result = 'sent'
        for (; answered < 4096 && result === 'sent'; answered += 1) result = socket.send(message)
      }
      const options: ServeOptions<undefined> = { open: send, drain: send }
      await withClients(kind, options, async (connect) => {
        const stream = connect()
        const { readable } = await stream.opened
        // The buffers on the way fill up first, and then nothing moves.
        for (let before = -1; answered === 0 || before !== answered; await manyTurns()) before = answered
        assert.ok(answered < 4096, 'the server was never told to wait')
        const reader = readable.getReader()
        let length = 0
        while (length < 4096 * message.length) length += (await reader.read()).value!.length
        assert.equal(length, 4096 * message.length)
        stream.close()
        await stream.closed
      })
    })

    it('keeps unread messages and then the end, whatever the reader waits for', async () => {
      const options: ServeOptions<undefined> = {
        open(socket) {
          for (let count = 0; count < 2000; count += 1) socket.send(`${count} ${'x'.repeat(100)}`)
          socket.close(4000)
        },
        maxBufferedBytes: 1 << 20,
      }
      await withClients(kind, options, async (connect) => {
        const stream = connect()
        const { readable } = await stream.opened
        let isClosed = false
        void stream.closed.then(() => {
          isClosed = true
        })
        await manyTurns()
        assert.equal(isClosed, false)
        let count = 0
        for await (const message of readable) {
          assert.equal(Number.parseInt(message as string, 10), count)
          count += 1
          if (count % 100 === 0) await turn()
        }
        assert.equal(count, 2000)
        assert.equal((await stream.closed).closeCode, 4000)
      })
    })

    it('closes while messages wait unread, without waiting for a reader', async () => {
      const options: ServeOptions<undefined> = { open: (socket) => void socket.send('x'.repeat(200_000)) }
      await withClients(kind, options, async (connect, server) => {
        const stream = connect()
        const { readable } = await stream.opened
        await until(() => [...server.connections].every(({ bufferedAmount }) => bufferedAmount === 0))
        await manyTurns()
        stream.close({ closeCode: 4002 })
        assert.equal((await stream.closed).closeCode, 4002)
        const reader = readable.getReader()
        assert.equal(((await reader.read()).value as string).length, 200_000)
        assert.equal((await reader.read()).done, true)
      })
    })
  })
}

describe('WebSocketStream', () => {
  const [{ WebSocketStream }] = kinds as unknown as readonly [Kind]

  it('converts its arguments as WebIDL says', async () => {
    const url = 'ws://127.0.0.1:1/'
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      'no URL': [],
      'a symbol for a URL': [Symbol('url')],
      'true for options': [url, true],
      'a number for options': [url, 5],
      'a text for options': [url, 'chat'],
      'a symbol for options': [url, Symbol('options')],
      'a text for protocols': [url, { protocols: 'chat' }],
      'null for protocols': [url, { protocols: null }],
      'an object that is no list for protocols': [url, { protocols: {} }],
      'a number for protocols': [url, { protocols: 5 }],
      'a symbol among protocols': [url, { protocols: [Symbol('chat')] }],
      'null for a signal': [url, { signal: null }],
      'an object for a signal': [url, { signal: {} }],
      'a text for a signal': [url, { signal: 'aborted' }],
    }
    const right: Readonly<Record<string, readonly unknown[]>> = {
      'undefined for options': [url, undefined],
      'null for options': [url, null],
      'a function for options': [url, () => {}],
      'undefined for each option': [url, { protocols: undefined, signal: undefined }],
      'an object with a text for a URL': [{ toString: () => url }],
      'a Set for protocols': [url, { protocols: new Set(['chat']) }],
      'an object with a text among protocols': [url, { protocols: [{ toString: () => 'chat' }] }],
    }
    for (const { WebSocketStream } of [kinds[0]!, kinds[1]!]) {
      const construct = (values: readonly unknown[]) =>
        new (WebSocketStream as new (...all: unknown[]) => object)(...values)
      for (const [what, values] of Object.entries(wrong)) assert.throws(() => construct(values), TypeError, what)
      for (const values of Object.values(right)) {
        const stream = construct(values) as WebSocketStreamInterface
        assert.equal(stream.url, url)
        await stream.closed.catch(() => {})
      }
    }
  })

  it('refuses options as the third argument, as in ws, and ignores other third arguments, as WebIDL says', async () => {
    const url = 'ws://localhost:1/'
    for (const { WebSocketStream } of [kinds[0]!, kinds[1]!]) {
      const construct = (third: unknown) =>
        new (WebSocketStream as new (...all: unknown[]) => object)(url, { protocols: ['chat'] }, third)
      for (const third of [{ headers: {} }, [], new Map()]) {
        const message = /a WebSocketStream takes its options as the second argument, not the third/
        assert.throws(() => construct(third), { name: 'UsageError', code: 'optionInvalid', message })
      }
      for (const third of [undefined, null, 'text', 1, () => {}]) {
        await (construct(third) as WebSocketStreamInterface).closed.catch(() => {})
      }
    }
  })

  it('throws a SyntaxError for a URL and for subprotocols that can not be used', () => {
    for (const url of ['no url', 'ftp://localhost', 'ws://localhost/#fragment']) {
      assert.throws(() => new WebSocketStream(url), { name: 'SyntaxError' })
    }
    for (const protocols of [[''], ['a b'], ['twice', 'twice']]) {
      assert.throws(() => new WebSocketStream('ws://localhost', { protocols }), { name: 'SyntaxError' })
    }
  })

  it('has the reason of a failed connection as its cause', async () => {
    const error = await rejection(new WebSocketStream('ws://localhost:1').opened)
    assert.ok(error.cause instanceof TransportError)
    assert.equal(error.message, error.cause.message)
  })

  it('has the names and the attributes that WebIDL gives an interface', () => {
    assert.equal(WebSocketStream.name, 'WebSocketStream')
    assert.equal(WebSocketStream.length, 1)
    assert.equal(Object.prototype.toString.call(WebSocketStream.prototype), '[object WebSocketStream]')
    assert.deepEqual(Object.keys(WebSocketStream.prototype).sort(), ['close', 'closed', 'opened', 'url'])
    assert.throws(() => WebSocketStream.prototype.url, TypeError)
  })
})

describe('WebSocketError', () => {
  it('is a DOMException without a status by default', () => {
    const error = new WebSocketError()
    assert.ok(error instanceof DOMException)
    assert.deepEqual(
      [error.name, error.message, error.code, error.closeCode, error.reason],
      ['WebSocketError', '', 0, null, ''],
    )
    assert.equal(WebSocketError.name, 'WebSocketError')
    assert.equal(WebSocketError.length, 0)
    assert.equal(Object.prototype.toString.call(error), '[object WebSocketError]')
  })

  it('carries a message and a status; a reason alone gets the code 1000', () => {
    const error = new WebSocketError('message', { closeCode: 3456, reason: 'reason' })
    assert.deepEqual([error.message, error.closeCode, error.reason], ['message', 3456, 'reason'])
    assert.equal(new WebSocketError('', { reason: 'x' }).closeCode, 1000)
    assert.equal(new WebSocketError('', { reason: '' }).closeCode, null)
    assert.equal(new WebSocketError('', { reason: '\ud800' }).reason, '\ufffd')
    assert.equal(new WebSocketError('', { reason: '\ufeffmark' }).reason, '\ufeffmark')
  })

  it('refuses each status that close refuses', () => {
    for (const closeCode of [0, 999, 1001, 1006, 2999, 5000]) {
      assert.throws(() => new WebSocketError('', { closeCode }), { name: 'InvalidAccessError' })
    }
    assert.throws(() => new WebSocketError('', { reason: 'x'.repeat(124) }), { name: 'SyntaxError' })
    assert.throws(() => new WebSocketError('', { closeCode: -1 }), TypeError)
    assert.throws(() => new WebSocketError('', 1 as unknown as object), TypeError)
  })
})

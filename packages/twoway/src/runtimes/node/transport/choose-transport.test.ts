import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { RecordingSink } from 'twoway-testing/harnesses/recording-sink.js'
import { hasHandles, tryHandles } from '../internals/handle-trial.js'
import { chooseTransport, type NodeTransport } from './choose-transport.js'
import { HandleTransport } from './handle-transport.js'
import { StreamTransport } from './stream-transport.js'

await tryHandles()

const peer = { address: '127.0.0.1', port: 1, encrypted: false }

const overs = ['the stream', 'its handle', 'its handle, freed'] as const
type Over = (typeof overs)[number]

/** An upgraded connection of an HTTP server: the server's transport and socket, and the client's socket. */
async function upgraded(context: TestContext, over: Over) {
  const server = createHttpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  const [, upgradedSocket] = (await once(server, 'upgrade')) as [unknown, Socket]
  const transport = chooseTransport(upgradedSocket, {
    peer,
    keepsStream: over === 'the stream',
    freesSocket: over === 'its handle, freed',
  })
  assert.equal(transport instanceof HandleTransport, over !== 'the stream')
  const sink = new RecordingSink()
  transport.start(sink)
  context.after(() => {
    client.destroy()
    transport.destroy()
    server.close()
  })
  return { server, client, transport, sink }
}

const count = async (server: HttpServer): Promise<number> => promisify(server.getConnections.bind(server))()

describe('a socket whose handle was taken is to its server as one that was not', { skip: !hasHandles() }, () => {
  for (const over of overs) {
    describe(`over ${over}`, () => {
      test('is counted until it has closed', async (context) => {
        const { server, transport, sink } = await upgraded(context, over)
        assert.equal(await count(server), 1)
        transport.destroy()
        await sink.untilCalled('closed')
        await new Promise(setImmediate)
        assert.equal(await count(server), 0)
      })

      test('keeps close() waiting, and survives closeAllConnections()', async (context) => {
        const { server, client, transport, sink } = await upgraded(context, over)
        let isClosed = false
        const closed = new Promise<void>((resolve) => {
          server.close(() => {
            isClosed = true
            resolve()
          })
        })
        server.closeAllConnections()
        client.write('still there')
        await sink.untilText('still there')
        assert.equal(isClosed, false)
        transport.destroy()
        await closed
      })

      test('closes when the socket that the server knows is destroyed', async (context) => {
        const { transport, sink } = await upgraded(context, over)
        transport.stream.destroy()
        await sink.untilCalled('closed')
        assert.match(sink.error!.message, /was dropped before both sides had ended it$/)
      })

      test('closes when the socket that the server knows fails, which does not end the process', async (context) => {
        const { transport, sink } = await upgraded(context, over)
        transport.stream.destroy(new Error('what lies under it is gone'))
        await sink.untilCalled('closed')
      })

      test('hears an end, and can send after it', async (context) => {
        const { client, transport, sink } = await upgraded(context, over)
        const received: Buffer[] = []
        client.on('data', (chunk) => received.push(chunk))
        client.end('last words')
        await sink.untilCalled('ended')
        assert.equal(sink.text, 'last words')
        transport.write(Buffer.from('answer'))
        transport.end()
        await once(client, 'end')
        assert.equal(Buffer.concat(received).toString(), 'answer')
        await sink.untilCalled('closed')
        assert.equal(sink.error, undefined)
      })

      test('hears a reset', async (context) => {
        const { client, sink } = await upgraded(context, over)
        client.resetAndDestroy()
        await sink.untilCalled('closed')
        assert.equal((sink.error!.cause as { code?: string }).code, 'ECONNRESET')
      })

      test('tells the server of its close where the server counts sockets itself', async (context) => {
        const { transport } = await upgraded(context, over)
        const closed = once(transport.stream, 'close')
        transport.destroy()
        await closed
      })
    })
  }

  test('frees a socket that no other code knows', async (context) => {
    const server = createServer()
    context.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const accept = async (): Promise<{ freed: WeakRef<Socket>; transport: NodeTransport }> => {
      const [socket] = (await once(server, 'connection')) as [Socket]
      return { freed: new WeakRef(socket), transport: chooseTransport(socket, { freesSocket: true }) }
    }
    const { freed, transport } = await accept()
    for (let turns = 0; turns < 10 && freed.deref() !== undefined; turns += 1) {
      await new Promise(setImmediate)
      globalThis.gc!()
    }
    assert.equal(freed.deref(), undefined)
    assert.equal((transport.stream as Socket).remotePort, client.localPort)
    transport.destroy()
    client.destroy()
  })

  test('leaves a socket whose class has a method of its own that would be replaced', async (context) => {
    class Own extends Socket {
      override pause(): this {
        return super.pause()
      }
    }
    const server = createServer((socket) => socket.on('error', () => {}))
    context.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = new Own()
    socket.connect((server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    assert.equal(chooseTransport(socket).path, 'stream')
    assert.equal(socket.pause, Own.prototype.pause)
    socket.destroy()
  })

  test('takes nothing of a stream that is no socket, has read ahead, is being written to, or has ended', async (context) => {
    assert.ok(chooseTransport(new Duplex({ read() {} }), {}) instanceof StreamTransport)
    const server = createServer()
    context.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    for (const spoil of spoilers) {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      const [socket] = (await once(server, 'connection')) as [Socket]
      socket.on('error', () => {})
      spoil(socket)
      const handle = handleOf(socket)
      assert.ok(chooseTransport(socket, {}) instanceof StreamTransport, spoil.name)
      assert.equal(handleOf(socket), handle, spoil.name)
      client.destroy()
      socket.destroy()
    }
  })

  test('leaves a socket whose handle looks different from what is known', async () => {
    const odd = connect(1, '127.0.0.1')
    odd.on('error', () => {})
    for (const handle of [null, {}, { ...known, writeQueueSize: undefined }, { ...known, writev: undefined }]) {
      const look: Socket = Object.create(odd, {
        _handle: { value: handle, writable: true },
        connecting: { value: false },
        readable: { value: true },
        writable: { value: true },
      })
      assert.ok(chooseTransport(look, {}) instanceof StreamTransport)
      assert.equal(handleOf(look), handle)
    }
    odd.destroy()
  })
})

/** All that is asked of a handle. */
const known = {
  reading: true,
  writeQueueSize: 0,
  useUserBuffer() {},
  close() {},
  readStart() {},
  readStop() {},
  writeBuffer() {},
  writev() {},
  shutdown() {},
}

function handleOf(socket: Socket): unknown {
  return (socket as unknown as { readonly _handle: unknown })._handle
}

const spoilers = [
  function readAhead(socket: Socket): void {
    socket.unshift(Buffer.from('x'))
  },
  function written(socket: Socket): void {
    socket.cork()
    socket.write('x')
  },
  function destroyed(socket: Socket): void {
    socket.destroy()
  },
]

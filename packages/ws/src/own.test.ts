import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { type EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { tryToTakeHandles } from 'twoway/streams'
import type * as Ws from 'ws'
import { catching, inner, rawPeer, withServer } from './rows/harness.js'
import type { Module } from './rows/row.js'

const require = createRequire(import.meta.url)
const W = require('./index.cjs') as Module

await tryToTakeHandles()

/** A connection, with both ends. */
async function connected(options: object, use: (remote: Ws.WebSocket, client: Ws.WebSocket) => unknown): Promise<void> {
  const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  await once(server, 'listening')
  const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [[remote]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
    [Ws.WebSocket],
    unknown,
  ]
  try {
    await use(remote, client)
  } finally {
    client.terminate()
    remote.terminate()
    server.close()
  }
}

describe('@twoway/ws, where it differs from ws', () => {
  it('reads from the handles of sockets, and so the sockets emit no data', async () => {
    for (const options of [{}, { verifyClient: () => true }]) {
      await connected(options, async (remote, client) => {
        let reads = 0
        for (const ws of [remote, client]) {
          inner(ws)._socket.on('data', () => {
            reads += 1
          })
        }
        remote.on('message', (data) => remote.send(data))
        const heard = once(client, 'message')
        client.send('a')
        assert.equal(String((await heard)[0]), 'a')
        assert.equal(reads, 0)
      })
    }
  })

  it('leaves the socket to a program that got it by a listener of once, or that upgrades it from another server', async () => {
    for (const event of ['headers', 'connection', 'other']) {
      const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(server, 'listening')
      const other = createServer()
      let seen: unknown
      other.on('upgrade', (request, socket, head) => {
        seen = socket
        server.handleUpgrade(request, socket as Socket, head, (ws) => server.emit('connection', ws, request))
      })
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      if (event === 'headers') server.once('headers', (_headers, request) => (seen = request.socket))
      const own = (server as unknown as { readonly _server: EventEmitter })._server
      if (event === 'connection') own.once('connection', (socket) => (seen = socket))
      const { port } = (event === 'other' ? other : server).address() as AddressInfo
      const client = new W(`ws://127.0.0.1:${port}`)
      const [[remote]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
        [Ws.WebSocket],
        unknown,
      ]
      assert.equal(inner(remote)._socket, seen, event)
      const closed = once(client, 'close')
      ;(seen as Socket).destroy()
      await closed
      server.close()
      other.close()
    }
  })

  it('refuses a second upgrade of a request whose socket was freed, and turns no-delay off', async () => {
    const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const [[remote, request]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
      [Ws.WebSocket, IncomingMessage],
      unknown,
    ]
    const again = (): void => server.handleUpgrade(request, request.socket, Buffer.alloc(0), () => undefined)
    assert.throws(again, /more than once with the same socket/)
    const socket = inner(remote)._socket as unknown as Socket
    const handle = (socket as unknown as { readonly _handle: { setNoDelay(enable: boolean): number } })._handle
    const calls: boolean[] = []
    handle.setNoDelay = (enable) => calls.push(enable) && 0
    socket.setNoDelay(false)
    assert.deepEqual(calls, [false])
    client.terminate()
    remote.terminate()
    server.close()
  })

  it('has a hollow socket where no code of the program can have seen the first one', async () => {
    const isHollow = (ws: Ws.WebSocket): boolean => !Object.hasOwn(inner(ws)._socket, '_events')
    await connected({}, (remote, client) => assert.deepEqual([isHollow(remote), isHollow(client)], [true, false]))
    class Checking extends W.WebSocketServer {
      override shouldHandle(): boolean {
        return true
      }
    }
    const ways = [{ verifyClient: () => true }, { handleProtocols: () => false as const }]
    for (const way of ways) await connected(way, (remote) => assert.equal(isHollow(remote), false))
    const server = new Checking({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const opened = once(client, 'open')
    const [remote] = (await once(server, 'connection')) as [Ws.WebSocket]
    assert.equal(isHollow(remote), false)
    await opened
    client.terminate()
    server.close()
  })

  it('reads plain handshakes itself, and leaves the others to its HTTP server', async () => {
    const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1', path: '/a' })
    await once(server, 'listening')
    await tryToTakeHandles()
    const own = (server as unknown as { readonly _server: EventEmitter })._server
    const events: string[] = []
    // In the place of the listeners, because one more would be seen.
    const listeners = (own as unknown as { readonly _events: Record<string, (...values: unknown[]) => void> })._events
    for (const event of ['connection', 'upgrade']) {
      const listener = listeners[event]!
      listeners[event] = function (...values) {
        events.push(event)
        listener.apply(this, values)
      }
    }
    const { port } = server.address() as AddressInfo
    const open = async (path: string): Promise<readonly [string, ...string[]]> => {
      const client = new W(`ws://127.0.0.1:${port}${path}`)
      const result = await new Promise<string>((resolve) => {
        client.on('open', () => resolve('open'))
        client.on('error', ({ message }) => resolve(message))
      })
      client.terminate()
      return [result, ...events.splice(0)]
    }
    assert.deepEqual(await open('/a'), ['open'])
    assert.deepEqual(await open('/b'), ['Unexpected server response: 400', 'connection', 'upgrade'])
    const { emit } = own
    own.emit = emit.bind(own)
    assert.deepEqual(await open('/a'), ['open', 'connection', 'upgrade'])
    own.emit = emit
    assert.deepEqual(await open('/a'), ['open'])
    const sockets = W.prototype as unknown as { setSocket(...values: unknown[]): void }
    const { setSocket } = sockets
    sockets.setSocket = function (...values) {
      setSocket.apply(this, values)
    }
    assert.deepEqual(await open('/a'), ['open', 'connection', 'upgrade'])
    sockets.setSocket = setSocket
    assert.deepEqual(await open('/a'), ['open'])
    own.once('upgrade', () => {})
    assert.deepEqual(await open('/a'), ['open', 'connection', 'upgrade'])
    // A listener of `once` may have kept the server.
    assert.deepEqual(await open('/a'), ['open', 'connection', 'upgrade'])
    server.close()
  })

  it('tells of a connection in the asynchronous context in which its server was made', async () => {
    const storage = new AsyncLocalStorage<string>()
    const server = storage.run('made', () => new W.WebSocketServer({ port: 0, host: '127.0.0.1' }))
    await once(server, 'listening')
    await tryToTakeHandles()
    const told = new Promise((resolve) => {
      server.on('connection', () => resolve(storage.getStore()))
    })
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(client, 'open')
    assert.equal(await told, 'made')
    client.terminate()
    server.close()
  })

  it('is one class for import and require', async () => {
    const url = pathToFileURL(require.resolve('../wrapper.mjs')).href
    const imported = (await import(url)) as { default: unknown; WebSocketServer: unknown }
    assert.equal(imported.default, W)
    assert.equal(imported.WebSocketServer, W.WebSocketServer)
  })

  it('closes for an invalid frame and goes on, without a listener of errors', async () => {
    const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(client, 'open')
    const closed = once(client, 'close')
    const { _socket: socket } = client as unknown as { _socket: { write(bytes: Uint8Array): void } }
    socket.write(Uint8Array.of(0x83, 0x80, 0, 0, 0, 0))
    assert.equal((await closed)[0], 1002)
    server.close()
  })

  it('delivers the rest of a read after a listener that throws, while ws delivers no more', async () => {
    for (const [module, expected] of [
      [W, ['a', 'ping', 'b']],
      [require('ws') as Module, ['a']],
    ] as const) {
      const log: string[] = []
      const read = (port: number, server: Ws.WebSocketServer): Promise<unknown> =>
        catching(async (errors) => {
          const raw = rawPeer(port)
          const { ws } = await raw.connected(server)
          const note = (text: string): void => {
            log.push(text)
            if (text !== 'b') throw new Error(`of ${text}`)
          }
          ws.on('message', (data) => note(String(data)))
          ws.on('ping', () => note('ping'))
          const mask = [0, 0, 0, 0]
          raw.socket.write(Buffer.from([0x81, 0x81, ...mask, 97, 0x89, 0x80, ...mask, 0x81, 0x81, ...mask, 98]))
          while (log.length < expected.length || errors.length < 1) await new Promise(setImmediate)
          for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
          raw.socket.destroy()
          return errors
        })
      const result = await withServer(module, {}, (server, port) => read(port, server))
      assert.deepEqual(log, expected)
      assert.deepEqual(
        result,
        expected.filter((text) => text !== 'b').map((text) => `of ${text}`),
      )
    }
  })

  it('forgets a client before listeners of close, and also after the program has removed them all', async () => {
    const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const [[remote]] = (await Promise.all([once(server, 'connection'), once(client, 'open')])) as [
      [Ws.WebSocket],
      unknown,
    ]
    remote.removeAllListeners('close')
    const counted = new Promise((resolve) => remote.on('close', () => resolve(server.clients.size)))
    assert.equal(server.clients.size, 1)
    client.terminate()
    assert.equal(await counted, 0)
    await new Promise((resolve) => server.close(resolve))
  })

  it('has the limits of Twoway with safe: true', async () => {
    const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1', safe: true } as object)
    await once(server, 'listening')
    const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await once(client, 'open')
    const closed = once(client, 'close')
    client.send(Buffer.alloc((1 << 20) + 1))
    assert.equal((await closed)[0], 1009)
    server.close()
  })
})

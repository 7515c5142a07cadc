import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { tryToTakeHandles } from 'twoway/streams'
import type * as Ws from 'ws'
import { inner } from './rows/harness.js'
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

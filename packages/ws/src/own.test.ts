import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Module } from './rows/row.js'

const require = createRequire(import.meta.url)
const W = require('./index.cjs') as Module

describe('@twoway/ws, where it differs from ws', () => {
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

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { startServer } from '../../server/listening-server.js'
import { defineWebSocket } from './websocket.js'
import type { WebSocket } from './websocket-types.js'

const otherTask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A message, and the bytes that it counts. */
const messages: readonly (readonly [name: string, message: string | Uint8Array<ArrayBuffer> | Blob, length: number])[] =
  [
    ['a text that is compressed within the call', 'a'.repeat(3000), 3000],
    ['a text of 65,000 bytes', 'a'.repeat(65_000), 65_000],
    ['a text of characters of two bytes', 'é'.repeat(30_000), 60_000],
    ['bytes that are compressed off the thread', new Uint8Array(3_000_000), 3_000_000],
    ['bytes that do not shrink', new Uint8Array(randomBytes(20_000)), 20_000],
    ['a text below the threshold', 'short', 5],
    ['an empty text', '', 0],
    ['a Blob', new Blob(['a'.repeat(50_000)]), 50_000],
  ]

for (const network of networks) {
  describe(`bufferedAmount with compression, over ${network.name}`, () => {
    async function withSocket(test: (socket: WebSocket) => Promise<void>): Promise<void> {
      const tls = network.tls === undefined ? {} : { tls: network.tls }
      const options = { port: 0, closeTimeoutMs: 500, maxMessageBytes: 8 << 20, perMessageDeflate: true, ...tls }
      const server = await startServer<undefined>({ ...options, message() {} }, network.serverPorts)
      const Client = defineWebSocket(network.clientPorts)
      const socket = new Client(server.url, { ...network.clientTls })
      try {
        await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
        assert.match(socket.extensions, /permessage-deflate/)
        await test(socket)
      } finally {
        await server.close()
      }
    }

    it('grows by the uncompressed length of each message, and falls to 0, WHATWG send()', async () => {
      await withSocket(async (socket) => {
        for (const [name, message, length] of messages) {
          socket.send(message)
          assert.equal(socket.bufferedAmount, length, name)
          for (let hop = 0; hop < 10; hop++) await undefined
          assert.equal(socket.bufferedAmount, length, name)
          while (socket.bufferedAmount > 0) await otherTask()
        }
        let sum = 0
        for (const [name, message, length] of messages) {
          socket.send(message)
          sum += length
          assert.equal(socket.bufferedAmount, sum, name)
        }
        let before = sum
        while (socket.bufferedAmount > 0) {
          assert.ok(socket.bufferedAmount <= before)
          before = socket.bufferedAmount
          await otherTask()
        }
      })
    })
  })
}

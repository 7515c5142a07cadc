import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, fromHex } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import type { ServeOptions } from './handler-types.js'
import { startServer } from './listening-server.js'
import type { ServerSocket } from './server-types.js'

const text = (payload: string): Uint8Array => frame({ opcode: 1, payload, masked: true })
const close = frame({ opcode: 8, payload: fromHex('03e8'), masked: true })

for (const network of networks) {
  describe(`sequential over ${network.name}`, () => {
    /** The events of a connection whose peer sends this at once, until its end. */
    async function logOf(options: Partial<ServeOptions<undefined>>, sent: Uint8Array): Promise<readonly string[]> {
      const log: string[] = []
      const step = async (what: string, socket: ServerSocket): Promise<void> => {
        log.push(`${what} begins`)
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
        // The user's own pause is another matter.
        socket.pause()
        socket.resume()
        await new Promise((resolve) => setImmediate(resolve))
        if (what === 'fails') throw new Error('as asked')
        log.push(`${what} ends`)
      }
      const handlers: Partial<ServeOptions<undefined>> = {
        open: (socket) => step('open', socket),
        message: (socket, message) => step(String(message), socket),
        error: (_, error) => log.push(`error ${error.message}`),
        close: (_, { code }) => log.push(`close ${code}`),
      }
      const tls = network.tls === undefined ? {} : { tls: network.tls }
      const settings = { port: 0, closeTimeoutMs: 500, ...tls, ...handlers, ...options }
      const server = await startServer<undefined>(settings, network.serverPorts)
      const target = { host: '127.0.0.1', port: server.port, tls: network.clientTls }
      const peer = new RawPeer(network.clientPorts.connector, target)
      peer.send(handshakeRequest(), sent)
      await peer.inputEnded
      peer.end()
      await server.close()
      return log
    }

    it('delays each message until the handlers of the one before and of open are done', async () => {
      const log = await logOf({ sequential: true }, concat(text('1'), text('2'), text('3'), close))
      const ends = ['open', '1', '2', '3'].flatMap((what) => [`${what} begins`, `${what} ends`])
      assert.deepEqual(log, [...ends, 'close 1000'])
    })

    it('delays nothing by default', async () => {
      const log = await logOf({}, concat(text('1'), text('2'), close))
      assert.deepEqual(log.slice(0, 3), ['open begins', '1 begins', '2 begins'])
    })

    it('closes with 1011 if a handler rejects, and delivers no more', async () => {
      const log = await logOf({ sequential: true }, concat(text('fails'), text('2'), close))
      assert.deepEqual(
        log.filter((line) => !line.startsWith('close')),
        ['open begins', 'open ends', 'fails begins', 'error as asked'],
      )
    })

    it('goes on after a handler that returned no promise', async () => {
      const seen: unknown[] = []
      const message = (_: ServerSocket, received: unknown): void => void seen.push(received)
      await logOf({ sequential: true, message }, concat(text('1'), text('2'), close))
      assert.deepEqual(seen, ['1', '2'])
    })
  })
}

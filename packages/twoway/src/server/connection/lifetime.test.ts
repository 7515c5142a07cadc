import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import type { CloseResult } from '../../core/connection-types.js'
import { TransportError } from '../../core/errors.js'
import type { ServerSocket } from '../server-types.js'

for (const network of networks) {
  describe(`the lifetime of a server's socket: ${network.name}`, () => {
    it('has an id that differs for each connection and stays the same', async () => {
      const ids: string[] = []
      const open = (socket: ServerSocket): void => void ids.push(socket.id, socket.id)
      await withServer(network, { open }, async (_server, connect) => {
        for (let index = 0; index < 3; index += 1) await connect(handshakeRequest()).head()
      })
      assert.equal(ids.length, 6)
      assert.equal(new Set(ids).size, 3)
      for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
    })

    it('knows its server', async () => {
      const servers: unknown[] = []
      const open = (socket: ServerSocket): void => void servers.push(socket.server)
      await withServer(network, { open }, async (server, connect) => {
        await connect(handshakeRequest()).head()
        assert.deepEqual(servers, [server])
      })
    })

    it('is open, then closing, then closed, and tells of its end before `close` is called', async () => {
      const log: unknown[] = []
      let ended: Promise<CloseResult> | undefined
      await withServer(
        network,
        {
          open(socket) {
            log.push(socket.readyState, socket.signal.aborted)
            socket.signal.addEventListener('abort', () => log.push('abort', socket.readyState))
            ended = socket.closed
            socket.close(4000, 'enough')
            log.push(socket.readyState, socket.signal.aborted)
          },
          close(socket, { code }) {
            log.push('close', code, socket.readyState, socket.signal.aborted)
          },
        },
        async (_server, connect) => {
          const peer = connect(handshakeRequest())
          await peer.head()
          peer.end()
          await ended
        },
      )
      const { code, wasClean } = (await ended)!
      assert.deepEqual(log, [1, false, 2, false, 'abort', 3, 'close', code, 3, true])
      assert.equal(wasClean, code !== 1006)
    })

    it('answers the same if it is asked first when all is over', async () => {
      let last: ServerSocket | undefined
      let result: CloseResult | undefined
      await withServer(
        network,
        {
          open: (socket) => socket.terminate(),
          close(socket, closed) {
            last = socket
            result = closed
          },
        },
        async (_server, connect) => {
          await connect(handshakeRequest()).inputEnded
        },
      )
      assert.equal(await last!.closed, result)
      assert.equal(last!.readyState, 3)
      assert.equal(last!.signal.aborted, true)
      assert.ok(last!.signal.reason instanceof TransportError)
      assert.match(last!.signal.reason.message, /the connection is closed \(1006\)/)
      assert.match(last!.id, /^[0-9a-f]{32}$/)
    })

    it('does not report a handler that rejects because of the signal, and reports any other', async () => {
      const errors: unknown[] = []
      let settled: Promise<unknown> = Promise.resolve()
      await withServer(
        network,
        {
          open(socket) {
            const aborted = new Promise((_resolve, reject) => {
              socket.signal.addEventListener('abort', () => reject(socket.signal.reason))
            })
            settled = Promise.allSettled([aborted])
            socket.terminate()
            return aborted
          },
          close: () => Promise.reject(new Error('a fault of the program')),
          error: (_socket, error) => errors.push(error.message),
        },
        async (_server, connect) => {
          await connect(handshakeRequest()).inputEnded
          await settled
        },
      )
      assert.deepEqual(errors, ['a fault of the program'])
    })
  })
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex, utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { UsageError } from '../core/errors.js'
import type { Server, ServerSocket } from './server-types.js'

for (const network of networks) {
  describe(`broadcast: ${network.name}`, () => {
    async function withPeers(
      count: number,
      test: (server: Server, peers: readonly RawPeer[], sockets: readonly ServerSocket[]) => Promise<void>,
    ): Promise<void> {
      const sockets: ServerSocket[] = []
      const open = (socket: ServerSocket): void => void sockets.push(socket)
      await withServer(network, { open }, async (server, connect) => {
        const peers: RawPeer[] = []
        for (let index = 0; index < count; index += 1) {
          const peer = connect(handshakeRequest())
          await peer.head()
          peers.push(peer)
        }
        await test(server, peers, sockets)
      })
    }

    it('sends text and bytes to all but the exceptions, and returns how many took it', async () => {
      await withPeers(3, async (server, peers, sockets) => {
        assert.equal(server.broadcast('hällo'), 3)
        assert.equal(server.broadcast(Uint8Array.of(1, 2), { except: sockets[1] }), 2)
        assert.equal(server.broadcast(new ArrayBuffer(1)), 3)
        assert.deepEqual(await peers[0]!.framesOf(3), ['1 68c3a46c6c6f', '2 0102', '2 00'])
        assert.deepEqual(await peers[1]!.framesOf(2), ['1 68c3a46c6c6f', '2 00'])
        assert.equal(server.metrics().sentMessages, 8)
      })
    })

    it('keeps its order among the messages of each connection', async () => {
      await withPeers(2, async (server, peers, sockets) => {
        sockets[0]!.send('a')
        server.broadcast('b')
        server.broadcast('c')
        sockets[0]!.send('d')
        assert.deepEqual(await peers[0]!.framesOf(4), ['1 61', '1 62', '1 63', '1 64'])
      })
    })

    it('keeps the order of many messages, sent to all and to one in one turn and in several', async () => {
      await withPeers(3, async (server, peers, sockets) => {
        const expected: string[][] = [[], [], []]
        const note = (index: number, text: string): void => {
          expected[index]!.push(`1 ${toHex(utf8(text))}`)
        }
        for (let number = 0; number < 300; number += 1) {
          const index = number % 7
          if (index < 3) {
            sockets[index]!.send(`${number}`)
            note(index, `${number}`)
          } else {
            server.broadcast(`all ${number}`)
            for (let peer = 0; peer < 3; peer += 1) note(peer, `all ${number}`)
          }
          if (number % 11 === 0) await undefined
          if (number % 31 === 0) await new Promise(setImmediate)
        }
        for (const [index, peer] of peers.entries()) {
          assert.deepEqual(await peer.framesOf(expected[index]!.length), expected[index])
        }
      })
    })

    it('lets bytes be changed as soon as it returns', async () => {
      await withPeers(1, async (server, peers) => {
        const bytes = new Uint8Array(20_000).fill(1)
        server.broadcast(bytes)
        bytes.fill(2)
        const [frame = ''] = await peers[0]!.framesOf(1)
        assert.equal(frame, `2 ${'01'.repeat(20_000)}`)
      })
    })

    it('skips connections that are closing', async () => {
      await withPeers(2, async (server, _, sockets) => {
        sockets[0]!.close()
        assert.equal(server.broadcast('x'), 1)
      })
    })

    it('refuses a value that is no message with a UsageError, and sends nothing', async () => {
      await withPeers(1, async (server) => {
        assert.throws(() => server.broadcast({} as ArrayBuffer), UsageError)
        assert.equal(server.metrics().sentMessages, 0)
      })
    })
  })
}

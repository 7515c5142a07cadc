import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { type ConnectRawPeer, withServer } from 'twoway-testing/peers/with-server.js'
import type { ServeOptions } from './handler-types.js'
import type { Server } from './server-types.js'

const kib = 1 << 10
const masked = true
const half = (length: number): Uint8Array =>
  frame({ opcode: 2, payload: new Uint8Array(2 * length), masked }).subarray(0, -length)

async function until(isThere: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!isThere()) {
    assert.ok(performance.now() < end, 'it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

for (const network of networks) {
  /** Runs a test with a server that holds no input afterwards. */
  const withServerAt = async (
    options: ServeOptions<undefined>,
    test: (server: Server, connect: ConnectRawPeer) => Promise<void>,
  ): Promise<void> => {
    let receiveBytes = -1
    await withServer(network, { closeTimeoutMs: 300, ...options }, async (server, connect) => {
      await test(server, connect)
      await server.close()
      receiveBytes = server.metrics().receiveBytes
    })
    assert.equal(receiveBytes, 0)
  }
  const connected = async (connect: ConnectRawPeer): Promise<RawPeer> => {
    const peer = connect(handshakeRequest())
    await peer.head()
    return peer
  }

  describe(`input that is not complete, over ${network.name}`, () => {
    it('is in the metrics with its limit, and is gone with its connection', async () => {
      await withServerAt({ maxTotalReceiveBytes: 1000 * kib }, async (server, connect) => {
        const peer = await connected(connect)
        assert.deepEqual([server.metrics().receiveBytes, server.metrics().receiveBytesLimit], [0, 1000 * kib])
        peer.send(half(10_000))
        await until(() => server.metrics().receiveBytes >= 10_000)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('ends only the connection with the most of it with 1013 beyond the limit', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        maxTotalReceiveBytes: 800 * kib,
        message: (socket, message) => socket.send(message),
        error: (_, error) => errors.push((error as Error & { code: string }).code),
      }
      await withServerAt(options, async (server, connect) => {
        const [small, large, last] = await Promise.all([connect, connect, connect].map(connected))
        small!.send(half(20 * kib))
        large!.send(half(200 * kib))
        await until(() => server.metrics().receiveBytes >= 220 * kib)
        last!.send(half(60 * kib))
        await until(() => server.metrics().receiveBytes >= 280 * kib)
        const more = await connected(connect)
        more.send(half(110 * kib))
        assert.match((await large!.framesOf(1))[0]!, /^8 03f5/)
        large!.destroy()
        await until(() => server.metrics().connections === 3)
        assert.deepEqual(errors, ['totalReceiveFull'])
        assert.deepEqual(server.metrics().limits, { maxTotalReceiveBytes: 1 })
        small!.send(new Uint8Array(20 * kib))
        assert.match((await small!.framesOf(1))[0]!, /^2 /)
      })
    })

    it('ends a connection with 1008 if the rest of a message does not come in time', async () => {
      await withServerAt({ messageTimeoutMs: 150 }, async (server, connect) => {
        const peer = await connected(connect)
        const idle = await connected(connect)
        peer.send(half(10_000))
        assert.match((await peer.framesOf(1))[0]!, /^8 03f0/)
        peer.destroy()
        await until(() => server.metrics().connections === 1)
        assert.deepEqual(server.metrics().limits, { messageTimeoutMs: 1 })
        idle.send(frame({ opcode: 8, payload: Uint8Array.of(3, 232), masked }))
        await until(() => server.metrics().connections === 0)
      })
    })

    it('counts bytes that come ahead of a decision, delivers them, and refuses the peer with 503 if they are too many', async () => {
      const decisions: (() => void)[] = []
      const received: number[] = []
      const options: ServeOptions<undefined> = {
        maxTotalReceiveBytes: 24 * kib,
        upgrade: () => new Promise((resolve) => decisions.push(() => resolve(undefined))),
        message: (_, message) => received.push(message.length),
      }
      await withServerAt(options, async (server, connect) => {
        const one = connect(handshakeRequest())
        await until(() => decisions.length === 1)
        one.send(frame({ opcode: 2, payload: new Uint8Array(10_000), masked }))
        await until(() => server.metrics().receiveBytes >= 10_000)
        const other = connect(handshakeRequest())
        await until(() => decisions.length === 2)
        other.send(new Uint8Array(60_000))
        assert.match(await other.head(), /^HTTP\/1\.1 503 /)
        decisions[0]!()
        await until(() => received.length === 1)
        assert.deepEqual(received, [10_000])
        assert.deepEqual(server.metrics().limits, { maxTotalReceiveBytes: 1 })
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('is gone with a peer that leaves before the decision on its handshake', async () => {
      let asked = 0
      const upgrade = (): Promise<undefined> => {
        asked += 1
        return new Promise(() => {})
      }
      await withServerAt({ upgrade }, async (server, connect) => {
        const peer = connect(handshakeRequest())
        await until(() => asked === 1)
        peer.send(new Uint8Array(10_000))
        await until(() => server.metrics().receiveBytes >= 10_000)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('is gone with a peer that leaves within its head', async () => {
      await withServerAt({}, async (server, connect) => {
        const peer = connect(handshakeRequest().subarray(0, 50))
        await until(() => server.metrics().receiveBytes > 0)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('counts incomplete heads, and refuses the largest with 503', async () => {
      const head = (length: number): Uint8Array => utf8(`GET / HTTP/1.1\r\nA: ${'a'.repeat(length)}`)
      await withServerAt({ maxTotalReceiveBytes: 40 * kib }, async (server, connect) => {
        connect(head(1000))
        await until(() => server.metrics().receiveBytes >= 1000)
        const large = [connect(head(9000)), connect(head(9000))]
        await Promise.race(large.map((peer) => peer.head()))
        assert.match(large.map(({ text }) => text).join(''), /^HTTP\/1\.1 503 /)
        await until(() => server.metrics().limits.maxTotalReceiveBytes === 1)
        const peer = connect(handshakeRequest().subarray(0, 50))
        await until(() => server.metrics().receiveBytes > 1000)
        peer.send(handshakeRequest().subarray(50))
        assert.match(await peer.head(), /^HTTP\/1\.1 101 /)
      })
    })

    it('does not count a message that came whole, however long it is', async () => {
      let held = 0
      const options: ServeOptions<undefined> = {
        message(socket, message) {
          held += server!.metrics().receiveBytes
          socket.send(message)
        },
      }
      let server: Server | undefined
      await withServerAt(options, async (started, connect) => {
        server = started
        const peer = await connected(connect)
        peer.send(
          concat(...Array.from({ length: 3 }, () => frame({ opcode: 2, payload: new Uint8Array(100), masked }))),
        )
        await peer.framesOf(3)
        assert.equal(held, 0)
      })
    })
  })
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, utf8 } from 'twoway-testing/bytes.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { handshakeRequest, RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { startServer } from './listening-server.js'
import type { ServeOptions, Server } from './server-types.js'

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

for (const { name, serverPorts, clientPorts, tls, clientTls } of networks) {
  const withServer = async (
    options: ServeOptions<undefined>,
    act: (server: Server, connect: (...sent: readonly Uint8Array[]) => RawPeer) => Promise<void>,
  ): Promise<void> => {
    const server = await startServer<undefined>({ port: 0, tls, closeTimeoutMs: 300, ...options }, serverPorts)
    const peers: RawPeer[] = []
    try {
      await act(server, (...sent) => {
        const peer = new RawPeer(clientPorts.connector, { host: 'localhost', port: server.port, tls: clientTls })
        peers.push(peer)
        peer.send(...sent)
        return peer
      })
    } finally {
      for (const peer of peers) peer.destroy()
      await server.close()
    }
    assert.equal(server.metrics().receiveBytes, 0)
  }
  const connected = async (connect: (...sent: readonly Uint8Array[]) => RawPeer): Promise<RawPeer> => {
    const peer = connect(handshakeRequest())
    await peer.head()
    return peer
  }

  describe(`input that is not complete, over ${name}`, () => {
    it('is in the metrics, and its limit, and is gone with its connection', async () => {
      await withServer({ maxTotalReceiveBytes: 1000 * kib }, async (server, connect) => {
        const peer = await connected(connect)
        assert.deepEqual([server.metrics().receiveBytes, server.metrics().receiveBytesLimit], [0, 1000 * kib])
        peer.send(half(10_000))
        await until(() => server.metrics().receiveBytes >= 10_000)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('ends the connection that holds most with 1013 beyond the limit, and no other', async () => {
      const errors: string[] = []
      const options: ServeOptions<undefined> = {
        maxTotalReceiveBytes: 800 * kib,
        message: (socket, message) => socket.send(message),
        error: (_, error) => errors.push((error as Error & { code: string }).code),
      }
      await withServer(options, async (server, connect) => {
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

    it('is ended with 1008 where a message does not come on in its time', async () => {
      await withServer({ messageTimeoutMs: 150 }, async (server, connect) => {
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

    it('counts what comes ahead of a decision, delivers it, and refuses the peer with 503 where it is too much', async () => {
      const decisions: (() => void)[] = []
      const received: number[] = []
      const options: ServeOptions<undefined> = {
        maxTotalReceiveBytes: 24 * kib,
        upgrade: () => new Promise((resolve) => decisions.push(() => resolve(undefined))),
        message: (_, message) => received.push(message.length),
      }
      await withServer(options, async (server, connect) => {
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
      await withServer({ upgrade }, async (server, connect) => {
        const peer = connect(handshakeRequest())
        await until(() => asked === 1)
        peer.send(new Uint8Array(10_000))
        await until(() => server.metrics().receiveBytes >= 10_000)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('is gone with a peer that leaves within its head', async () => {
      await withServer({}, async (server, connect) => {
        const peer = connect(handshakeRequest().subarray(0, 50))
        await until(() => server.metrics().receiveBytes > 0)
        peer.destroy()
        await until(() => server.metrics().receiveBytes === 0)
      })
    })

    it('counts heads of which the rest does not come, and refuses the largest with 503', async () => {
      const head = (length: number): Uint8Array => utf8(`GET / HTTP/1.1\r\nA: ${'a'.repeat(length)}`)
      await withServer({ maxTotalReceiveBytes: 40 * kib }, async (server, connect) => {
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

    it('is nothing where it has come whole, however long the message is', async () => {
      let held = 0
      const options: ServeOptions<undefined> = {
        message(socket, message) {
          held += server!.metrics().receiveBytes
          socket.send(message)
        },
      }
      let server: Server | undefined
      await withServer(options, async (started, connect) => {
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

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { TransportError, UsageError } from '../../core/errors.js'
import type { ServeOptions } from '../handler-types.js'
import type { MessageSource, ServerSocket } from '../server-types.js'

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const hex = (text: string): string => Buffer.from(text).toString('hex')

/** The same items from every kind of source; `log` tells what became of it. */
const kinds: Readonly<Record<string, (items: readonly string[], log: string[]) => MessageSource<string>>> = {
  *iterable(items, log) {
    try {
      yield* items
    } finally {
      log.push('over')
    }
  },
  async *'async iterable'(items, log) {
    try {
      for (const item of items) {
        await nextTurn()
        yield item
      }
    } finally {
      log.push('over')
    }
  },
  ReadableStream(items, log) {
    const rest = [...items]
    return new ReadableStream<string>({
      pull(controller) {
        const item = rest.shift()
        if (item !== undefined) return controller.enqueue(item)
        log.push('over')
        controller.close()
      },
      cancel: () => void log.push('over'),
    })
  },
}

for (const network of networks) {
  /** Runs a test with a connection: the server's socket and the peer. */
  async function withSocket(
    options: Partial<ServeOptions<undefined>>,
    test: (socket: ServerSocket, peer: RawPeer) => Promise<void>,
  ): Promise<void> {
    let opened: (socket: ServerSocket) => void = () => {}
    const open = new Promise<ServerSocket>((resolve) => {
      opened = resolve
    })
    const all = { open: (socket: ServerSocket) => opened(socket), ...options } as ServeOptions<undefined>
    await withServer(network, all, async (_, connect) => {
      const peer = connect(handshakeRequest())
      await test(await open, peer)
    })
  }

  describe(`sendFrom over ${network.name}`, () => {
    for (const [kind, make] of Object.entries(kinds)) {
      it(`sends each item of ${kind} as a message, and tells how many`, async () => {
        await withSocket({}, async (socket, peer) => {
          const log: string[] = []
          assert.equal(await socket.sendFrom(make(['a', 'b', ''], log)), 3)
          assert.deepEqual(await peer.framesOf(3), [`1 ${hex('a')}`, `1 ${hex('b')}`, '1 '])
          assert.deepEqual(log, ['over'])
        })
      })

      it(`ends ${kind} and rejects where the connection closes`, async () => {
        await withSocket({}, async (socket, peer) => {
          const log: string[] = []
          peer.pause()
          const many = Array.from({ length: 1000 }, () => 'x'.repeat(50_000))
          const sent = socket.sendFrom(make(many, log))
          const rejected = assert.rejects(sent, TransportError)
          while (socket.bufferedAmount <= 64 << 10) await nextTurn()
          socket.terminate()
          await rejected
          for (let turn = 0; turn < 3; turn++) await nextTurn()
          assert.deepEqual(log, ['over'])
        })
      })
    }

    it('reads the source no faster than the peer takes the messages, and loses none', async () => {
      const count = 300
      await withSocket({ whenBufferFull: 'drop', maxBufferedBytes: 300_000 }, async (socket, peer) => {
        let most = 0
        let read = 0
        function* messages(): Generator<Uint8Array> {
          for (; read < count; read += 1) {
            most = Math.max(most, socket.bufferedAmount)
            yield new Uint8Array(60_000).fill(read)
          }
        }
        peer.pause()
        const sent = socket.sendFrom(messages())
        // Another sender takes the room now and then.
        while (socket.bufferedAmount <= 64 << 10) await nextTurn()
        socket.send(new Uint8Array(1000))
        const readWhilePaused = read
        assert.ok(readWhilePaused < count)
        peer.resume()
        assert.equal(await sent, count)
        const head = (await peer.head()).length
        await peer.until(() => peer.receivedBytes === head + count * 60_004 + 1004)
        assert.ok(most <= (64 << 10) + 100, `${most}`)
      })
    })

    it('rejects with what the source throws, or where an item is no message, and leaves the connection open', async () => {
      await withSocket({}, async (socket, peer) => {
        const failure = new Error('as asked')
        function* failing(): Generator<string> {
          yield 'a'
          throw failure
        }
        await assert.rejects(socket.sendFrom(failing()), failure)
        await assert.rejects(socket.sendFrom([1 as unknown as string]), UsageError)
        for (const source of ['text', utf8('bytes'), 1, null, {}]) {
          await assert.rejects(socket.sendFrom(source as unknown as string[]), UsageError)
        }
        socket.send('b')
        assert.deepEqual(await peer.framesOf(2), [`1 ${hex('a')}`, `1 ${hex('b')}`])
      })
    })

    it('rejects on a closed connection', async () => {
      await withSocket({}, async (socket) => {
        const log: string[] = []
        socket.close()
        await assert.rejects(socket.sendFrom(kinds['async iterable']!(['a'], log)), TransportError)
        await assert.rejects(socket.sendStream(kinds['async iterable']!(['a'], log)), TransportError)
      })
    })
  })

  describe(`sendStream over ${network.name}`, () => {
    it('cuts a message into fragments of the given number of bytes, text within characters too, RFC 6455 §5.4', async () => {
      await withSocket({}, async (socket, peer) => {
        await socket.sendStream(['aé', 'b'], { fragmentBytes: 2 })
        // A message that fills its last fragment has no empty one after it.
        assert.deepEqual(await peer.framesOf(2), ['1 61c3', '0 a962'])
        await socket.sendStream([Uint8Array.of(1, 2, 3), Uint8Array.of(4)], { fragmentBytes: 2 })
        assert.deepEqual((await peer.framesOf(4)).slice(2), ['2 0102', '0 0304'])
        // A half character is sent as U+FFFD, and keeps to the length too.
        await socket.sendStream(['\ud83d', utf8('bc')], { type: 'text', fragmentBytes: 2 })
        assert.deepEqual((await peer.framesOf(7)).slice(4), ['1 efbf', '0 bd62', '0 63'])
        await socket.sendStream(['\ud83d'], { fragmentBytes: 1 })
        assert.deepEqual((await peer.framesOf(10)).slice(7), ['1 ef', '0 bf', '0 bd'])
        const lengths = async (fragmentBytes: number, from: number): Promise<number[]> => {
          await socket.sendStream([new Uint8Array(140_000)], { fragmentBytes })
          return (await peer.framesOf(from + 3)).slice(from).map((line) => line.length / 2 - 1)
        }
        assert.deepEqual(await lengths(65_536, 10), [65_536, 65_536, 8928])
        assert.deepEqual(await lengths(2 ** 40, 13), [65_536, 65_536, 8928])
        for (const fragmentBytes of [0, 1.5, -1]) {
          await assert.rejects(socket.sendStream(['a'], { fragmentBytes }), UsageError)
        }
      })
    })

    for (const [kind, make] of Object.entries(kinds)) {
      it(`sends all of ${kind} as one message, and what was sent meanwhile after it`, async () => {
        await withSocket({}, async (socket, peer) => {
          const log: string[] = []
          const sent = socket.sendStream(make(['a', '👋', 'b'], log))
          const second = socket.sendStream(make([], log), { type: 'text' })
          socket.send('c')
          await sent
          await second
          await peer.until(() => peer.frames.at(-1) === `1 ${hex('c')}`)
          const payloads = peer.frames.map((line) => line.slice(2)).join('')
          assert.equal(payloads, hex('a👋bc'))
          assert.match(peer.frames.map((line) => line[0]).join(''), /^10*11$/)
          assert.deepEqual(log, ['over', 'over'])
        })
      })

      it(`ends ${kind} and rejects where the connection closes`, async () => {
        await withSocket({}, async (socket, peer) => {
          const log: string[] = []
          peer.pause()
          const many = Array.from({ length: 1000 }, () => 'x'.repeat(50_000))
          const rejected = assert.rejects(socket.sendStream(make(many, log)), TransportError)
          const second = assert.rejects(socket.sendStream(make(many, [])), TransportError)
          while (socket.bufferedAmount <= 64 << 10) await nextTurn()
          socket.close(1000)
          await rejected
          for (let turn = 0; turn < 3; turn++) await nextTurn()
          await second
          assert.deepEqual(log, ['over'])
        })
      })
    }

    it('stays near the high-water mark while the peer does not read, and all arrives', async () => {
      const total = 24 << 20
      await withSocket({}, async (socket, peer) => {
        let most = 0
        let read = 0
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (; read < total; read += 1 << 16) {
            most = Math.max(most, socket.bufferedAmount)
            yield new Uint8Array(1 << 16).fill(read >> 16)
          }
        }
        peer.pause()
        const sent = socket.sendStream(pieces())
        while (socket.bufferedAmount <= 64 << 10) await nextTurn()
        peer.resume()
        await sent
        await peer.until(() => peer.receivedBytes > total)
        assert.ok(most <= 128 << 10, `${most}`)
      })
    })

    it('rejects with what the source throws: open where nothing had gone, else closed with 1011', async () => {
      await withSocket({}, async (socket, peer) => {
        const failure = new Error('as asked')
        async function* failing(first: readonly string[]): AsyncGenerator<string> {
          for (const piece of first) {
            yield piece
            await nextTurn()
            await nextTurn()
          }
          throw failure
        }
        await assert.rejects(socket.sendStream(failing([])), failure)
        await assert.rejects(socket.sendStream([1 as unknown as string]), UsageError)
        await assert.rejects(socket.sendStream('text'), UsageError)
        assert.equal(socket.send('open'), 'sent')
        await assert.rejects(socket.sendStream(failing(['a'])), failure)
        assert.equal(socket.send('closed'), 'closed')
        const frames = await peer.framesOf(3)
        assert.deepEqual(frames.slice(0, 2), [`1 ${hex('open')}`, `1 ${hex('a')}`])
        assert.match(frames[2]!, /^8 03f3/)
      })
    })
  })
}

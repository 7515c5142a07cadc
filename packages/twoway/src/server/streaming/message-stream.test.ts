import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { concat, frame, fromHex, utf8 } from 'twoway-testing/bytes.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { ProtocolError, TransportError, UsageError } from '../../core/errors.js'
import type { ServeOptions } from '../handler-types.js'
import { startServer } from '../listening-server.js'
import type { MessageStream, ServerSocket } from '../server-types.js'

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

const hex = (text: string): string => Buffer.from(text).toString('hex')
const part = (payload: string | Uint8Array, opcode: number, fin: boolean): Uint8Array =>
  frame({ opcode, payload, fin, masked: true })
const text = (payload: string): Uint8Array => part(payload, 1, true)

for (const network of networks) {
  describe(`messageStream over ${network.name}`, () => {
    async function withPeer(
      options: Partial<ServeOptions<undefined>>,
      test: (peer: RawPeer, log: string[]) => Promise<void>,
    ): Promise<void> {
      const log: string[] = []
      const error = (_: unknown, { name }: Error): void => void log.push(name)
      await withServer(network, { error, ...options } as ServeOptions<undefined>, (_, connect) =>
        test(connect(handshakeRequest()), log),
      )
    }

    it('hands over what was sent, however it is cut, and an echo of it is the same', async () => {
      const echo = (socket: ServerSocket, stream: MessageStream): Promise<void> => socket.sendStream(stream, stream)
      await withPeer({ messageStream: echo }, async (peer) => {
        const parts = fc.array(fc.string({ unit: 'binary', maxLength: 40 }).map(utf8), { maxLength: 8 })
        let expected = ''
        const echoed = (): string => peer.frames.map((line) => line.slice(2)).join('')
        await fc.assert(
          fc.asyncProperty(parts, fc.array(fc.nat(200), { maxLength: 6 }), async (payloads, cuts) => {
            const whole = concat(...payloads)
            const offsets = [...new Set([0, ...cuts.filter((at) => at < whole.length), whole.length])].sort(
              (a, b) => a - b,
            )
            const frames = offsets.slice(1).map((end, index) => whole.subarray(offsets[index], end))
            if (frames.length === 0) frames.push(whole)
            peer.send(...frames.map((bytes, index) => part(bytes, index === 0 ? 1 : 0, index === frames.length - 1)))
            expected += Buffer.from(whole).toString('hex')
            await peer.until(() => echoed().length >= expected.length)
            assert.equal(echoed(), expected)
          }),
          { numRuns: 40 },
        )
      })
    })

    it('calls the handler for each message in order, the next only when the one before is over', async () => {
      const log: string[] = []
      const messageStream = async (_: ServerSocket, stream: MessageStream): Promise<void> => {
        log.push(`begin ${stream.type}`)
        await nextTurn()
        for await (const piece of stream) log.push(Buffer.from(piece).toString())
        log.push('end')
      }
      await withPeer({ messageStream }, async (peer) => {
        peer.send(text('1'), part('2', 2, true), text(''), text('4'), frame({ opcode: 9, masked: true }))
        await peer.framesOf(1)
        assert.deepEqual(log.slice(0, 8), ['begin text', '1', 'end', 'begin binary', '2', 'end', 'begin text', 'end'])
      })
    })

    const readers: Readonly<Record<string, (stream: MessageStream) => unknown>> = {
      'breaks off': async (stream) => {
        for await (const _ of stream) break
      },
      'reads nothing': () => {},
      'reads nothing, by promise': () => nextTurn(),
      'cancels the readable': (stream) => stream.readable.getReader().cancel(),
    }
    for (const [what, read] of Object.entries(readers)) {
      it(`drops the rest of a message whose reader ${what}, and goes on`, async () => {
        let count = 0
        const messageStream = (socket: ServerSocket, stream: MessageStream): unknown => {
          count += 1
          if (count === 1) return read(stream)
          return stream.text().then((whole) => socket.send(whole))
        }
        await withPeer({ messageStream }, async (peer) => {
          peer.send(part(new Uint8Array(10), 2, false))
          await nextTurn()
          for (let index = 0; index < 8; index++) peer.send(part(new Uint8Array(100_000), 0, false))
          peer.send(part('', 0, true), text('next'))
          assert.deepEqual(await peer.framesOf(1), [`1 ${hex('next')}`])
        })
      })
    }

    it('reads by text, bytes and readable, and a message once', async () => {
      const messageStream = async (socket: ServerSocket, stream: MessageStream): Promise<void> => {
        if (stream.type === 'text') {
          socket.send(await stream.bytes())
          await assert.rejects(stream.text(), UsageError)
          assert.throws(() => stream.readable, UsageError)
        } else {
          const reader = stream.readable.getReader()
          for (let next = await reader.read(); !next.done; next = await reader.read()) socket.send(next.value!)
          socket.send('end')
        }
      }
      await withPeer({ messageStream }, async (peer, log) => {
        peer.send(part('gr\u00fc', 1, false), part('\u00df', 0, true), part('xyz', 2, true))
        assert.deepEqual(await peer.framesOf(3), [`2 ${hex('gr\u00fc\u00df')}`, `2 ${hex('xyz')}`, `1 ${hex('end')}`])
        assert.deepEqual(log, [])
      })
    })

    it('has text and bytes take maxMessageBytes and no more: 1009', async () => {
      const messageStream = async (socket: ServerSocket, stream: MessageStream): Promise<void> => {
        socket.send(String((await stream.bytes()).length))
      }
      await withPeer({ messageStream, maxMessageBytes: 10 }, async (peer) => {
        for (const length of [9, 10, 11]) peer.send(part(new Uint8Array(length), 2, true))
        const frames = await peer.framesOf(3)
        assert.deepEqual(frames.slice(0, 2), [`1 ${hex('9')}`, `1 ${hex('10')}`])
        assert.match(frames[2]!, /^8 03f1/)
      })
    })

    const ends: Readonly<Record<string, readonly [(peer: RawPeer) => void, new (...parts: never[]) => Error]>> = {
      'the peer breaks a rule': [(peer) => peer.send(part(fromHex('ff'), 0, true)), ProtocolError],
      'the peer closes': [(peer) => peer.send(part(fromHex('03e8'), 8, true)), TransportError],
      'the connection is lost': [(peer) => peer.destroy(), TransportError],
    }
    for (const [what, [end, kind]] of Object.entries(ends)) {
      it(`fails where ${what} within the message`, async () => {
        let failed: (error: unknown) => void = () => {}
        const failure = new Promise<unknown>((resolve) => {
          failed = resolve
        })
        const messageStream = async (_: ServerSocket, stream: MessageStream): Promise<void> => {
          try {
            await stream.text()
          } catch (error) {
            failed(error)
          }
        }
        await withPeer({ messageStream }, async (peer) => {
          peer.send(part('a', 1, false))
          await peer.head()
          await nextTurn()
          end(peer)
          const error = await failure
          assert.ok(error instanceof kind, String(error))
        })
      })
    }

    it('holds about the high-water mark of what nobody takes', async () => {
      let opened: (stream: MessageStream) => void = () => {}
      const stream = new Promise<MessageStream>((resolve) => {
        opened = resolve
      })
      const takes = (begun: MessageStream): Promise<void> => {
        opened(begun)
        return new Promise(() => {})
      }
      let largest = 0
      await withPeer({ messageStream: (_, begun) => takes(begun) }, async (peer) => {
        const total = 4 << 20
        peer.send(part(new Uint8Array(total), 2, true))
        const begun = await stream
        let length = 0
        for await (const piece of begun) {
          largest = Math.max(largest, piece.length)
          length += piece.length
          for (let turn = 0; turn < 3; turn++) await nextTurn()
        }
        assert.equal(length, total)
      })
      // A read of the memory network is as long as what was written, one of the others 256 KiB at most.
      if (network.name !== 'memory') assert.ok(largest <= 384 << 10, `${largest}`)
    })

    it('takes those connections for which upgrade asks, beside message', async () => {
      for (const [messageStream, expected] of [
        [true, 'stream one'],
        [false, 'whole one'],
        [undefined, 'whole one'],
      ] as const) {
        const options: Partial<ServeOptions<undefined>> = {
          upgrade: () => ({ messageStream }),
          message: (socket, message) => socket.send(`whole ${message}`),
          messageStream: async (socket, stream) => socket.send(`stream ${await stream.text()}`),
        }
        await withPeer(options, async (peer) => {
          peer.send(text('one'))
          assert.deepEqual(await peer.framesOf(1), [`1 ${hex(expected)}`])
        })
      }
    })

    it('refuses a handshake whose upgrade asks for it where there is none', async () => {
      await withPeer({ upgrade: () => ({ messageStream: true }), message() {} }, async (peer, log) => {
        assert.match(await peer.head(), /^HTTP\/1\.1 500 /)
        assert.deepEqual(log, ['UsageError'])
      })
    })

    it('excludes message where there is no upgrade to choose', async () => {
      await assert.rejects(
        startServer<undefined>({ port: 0, message() {}, messageStream() {} }, network.serverPorts),
        (error) => error instanceof UsageError && /give one of them/.test(error.message),
      )
    })
  })
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { networks } from 'twoway-testing/peers/networks.js'
import { defineWebSocket } from '../client/websocket/websocket.js'
import { TransportError, UsageError } from '../core/errors.js'
import { toDuplex, toWebStreams } from '../entries/streams.js'
import type { ServeOptions } from '../server/handler-types.js'
import { startServer } from '../server/listening-server.js'
import type { Server, ServerSocket } from '../server/server-types.js'

const isImpossible = (message: RegExp) => (error: unknown) =>
  error instanceof UsageError && error.code === 'streamImpossible' && message.test(error.message)

for (const network of networks) {
  const WebSocket = defineWebSocket(network.clientPorts)

  describe(`sockets as streams: ${network.name}`, () => {
    async function withPair(
      options: Omit<ServeOptions<undefined>, 'tls'>,
      test: (connect: () => InstanceType<typeof WebSocket>, server: Server) => Promise<void>,
    ): Promise<void> {
      const tls = network.tls === undefined ? {} : { tls: network.tls }
      const server = await startServer<undefined>(
        { port: 0, closeTimeoutMs: 500, ...tls, ...options },
        network.serverPorts,
      )
      const clients: InstanceType<typeof WebSocket>[] = []
      const connect = () => {
        const ca = network.clientTls?.ca
        const client = new WebSocket(`${server.url}/`, { ...(ca !== undefined && { ca }), closeTimeoutMs: 500 })
        client.binaryType = 'arraybuffer'
        clients.push(client)
        return client
      }
      try {
        await test(connect, server)
      } finally {
        for (const client of clients) client.close()
        await server.close()
      }
    }

    const textOf = async (duplex: Duplex): Promise<string> => {
      const chunks: Buffer[] = []
      for await (const chunk of duplex) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString()
    }

    it('echo a stream of bytes from a client through a server, both ways, to its end', async () => {
      const echo = (socket: ServerSocket): void => {
        const duplex = toDuplex(socket)
        duplex.pipe(duplex)
      }
      await withPair({ open: echo, message: () => assert.fail('the stream has it') }, async (connect) => {
        const client = toDuplex(connect())
        const sent = Array.from({ length: 200 }, (_, index) => Buffer.alloc(index * 50, index))
        let received = 0
        const total = sent.reduce((sum, { length }) => sum + length, 0)
        client.on('data', (chunk: Buffer) => {
          received += chunk.length
          if (received === total) client.end()
        })
        for (const chunk of sent) if (!client.write(chunk)) await once(client, 'drain')
        await once(client, 'close')
        assert.equal(received, total)
      })
    })

    it('keep messages and their kind in object mode', async () => {
      const open = (socket: ServerSocket): void => {
        const duplex = toDuplex(socket, { objectMode: true })
        duplex.on('data', (message) => duplex.write(message))
      }
      await withPair({ open }, async (connect) => {
        const client = toDuplex(connect(), { objectMode: true })
        const messages = ['text', '', Uint8Array.of(1, 2), new Uint8Array(0), 'é']
        for (const message of messages) client.write(message)
        const got: unknown[] = []
        for await (const message of client) {
          got.push(typeof message === 'string' ? message : new Uint8Array(message))
          if (got.length === messages.length) break
        }
        assert.deepEqual(got, messages)
      })
    })

    it('join the bytes of corked writes to few messages, but not to long ones', async () => {
      const lengths: number[] = []
      const server = {
        message(socket: ServerSocket, message: string | Uint8Array) {
          lengths.push(message.length)
          if (lengths.length === 4) socket.close()
        },
      }
      await withPair(server, async (connect) => {
        const client = toDuplex(connect())
        client.cork()
        for (const length of [1, 2, 3, 100_000, 40_000, 20_000, 10_000]) client.write(Buffer.alloc(length))
        client.write(Buffer.alloc(1))
        process.nextTick(() => client.uncork())
        await once(client.resume(), 'close')
      })
      assert.deepEqual(lengths, [6, 100_000, 60_000, 10_001])
    })

    it('write text that is put together where a chunk cut a character, and read text as its UTF-8', async () => {
      const messages: unknown[] = []
      await withPair(
        {
          message(socket, message) {
            messages.push(message)
            socket.send(message)
          },
        },
        async (connect) => {
          const client = toDuplex(connect(), { type: 'text' })
          const bytes = Buffer.from('aé部b')
          for (const byte of bytes) client.write(Buffer.of(byte))
          let got = ''
          for await (const chunk of client) {
            got += chunk
            if (got === 'aé部b') break
          }
          assert.deepEqual(messages, ['a', 'é', '部', 'b'])
        },
      )
    })

    it('end cleanly when the peer closes, and have all that was sent before', async () => {
      const open = (socket: ServerSocket): void => {
        for (const text of ['a', 'b', 'c']) socket.send(text)
        socket.close(1000)
      }
      await withPair({ open }, async (connect) => {
        assert.equal(await textOf(toDuplex(connect())), 'abc')
      })
    })

    it('fail when the connection is lost', async () => {
      await withPair({ open: (socket) => socket.terminate() }, async (connect) => {
        await assert.rejects(textOf(toDuplex(connect())), TransportError)
        const { readable } = toWebStreams(connect())
        await assert.rejects(readable.getReader().read(), TransportError)
      })
    })

    it('fail when the client can not connect', async () => {
      await withPair({}, async (_connect, server) => {
        const { url } = server
        await server.close()
        await assert.rejects(textOf(toDuplex(new WebSocket(`${url}/`, { handshakeTimeoutMs: 500 }))))
      })
    })

    it('close with 1000 at `end`, after all that was written', async () => {
      const log: unknown[] = []
      let done: () => void
      const closed = new Promise<void>((resolve) => {
        done = resolve
      })
      const options: ServeOptions<undefined> = {
        message: (_socket, message) => log.push(message.length),
        close: (_socket, { code, wasClean }) => {
          log.push(code, wasClean)
          done()
        },
      }
      await withPair(options, async (connect) => {
        const client = toDuplex(connect())
        client.write(Buffer.alloc(300_000))
        client.end(Buffer.alloc(7))
        await closed
        assert.deepEqual(log, [300_000, 7, 1000, true])
      })
    })

    it('stop reading the network while they are not read, and lose nothing', async () => {
      let duplex: Duplex | undefined
      let socket: ServerSocket | undefined
      const open = (opened: ServerSocket): void => {
        socket = opened
        duplex = toDuplex(opened)
      }
      await withPair({ open, maxMessageBytes: 1 << 20 }, async (connect) => {
        const client = connect()
        await once(client as never, 'open')
        const message = new Uint8Array(100_000)
        for (let index = 0; index < 200; index += 1) client.send(message)
        while (duplex === undefined || duplex.readableLength === 0)
          await new Promise((resolve) => setTimeout(resolve, 5))
        // Whatever the network holds, far less than the 20 MB is in the stream.
        assert.ok(duplex.readableLength < 1_000_000, `${duplex.readableLength}`)
        let received = 0
        for await (const chunk of duplex) {
          received += (chunk as Buffer).length
          if (received === 20_000_000) break
        }
        assert.equal(received, 20_000_000)
        assert.ok(socket !== undefined)
      })
    })

    it('have writes wait for the network', async () => {
      let paused: ServerSocket | undefined
      const open = (socket: ServerSocket): void => {
        paused = socket
        socket.pause()
      }
      let received = 0
      const message = (_socket: ServerSocket, { length }: string | Uint8Array): void => {
        received += length
      }
      await withPair({ open, message }, async (connect) => {
        const client = connect()
        const { writable } = toWebStreams(client)
        const writer = writable.getWriter()
        const chunk = new Uint8Array(100_000)
        let written = 0
        const writing = (async () => {
          for (let index = 0; index < 300; index += 1) {
            await writer.ready
            await writer.write(chunk)
            written += 1
          }
        })()
        while (client.bufferedAmount === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        assert.ok(written < 300)
        assert.ok(client.bufferedAmount < 1_000_000)
        paused!.resume()
        await writing
        await writer.close()
        assert.equal(received, 30_000_000)
      })
    })

    it('pipe web streams through a server', async () => {
      const open = (socket: ServerSocket): void => {
        const { readable, writable } = toWebStreams(socket)
        readable.pipeTo(writable).catch(() => {})
      }
      await withPair({ open }, async (connect) => {
        const { readable, writable } = toWebStreams(connect())
        const writer = writable.getWriter()
        const reader = readable.getReader()
        for (const message of ['a', Uint8Array.of(1), 'b']) {
          await writer.write(message)
          const { value } = await reader.read()
          assert.deepEqual(typeof value === 'string' ? value : new Uint8Array(value!), message)
        }
        await writer.close()
        assert.equal((await reader.read()).done, true)
      })
    })

    it('close when the reader cancels, and drop the connection when the writer aborts', async () => {
      const codes: unknown[] = []
      let tell: () => void = () => {}
      const options: ServeOptions<undefined> = {
        close: (_socket, { code }) => {
          codes.push(code)
          tell()
        },
      }
      const ended = () =>
        new Promise<void>((resolve) => {
          tell = resolve
        })
      await withPair(options, async (connect) => {
        const first = connect()
        await once(first as never, 'open')
        let end = ended()
        await toWebStreams(first).readable.cancel()
        await end
        const second = connect()
        await once(second as never, 'open')
        end = ended()
        await toWebStreams(second).writable.abort(new Error('enough'))
        await end
        assert.deepEqual(codes, [1000, 1006])
      })
    })

    it('fail a pipeline whose connection is lost amid it', async () => {
      const open = (socket: ServerSocket): void => {
        const duplex = toDuplex(socket)
        duplex.on('error', () => {})
        duplex.once('data', () => socket.terminate())
      }
      await withPair({ open }, async (connect) => {
        const endless = async function* (): AsyncGenerator<Buffer> {
          for (;;) yield Buffer.alloc(50_000)
        }
        await assert.rejects(pipeline(endless, toDuplex(connect())))
      })
    })

    it('refuse what can be no stream', async () => {
      const socket = new Promise<ServerSocket>((resolve) => {
        void withPair({ open: resolve }, async (connect) => {
          const client = connect()
          toDuplex(client).on('error', () => {})
          assert.throws(() => toDuplex(client), isImpossible(/already/))
          const opened = await socket
          toWebStreams(opened)
          assert.throws(() => toWebStreams(opened), isImpossible(/already/))
          opened.terminate()
        })
      })
      for (const wrong of [{}, [], new EventTarget(), undefined, null, 5]) {
        assert.throws(() => toDuplex(wrong as never), isImpossible(/only the socket/))
        assert.throws(() => toWebStreams(wrong as never), isImpossible(/only the socket/))
      }
      const opened = await socket
      await opened.closed
      assert.throws(() => toDuplex(opened), isImpossible(/already|closed/))
    })

    it('refuse a socket whose messages are streamed', async () => {
      const failed = new Promise<unknown>((resolve) => {
        const options: ServeOptions<undefined> = {
          open: (socket) => {
            toDuplex(socket)
          },
          messageStream: () => {},
          error: (_socket, error) => resolve(error),
        }
        void withPair(options, async (connect) => {
          connect()
          await failed
        })
      })
      assert.ok(isImpossible(/messageStream/)(await failed))
    })
  })
}

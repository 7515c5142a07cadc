import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { answerTo, closeOf, rawPeer, thrown, withPair, withServer } from '../harness.js'
import type { Module, Row, Server } from '../row.js'

const pings = (count: number): Buffer => Buffer.concat(Array(count).fill(Buffer.from([0x89, 0x80, 0, 0, 0, 0])))

/** Options, events and methods of a server that are about its socket, its time and its limits. */
export const serverOptionRows: readonly Row[] = [
  {
    name: 'host and backlog',
    result: [0, '127.0.0.1', 7],
    run: async (W) => {
      const { listen } = net.Server.prototype
      let given: unknown[] = []
      net.Server.prototype.listen = function (this: net.Server, ...values: unknown[]) {
        given = values.slice(0, 3)
        return listen.apply(this, values as [number])
      } as typeof listen
      try {
        await withServer(W, { backlog: 7 }, () => {})
      } finally {
        net.Server.prototype.listen = listen
      }
      return given
    },
  },
  {
    name: 'the callback and listening, in this order of their listeners',
    result: ['callback', 'listening'],
    run: async (W) => {
      const log: string[] = []
      const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' }, () => log.push('callback'))
      server.on('listening', () => log.push('listening'))
      await once(server, 'listening')
      server.close()
      return log
    },
  },
  {
    name: 'address',
    result: ['127.0.0.1', 'IPv4', 'number', 'null'],
    run: async (W) => {
      const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(server, 'listening')
      const { address, family, port } = server.address() as AddressInfo
      server.close()
      return [address, family, typeof port, String(server.address())]
    },
  },
  {
    name: 'error of a server: a port that is taken',
    result: 'EADDRINUSE',
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const { 0: error } = (await once(new W.WebSocketServer({ port, host: '127.0.0.1' }), 'error')) as [
          NodeJS.ErrnoException,
        ]
        return error.code
      }),
  },
  {
    name: 'closeTimeout of a server',
    result: 1006,
    run: (W) =>
      withServer(W, { closeTimeout: 50 } as object, async (server, port) => {
        const raw = rawPeer(port)
        const { ws } = await raw.connected(server)
        const closed = closeOf(ws)
        ws.close(1000)
        const { 0: code } = await closed
        raw.socket.destroy()
        return code
      }),
  },
  {
    name: 'autoPong: a Pong for each Ping',
    result: [0x8a, 0, 0x8a, 0, 0x8a, 0],
    run: (W) =>
      withServer(W, { maxPendingAutoPongs: 0 } as object, async (server, port) => {
        const raw = rawPeer(port)
        await raw.connected(server)
        raw.socket.write(pings(3))
        const bytes = await raw.read(6)
        raw.socket.destroy()
        return [...bytes]
      }),
  },
  {
    name: 'maxPendingAutoPongs of a server',
    result: 1006,
    run: (W) =>
      withServer(W, { maxPendingAutoPongs: 1 } as object, async (server, port) => {
        const raw = rawPeer(port)
        const { ws } = await raw.connected(server)
        const closed = closeOf(ws)
        raw.socket.on('error', () => {})
        raw.socket.write(pings(2))
        return (await closed)[0]
      }),
  },
  {
    name: 'allowSynchronousEvents: false, and the limits of fragments: messages come in order',
    result: ['a', 'b', 'c'],
    run: (W) => {
      const options = { allowSynchronousEvents: false, maxFragments: 8, maxBufferedChunks: 8 } as object
      return withPair(
        W,
        ({ client, remote }) =>
          new Promise((resolve) => {
            const all: string[] = []
            remote.on('message', (data) => {
              if (all.push(String(data)) === 3) resolve(all)
            })
            for (const text of ['a', 'b', 'c']) client.send(text)
          }),
        options,
        options,
      )
    },
  },
  {
    name: 'verifyClient with headers of the answer',
    result: [503, '120', 'later'],
    run: (W) =>
      withServer(
        W,
        {
          verifyClient: (
            _info: unknown,
            done: (...values: [boolean, number, string, http.OutgoingHttpHeaders]) => void,
          ) => done(false, 503, 'later', { 'Retry-After': 120 }),
        },
        (_server, port) =>
          new Promise((resolve) => {
            const headers = {
              Connection: 'Upgrade',
              Upgrade: 'websocket',
              'Sec-WebSocket-Version': '13',
              'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
            }
            http.get({ port, host: '127.0.0.1', headers }, async (response) => {
              const chunks: Buffer[] = []
              for await (const chunk of response) chunks.push(chunk as Buffer)
              resolve([response.statusCode, response.headers['retry-after'], String(Buffer.concat(chunks))])
            })
          }),
      ),
  },
  {
    name: 'handleProtocols that returns false',
    result: [101, undefined, undefined],
    run: (W) =>
      withServer(W, { handleProtocols: () => false }, (_server, port) =>
        answerTo(port, { 'Sec-WebSocket-Protocol': 'a' }),
      ),
  },
  {
    name: 'close of a server leaves its connections open',
    result: [1, 'closed'],
    run: async (W) => {
      const app = http.createServer().listen(0, '127.0.0.1')
      await once(app, 'listening')
      const server = new W.WebSocketServer({ server: app })
      const { client } = await pairOn(W, server, (app.address() as AddressInfo).port)
      const closed = once(server, 'close')
      server.close()
      const state = client.readyState
      client.close()
      await closed
      app.close()
      return [state, 'closed']
    },
  },
  {
    name: 'close of a server without clientTracking does not wait for its connections',
    result: ['closed', 1],
    run: async (W) => {
      const app = http.createServer().listen(0, '127.0.0.1')
      await once(app, 'listening')
      const server = new W.WebSocketServer({ server: app, clientTracking: false })
      const { client, remote } = await pairOn(W, server, (app.address() as AddressInfo).port)
      const closed = once(server, 'close')
      server.close()
      await closed
      const state = client.readyState
      client.terminate()
      remote.terminate()
      app.close()
      return ['closed', state]
    },
  },
  {
    name: 'close of a server removes its listeners from a server of the program',
    result: [1, 1, 1],
    run: async (W) => {
      const app = http.createServer()
      const server = new W.WebSocketServer({ server: app })
      const counts = (): number[] => ['listening', 'upgrade', 'error'].map((event) => app.listenerCount(event))
      const before = counts()
      server.close()
      return counts().map((count, at) => before[at]! - count)
    },
  },
  {
    name: 'close of a server comes after that of its HTTP server',
    result: ['http', 'ws'],
    run: async (W) => {
      const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1' })
      await once(server, 'listening')
      const log: string[] = []
      const { _server: app } = server as unknown as { _server: http.Server }
      app.on('close', () => log.push('http'))
      const closed = once(server, 'close').then(() => log.push('ws'))
      server.close()
      server.close()
      await closed
      return log
    },
  },
  {
    name: 'options of a server',
    result: [0, 'a', 100 << 20, true, {}],
    run: (W) =>
      withServer(W, { port: 0, path: 'a', perMessageDeflate: true }, ({ options }) => [
        options.port,
        options.path,
        options.maxPayload,
        options.clientTracking,
        options.perMessageDeflate,
      ]),
  },
  {
    name: 'bytes that arrive with the request',
    result: 'early',
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const raw = net.connect(port, '127.0.0.1')
        const message = new Promise((resolve) =>
          server.on('connection', (ws) => ws.on('message', (data) => resolve(String(data)))),
        )
        raw.write(
          'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\0\0\0\0early',
          'latin1',
        )
        const text = await message
        raw.destroy()
        return text
      }),
  },
  {
    name: 'a client that leaves while verifyClient decides',
    result: 0,
    run: (W) => {
      let connections = 0
      let leave = (): void => {}
      const left = new Promise<void>((resolve) => {
        leave = resolve
      })
      const verifyClient = ({ req }: { req: http.IncomingMessage }, done: (result: boolean) => void): void => {
        req.socket.on('end', () => {
          done(true)
          setImmediate(leave)
        })
      }
      return withServer(W, { verifyClient }, async (server, port) => {
        server.on('connection', () => {
          connections += 1
        })
        const raw = net.connect(port, '127.0.0.1')
        raw.end(
          'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
            'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        )
        await left
        return connections
      })
    },
  },
  {
    name: 'shouldHandle',
    result: [true, true, false],
    run: async (W) => {
      const server = new W.WebSocketServer({ noServer: true, path: '/a' })
      return ['/a', '/a?b', '/b'].map((url) => server.shouldHandle({ url } as http.IncomingMessage))
    },
  },
  {
    name: 'handleUpgrade twice for one socket',
    result: [
      'Error',
      'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
    ],
    run: async (W) => {
      const app = http.createServer().listen(0, '127.0.0.1')
      await once(app, 'listening')
      const server = new W.WebSocketServer({ noServer: true })
      const result = new Promise((resolve) => {
        app.on('upgrade', (request, socket, head) => {
          server.handleUpgrade(request, socket, head, () => {})
          resolve(thrown(() => server.handleUpgrade(request, socket, head, () => {})))
        })
      })
      const client = new W(`ws://127.0.0.1:${(app.address() as AddressInfo).port}`)
      client.on('error', () => {})
      const all = await result
      client.terminate()
      app.close()
      return all
    },
  },
]

async function pairOn(W: Module, server: Server, port: number) {
  const connected = once(server, 'connection') as Promise<[InstanceType<Module>]>
  const client = new W(`ws://127.0.0.1:${port}`)
  await once(client, 'open')
  return { client, remote: (await connected)[0] }
}

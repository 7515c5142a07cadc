import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { answerTo, called, thrown, withHttp, withPair, withServer } from './harness.js'
import type { Module, Row } from './row.js'

/** The server. */
export const serverRows: readonly Row[] = [
  {
    name: 'options that exclude each other',
    result: Array(2).fill([
      'TypeError',
      'One and only one of the "port", "server", or "noServer" options must be specified',
    ]),
    run: async (W) => [
      thrown(() => new W.WebSocketServer({})),
      thrown(() => new W.WebSocketServer({ port: 0, noServer: true })),
    ],
  },
  {
    name: 'address of noServer',
    result: ['Error', 'The server is operating in "noServer" mode'],
    run: async (W) => thrown(() => new W.WebSocketServer({ noServer: true }).address()),
  },
  {
    name: 'a plain request',
    result: [426, 'Upgrade Required'],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const response = await fetch(`http://127.0.0.1:${port}`)
        return [response.status, await response.text()]
      }),
  },
  ...(
    [
      ['a request with POST', {}, '/', 'POST', [405, 'Invalid HTTP method', undefined]],
      [
        'a request without a key',
        { 'Sec-WebSocket-Key': 'x' },
        '/',
        'GET',
        [400, 'Missing or invalid Sec-WebSocket-Key header', undefined],
      ],
      [
        'a request with another version',
        { 'Sec-WebSocket-Version': '12' },
        '/',
        'GET',
        [400, 'Missing or invalid Sec-WebSocket-Version header', '13, 8'],
      ],
      ['a request for another protocol', { Upgrade: 'x' }, '/', 'GET', [400, 'Invalid Upgrade header', undefined]],
      [
        'a request with malformed subprotocols',
        { 'Sec-WebSocket-Protocol': 'a,,b' },
        '/',
        'GET',
        [400, 'Invalid Sec-WebSocket-Protocol header', undefined],
      ],
      [
        'a request with malformed extensions',
        { 'Sec-WebSocket-Extensions': 'a;;' },
        '/',
        'GET',
        [400, 'Invalid or unacceptable Sec-WebSocket-Extensions header', undefined],
      ],
      [
        'an unacceptable offer',
        { 'Sec-WebSocket-Extensions': 'permessage-deflate; x' },
        '/',
        'GET',
        [400, 'Invalid or unacceptable Sec-WebSocket-Extensions header', undefined],
      ],
      [
        'a request with an unknown extension',
        { 'Sec-WebSocket-Extensions': 'x' },
        '/',
        'GET',
        [101, undefined, undefined],
      ],
      [
        'an offer',
        { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
        '/',
        'GET',
        [101, undefined, 'permessage-deflate'],
      ],
      ['subprotocols: the first', { 'Sec-WebSocket-Protocol': 'a, b' }, '/', 'GET', [101, 'a', undefined]],
    ] as const
  ).map(([name, headers, path, method, result]) => ({
    name,
    result,
    run: (W: Module) =>
      withServer(W, { perMessageDeflate: true }, (_server, port) => answerTo(port, headers, path, method)),
  })),
  {
    name: 'path',
    result: [
      [400, 'Bad Request', undefined],
      [101, undefined, undefined],
    ],
    run: (W) =>
      withServer(W, { path: '/a' }, async (_server, port) => [
        await answerTo(port, {}, '/b'),
        await answerTo(port, {}, '/a?c'),
      ]),
  },
  {
    name: 'shouldHandle of a subclass',
    result: [400, 'Bad Request', undefined],
    run: async (W) => {
      class Own extends W.WebSocketServer {
        override shouldHandle(): boolean {
          return false
        }
      }
      const server = new Own({ port: 0, host: '127.0.0.1' })
      await once(server, 'listening')
      const result = await answerTo((server.address() as AddressInfo).port, {})
      server.close()
      return result
    },
  },
  {
    name: 'handleProtocols',
    result: [101, 'b', undefined],
    run: (W) =>
      withServer(
        W,
        { handleProtocols: (names, request) => ([...names][1]! && request.url === '/' ? 'b' : false) },
        (_server, port) => answerTo(port, { 'Sec-WebSocket-Protocol': 'a, b' }),
      ),
  },
  {
    name: 'verifyClient',
    result: [[401, 'Unauthorized', undefined], 'http://o', false],
    run: async (W) => {
      let info: unknown[] = []
      return withServer(
        W,
        {
          verifyClient: ({ origin, secure }: { origin: string; secure: boolean }) => {
            info = [origin, secure]
            return false
          },
        },
        async (_server, port) => [await answerTo(port, { Origin: 'http://o' }), ...info],
      )
    },
  },
  {
    name: 'verifyClient with a callback',
    result: [
      [403, 'no', undefined],
      [101, undefined, undefined],
    ],
    run: async (W) => {
      let passes = false
      return withServer(
        W,
        {
          verifyClient: (_info: unknown, done: (result: boolean, code?: number, message?: string) => void) =>
            setImmediate(() => (passes ? done(true) : done(false, 403, 'no'))),
        },
        async (_server, port) => {
          const first = await answerTo(port, {})
          passes = true
          return [first, await answerTo(port, {})]
        },
      )
    },
  },
  {
    name: 'headers: the event',
    result: true,
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        server.on('headers', (headers) => headers.push('X-C: 1'))
        const client = new W(`ws://127.0.0.1:${port}`)
        const opened = once(client, 'open')
        const { 0: response } = (await once(client, 'upgrade')) as [http.IncomingMessage]
        await opened
        return response.headers['x-c'] === '1'
      }),
  },
  {
    name: 'wsClientError',
    result: ['Invalid Upgrade header', true],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const failed = once(server, 'wsClientError')
        const asked = answerTo(port, { Upgrade: 'x' }).catch(() => {})
        const { 0: error, 1: socket, 2: request } = (await failed) as [Error, Duplex, http.IncomingMessage]
        socket.destroy()
        await asked
        return [error.message, request.method === 'GET']
      }),
  },
  {
    name: 'clientTracking: false',
    result: 'undefined',
    run: (W) => withServer(W, { clientTracking: false }, (server) => typeof server.clients),
  },
  {
    name: 'close of the server: the callback, twice',
    result: ['done', 'The server is not running'],
    run: async (W) => {
      const server = new W.WebSocketServer({ port: 0 })
      await once(server, 'listening')
      return [await called((done) => server.close(done)), await called((done) => server.close(done))]
    },
  },
  {
    name: 'noServer: handleUpgrade',
    result: ['/path', true],
    run: async (W) => {
      const server = new W.WebSocketServer({ noServer: true })
      return withHttp(
        (request, socket) =>
          server.handleUpgrade(request, socket, Buffer.alloc(0), (ws) => {
            ws.send(request.url!)
          }),
        async (url) => {
          const client = new W(`${url}/path`)
          const { 0: data } = (await once(client, 'message')) as [Buffer]
          const closed = called((done) => server.close(done))
          client.close()
          return [String(data), (await closed) === 'done']
        },
      )
    },
  },
  {
    name: 'server: one of the program',
    result: [101, undefined, undefined],
    run: async (W) => {
      const app = http.createServer().listen(0, '127.0.0.1')
      await once(app, 'listening')
      const server = new W.WebSocketServer({ server: app })
      const result = await answerTo((app.address() as AddressInfo).port, {})
      server.close()
      app.close()
      return result
    },
  },
  {
    name: 'WebSocket: a subclass',
    result: true,
    run: async (W) => {
      class Own extends W {
        readonly own = true
      }
      return withPair(W, ({ remote }) => (remote as Own).own, { WebSocket: Own })
    },
  },
  {
    name: 'handleUpgrade after close',
    result: [503, 'Service Unavailable', undefined],
    run: async (W) => {
      const server = new W.WebSocketServer({ noServer: true })
      server.close()
      return withHttp(
        (request, socket) => server.handleUpgrade(request, socket, Buffer.alloc(0), () => {}),
        (url) => answerTo(Number(new URL(url).port), {}),
      )
    },
  },
]

import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { acceptFor, closeOf, failure, inner, received, thrown, withHttp, withPair, withServer } from './harness.js'
import type { Module, Row, Socket } from './row.js'

/** The arguments and options of a client, and the errors of its handshake. */
export const clientRows: readonly Row[] = [
  // Arguments of the client
  ...(
    [
      ['a URL that is none', 'x', [], {}, ['SyntaxError', 'Invalid URL: x']],
      [
        'a URL with another scheme',
        'ftp://a',
        [],
        {},
        ['SyntaxError', 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"'],
      ],
      ['a URL with a fragment', 'ws://a/#b', [], {}, ['SyntaxError', 'The URL contains a fragment identifier']],
      [
        'a subprotocol that comes twice',
        'ws://a',
        ['b', 'b'],
        {},
        ['SyntaxError', 'An invalid or duplicated subprotocol was specified'],
      ],
      [
        'an invalid subprotocol',
        'ws://a',
        ['b c'],
        {},
        ['SyntaxError', 'An invalid or duplicated subprotocol was specified'],
      ],
      [
        'an unknown protocolVersion',
        'ws://a',
        [],
        { protocolVersion: 9 },
        ['RangeError', 'Unsupported protocol version: 9 (supported versions: 8, 13)'],
      ],
    ] as const
  ).map(([name, url, protocols, options, result]) => ({
    name,
    result,
    run: async (W: Module) => thrown(() => new W(url, [...protocols], options)),
  })),

  // Errors of the client's handshake
  {
    name: 'an unexpected answer',
    result: ['Unexpected server response: 400', 1006, 3],
    run: (W) => withServer(W, { path: '/x' }, (_server, port) => failure(W, `ws://127.0.0.1:${port}`)),
  },
  {
    name: 'unexpected-response',
    result: 400,
    run: (W) =>
      withServer(W, { path: '/x' }, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const { 0: request, 1: response } = (await once(client, 'unexpected-response')) as [
          http.ClientRequest,
          http.IncomingMessage,
        ]
        request.destroy()
        client.on('error', () => {})
        return response.statusCode
      }),
  },
  {
    name: 'no server',
    result: [true, 1006, 3],
    run: async (W) => {
      const { 0: message, 1: code, 2: state } = (await failure(W, 'ws://127.0.0.1:1')) as [string, number, number]
      return [/ECONNREFUSED/.test(message), code, state]
    },
  },
  ...(
    [
      ['an answer without Upgrade: websocket', 'Upgrade: other\r\nConnection: Upgrade', 'Invalid Upgrade header'],
      [
        'an answer with another accept key',
        'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x',
        'Invalid Sec-WebSocket-Accept header',
      ],
    ] as const
  ).map(([name, fields, message]) => ({
    name,
    result: [message, 1006, 3],
    run: (W: Module) =>
      withHttp(
        (_request, socket) => socket.end(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`),
        (url) => failure(W, url),
      ),
  })),
  {
    name: 'handshakeTimeout',
    result: ['Opening handshake has timed out', 1006, 3],
    run: (W) =>
      withHttp(
        () => {},
        (url) => failure(W, url, { handshakeTimeout: 50 }),
      ),
  },
  {
    name: 'the server chooses no subprotocol',
    result: ['Server sent no subprotocol', 1006, 3],
    run: (W) =>
      withServer(W, { handleProtocols: () => false }, (_server, port) =>
        failure(W, `ws://127.0.0.1:${port}`, {}, ['a']),
      ),
  },

  // Options of the client
  {
    name: 'headers, origin, and the request of the server',
    result: ['1', 'http://o', '/path?query', '13'],
    run: (W) =>
      withPair(
        W,
        ({ request: { headers, url } }) => [headers['x-a'], headers.origin, url, headers['sec-websocket-version']],
        {},
        { headers: { 'X-A': '1' }, origin: 'http://o' },
      ),
  },
  {
    name: 'protocolVersion 8 has its own origin field',
    result: ['http://o', '8'],
    run: (W) =>
      withPair(
        W,
        ({ request: { headers } }) => [headers['sec-websocket-origin'], headers['sec-websocket-version']],
        {},
        { protocolVersion: 8, origin: 'http://o' },
      ),
  },
  {
    name: 'the offer of compression',
    result: 'permessage-deflate; client_max_window_bits',
    run: (W) => withPair(W, ({ request }) => request.headers['sec-websocket-extensions']),
  },
  {
    name: 'perMessageDeflate: false',
    result: ['undefined', ''],
    run: (W) =>
      withPair(
        W,
        ({ request, client }) => [String(request.headers['sec-websocket-extensions']), client.extensions],
        { perMessageDeflate: true },
        { perMessageDeflate: false },
      ),
  },
  {
    name: 'perMessageDeflate with parameters',
    result:
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11',
    run: (W) =>
      withPair(
        W,
        ({ request }) => request.headers['sec-websocket-extensions'],
        {},
        {
          perMessageDeflate: {
            serverNoContextTakeover: true,
            clientNoContextTakeover: true,
            serverMaxWindowBits: 10,
            clientMaxWindowBits: 11,
          },
        },
      ),
  },
  {
    name: 'finishRequest',
    result: '1',
    run: (W) =>
      withPair(
        W,
        ({ request }) => request.headers['x-b'],
        {},
        {
          finishRequest: (request: http.ClientRequest) => {
            request.setHeader('X-B', '1')
            request.end()
          },
        },
      ),
  },
  {
    name: 'createConnection',
    result: true,
    run: async (W) => {
      let was = false
      return withPair(
        W,
        () => was,
        {},
        {
          createConnection: (options: net.NetConnectOpts) => {
            was = true
            return net.connect(options)
          },
        },
      )
    },
  },
  {
    name: 'agent',
    result: true,
    run: async (W) => {
      let was = false
      class Agent extends http.Agent {
        override createConnection(...values: never[]): net.Socket {
          was = true
          return (
            http.Agent.prototype as unknown as { createConnection(...all: never[]): net.Socket }
          ).createConnection.apply(this, values)
        }
      }
      return withPair(W, () => was, {}, { agent: new Agent() })
    },
  },
  {
    name: 'generateMask',
    result: [['Buffer', [97, 98], false], 1],
    run: (W) => {
      let calls = 0
      return withPair(
        W,
        async ({ client, remote }) => [await received(remote, () => client.send('ab')), calls],
        {},
        {
          generateMask: (mask: Buffer) => {
            calls += 1
            mask.fill(7)
          },
        },
      )
    },
  },
  {
    name: 'auth in the URL',
    result: 'Basic dTpw',
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const connected = once(server, 'connection') as Promise<[Socket, http.IncomingMessage]>
        const client = new W(`ws://u:p@127.0.0.1:${port}`)
        client.on('error', () => {})
        return (await connected)[1].headers.authorization
      }),
  },
  {
    name: 'protocols among the options',
    result: 'a',
    run: (W) => withPair(W, ({ client }) => client.protocol, {}, {}, ['a']),
  },
  {
    name: 'followRedirects and redirect',
    result: [1, 'open'],
    run: (W) =>
      withServer(W, {}, (_server, port) =>
        withHttp(
          (_request, socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`),
          async (url) => {
            const client = new W(url, { followRedirects: true })
            let count = 0
            client.on('redirect', () => {
              count += 1
            })
            await once(client, 'open')
            return [count, 'open']
          },
        ),
      ),
  },
  {
    name: 'maxRedirects',
    result: ['Maximum redirects exceeded', 1006, 3],
    run: (W) =>
      withHttp(
        (_request, socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n'),
        (url) => failure(W, url, { followRedirects: true, maxRedirects: 1 }),
      ),
  },
  {
    name: 'upgrade: the answer',
    result: 101,
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const opened = once(client, 'open')
        const { 0: response } = (await once(client, 'upgrade')) as [http.IncomingMessage]
        await opened
        return response.statusCode
      }),
  },
  {
    name: 'maxPayload of a client',
    result: ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'Max payload size exceeded', 1009],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const failed = new Promise<Error & { code?: string }>((resolve) => client.on('error', resolve))
          const closed = closeOf(remote)
          remote.send('a'.repeat(11))
          const error = await failed
          return [error.code, error.message, (await closed)[0]]
        },
        {},
        { maxPayload: 10 },
      ),
  },
  {
    name: 'closeTimeout of a client',
    result: 1006,
    run: (W) =>
      withHttp(
        (request, socket) => {
          socket.on('error', () => {})
          const accept = acceptFor(request.headers['sec-websocket-key']!)
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          )
        },
        async (url) => {
          const client = new W(url, { closeTimeout: 50 } as object)
          await once(client, 'open')
          const closed = closeOf(client)
          client.close()
          return (await closed)[0]
        },
      ),
  },
  {
    name: 'autoPong: false of a client',
    result: 'message',
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const first = Promise.race([
            once(remote, 'pong').then(() => 'pong'),
            once(remote, 'message').then(() => 'message'),
          ])
          client.on('ping', () => client.send('a'))
          remote.ping()
          return first
        },
        {},
        { autoPong: false },
      ),
  },
  {
    name: 'maxPendingAutoPongs of a client',
    result: 1006,
    run: (W) =>
      withHttp(
        (request, socket) => {
          socket.on('error', () => {})
          const accept = acceptFor(request.headers['sec-websocket-key']!)
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n\x89\0\x89\0`,
            'latin1',
          )
        },
        async (url) => (await closeOf(new W(url, { maxPendingAutoPongs: 1 } as object)))[0],
      ),
  },
  {
    name: 'skipUTF8Validation of a client',
    result: ['Buffer', [255], false],
    run: (W) =>
      withPair(
        W,
        ({ client, remote }) => received(client, () => inner(remote)._socket.write(Buffer.from([0x81, 1, 255]))),
        {},
        { skipUTF8Validation: true },
      ),
  },
  ...(['a', ['a', 'b']] as const).map((protocols) => ({
    name: `the option protocols: ${typeof protocols}`,
    result: 'a',
    run: (W: Module) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`, { protocols } as object)
        await once(client, 'open')
        client.terminate()
        return client.protocol
      }),
  })),
]

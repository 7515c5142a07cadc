import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type * as Ws from 'ws'

/** The module under test: ws itself, or the drop-in with the types of ws. */
export type Module = typeof Ws.WebSocket & {
  WebSocket: typeof Ws.WebSocket
  WebSocketServer: typeof Ws.WebSocketServer
  Server: typeof Ws.WebSocketServer
  createWebSocketStream: typeof Ws.createWebSocketStream
  subprotocol: { parse(header: string): Set<string> }
  extension: { parse(header: string): Record<string, Record<string, unknown>[]>; format(offers: object): string }
  Sender: { frame(data: Buffer, options: object): Buffer[] }
}

export interface Row {
  readonly name: string
  /** The result with ws. */
  readonly result: unknown
  run(W: Module): Promise<unknown>
}

type Socket = Ws.WebSocket
type Server = Ws.WebSocketServer

/** The members of ws's WebSocket that packages use though they are private. */
interface Inner {
  readonly _socket: net.Socket
  readonly _sender: { sendFrame(list: Buffer[], callback?: () => void): void }
  readonly _receiver: Duplex
  _protocol: string
  setSocket(socket: Duplex, head: Buffer, options: object): void
}
const inner = (ws: Socket): Inner => ws as unknown as Inner

interface Pair {
  readonly client: Socket
  readonly remote: Socket
  readonly server: Server
  readonly request: http.IncomingMessage
}

/** Opens a connection, lets a row use it, and ends all. */
async function withPair(
  W: Module,
  use: (pair: Pair) => unknown,
  serverOptions: Ws.ServerOptions = {},
  clientOptions: object = {},
  protocols: string[] = [],
): Promise<unknown> {
  const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1', ...serverOptions })
  await once(server, 'listening')
  const connected = once(server, 'connection') as Promise<[Socket, http.IncomingMessage]>
  const client = new W(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/path?query`, protocols, clientOptions)
  await Promise.all([connected, once(client, 'open')])
  const { 0: remote, 1: request } = await connected
  try {
    return await use({ client, remote, server, request })
  } finally {
    client.terminate()
    remote.terminate()
    server.close()
  }
}

/** The values of the event 'close'. Unlike `once`, an 'error' before it is no failure. */
function closeOf(ws: Socket): Promise<[number, Buffer]> {
  return new Promise((resolve) => ws.on('close', (code, reason) => resolve([code, reason])))
}

/** What a client that can't connect emits. */
async function failure(W: Module, url: string, options: object = {}, protocols: string[] = []): Promise<unknown> {
  const client = new W(url, protocols, options)
  const log: unknown[] = []
  client.on('error', (error: Error) => log.push(error.message))
  const { 0: code } = await closeOf(client)
  return [...log, code, client.readyState]
}

/** Runs an HTTP server that answers upgrades by hand. */
async function withHttp(
  upgrade: (request: http.IncomingMessage, socket: Duplex) => void,
  use: (url: string) => unknown,
): Promise<unknown> {
  const server = http.createServer().on('upgrade', upgrade).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Sends bytes after a handshake to a server, and returns its error and what the peer received. */
function brokenBy(bytes: number[], options: Ws.ServerOptions = {}): (W: Module) => Promise<unknown> {
  return (W) =>
    withServer(W, options, async (server, port) => {
      const raw = net.connect(port, '127.0.0.1')
      raw.write(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      )
      const { 0: ws } = (await once(server, 'connection')) as [Socket]
      const failed = new Promise<Error & { code?: string }>((resolve) => ws.on('error', resolve))
      const closed = closeOf(ws)
      const received: Buffer[] = []
      raw.on('data', (chunk) => received.push(chunk))
      raw.write(Buffer.from(bytes))
      const error = await failed
      await once(raw, 'end')
      raw.end()
      const { 0: code, 1: reason } = (await closed) as [number, Buffer]
      const all = Buffer.concat(received)
      const frames = all.subarray(all.indexOf('\r\n\r\n') < 0 ? 0 : all.indexOf('\r\n\r\n') + 4)
      return [error.name, error.code, error.message, [...frames], code, String(reason)]
    })
}

async function withServer(
  W: Module,
  options: Ws.ServerOptions,
  use: (server: Server, port: number) => unknown,
): Promise<unknown> {
  const server = new W.WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  await once(server, 'listening')
  try {
    return await use(server, (server.address() as AddressInfo).port)
  } finally {
    for (const client of server.clients ?? []) client.terminate()
    server.close()
  }
}

/** The status and body of an answer to an upgrade request with these fields. */
function answerTo(port: number, headers: Record<string, string>, path = '/', method = 'GET'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const usual = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    }
    const request = http.request({ port, path, method, host: '127.0.0.1', headers: { ...usual, ...headers } })
    request.on('error', reject)
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve([101, response.headers['sec-websocket-protocol'], response.headers['sec-websocket-extensions']])
    })
    request.on('response', async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk as Buffer)
      resolve([response.statusCode, String(Buffer.concat(chunks)), response.headers['sec-websocket-version']])
    })
    request.end()
  })
}

const thrown = (action: () => void): unknown => {
  try {
    action()
    return 'nothing'
  } catch (error) {
    return [(error as Error).name, (error as Error).message]
  }
}

const called = (start: (done: (error?: Error | null) => void) => void): Promise<unknown> =>
  new Promise((resolve) => start((error) => resolve(error ? error.message : 'done')))

async function received(ws: Socket, send: () => void): Promise<unknown> {
  const arrived = once(ws, 'message')
  send()
  const { 0: data, 1: isBinary } = (await arrived) as [Buffer | ArrayBuffer | Buffer[] | Blob, boolean]
  if (data instanceof Blob) return ['Blob', [...new Uint8Array(await data.arrayBuffer())], isBinary]
  if (data instanceof ArrayBuffer) return ['ArrayBuffer', [...new Uint8Array(data)], isBinary]
  if (Array.isArray(data)) return ['fragments', [...Buffer.concat(data)], isBinary]
  return ['Buffer', [...data], isBinary]
}

const sends = (data: unknown, options?: object): ((W: Module) => Promise<unknown>) => {
  return (W) =>
    withPair(W, ({ client, remote }) => received(remote, () => client.send(data as string, (options ?? {}) as object)))
}

const receives = (binaryType: string, data: unknown): ((W: Module) => Promise<unknown>) => {
  return (W) =>
    withPair(W, ({ client, remote }) => {
      client.binaryType = binaryType as 'nodebuffer'
      return received(client, () => remote.send(data as string))
    })
}

export const rows: readonly Row[] = [
  // The module
  {
    name: 'the constants, on the class and its objects',
    result: [0, 1, 2, 3, 0, 1, 2, 3],
    run: async (W) => [
      W.CONNECTING,
      W.OPEN,
      W.CLOSING,
      W.CLOSED,
      W.prototype.CONNECTING,
      W.prototype.OPEN,
      W.prototype.CLOSING,
      W.prototype.CLOSED,
    ],
  },
  {
    name: 'the names of the module',
    result: true,
    run: async (W) =>
      W.WebSocket === W && W.Server === W.WebSocketServer && typeof W.createWebSocketStream === 'function',
  },
  { name: 'subprotocol.parse', result: ['a', 'b'], run: async (W) => [...W.subprotocol.parse('a, b')] },
  {
    name: 'subprotocol.parse of a name that comes twice',
    result: ['SyntaxError', 'The "a" subprotocol is duplicated'],
    run: async (W) => thrown(() => W.subprotocol.parse('a,a')),
  },
  {
    name: 'extension.parse',
    result: '{"x":[{"a":[true],"b":["1"]}]}',
    run: async (W) => JSON.stringify(W.extension.parse('x; a; b=1')),
  },
  { name: 'extension.format', result: 'x; a; b=1', run: async (W) => W.extension.format({ x: [{ a: true, b: 1 }] }) },
  {
    name: 'Sender.frame',
    result: [129, 2, 104, 105],
    run: async (W) => [
      ...Buffer.concat(
        W.Sender.frame(Buffer.from('hi'), { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }),
      ),
    ],
  },

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

  // Members of an open connection
  {
    name: 'protocol, extensions, url, readyState, binaryType, isPaused, bufferedAmount of a client',
    result: ['a', '', '/path?query', 1, 'nodebuffer', false, 0],
    run: (W) =>
      withPair(
        W,
        ({ client }) => [
          client.protocol,
          client.extensions,
          client.url.replace(/^ws:..[^/]*/, ''),
          client.readyState,
          client.binaryType,
          client.isPaused,
          client.bufferedAmount,
        ],
        {},
        {},
        ['a', 'b'],
      ),
  },
  {
    name: 'the same of a server',
    result: ['a', 'permessage-deflate', 1],
    run: (W) =>
      withPair(
        W,
        ({ remote }) => [remote.protocol, remote.extensions, remote.readyState],
        { perMessageDeflate: true },
        {},
        ['a'],
      ),
  },
  {
    name: 'an unknown binaryType is ignored',
    result: 'nodebuffer',
    run: (W) =>
      withPair(W, ({ client }) => {
        client.binaryType = 'x' as 'nodebuffer'
        return client.binaryType
      }),
  },
  {
    name: 'clients and instanceof',
    result: [1, true, true],
    run: (W) =>
      withPair(W, ({ server, remote }) => [server.clients.size, server.clients.has(remote), remote instanceof W]),
  },

  // send
  { name: 'send a string', result: ['Buffer', [195, 164], false], run: sends('ä') },
  { name: 'send a Buffer', result: ['Buffer', [1, 2], true], run: sends(Buffer.from([1, 2])) },
  { name: 'send an ArrayBuffer', result: ['Buffer', [1, 2], true], run: sends(Uint8Array.of(1, 2).buffer) },
  { name: 'send a view', result: ['Buffer', [2, 3], true], run: sends(Uint8Array.of(1, 2, 3).subarray(1)) },
  { name: 'send a DataView', result: ['Buffer', [2], true], run: sends(new DataView(Uint8Array.of(1, 2).buffer, 1)) },
  { name: 'send a Blob', result: ['Buffer', [97, 98], true], run: sends(new Blob(['ab'])) },
  { name: 'send a number', result: ['Buffer', [52, 50], false], run: sends(42) },
  { name: 'send an array', result: ['Buffer', [1, 2], true], run: sends([1, 2]) },
  { name: 'send an empty string', result: ['Buffer', [], false], run: sends('') },
  { name: 'send undefined', result: ['Buffer', [], true], run: sends(undefined) },
  { name: 'send bytes as a text', result: ['Buffer', [97], false], run: sends(Buffer.from('a'), { binary: false }) },
  { name: 'send a string as bytes', result: ['Buffer', [97], true], run: sends('a', { binary: true }) },
  { name: 'send with compress: false', result: ['Buffer', [97], false], run: sends('a', { compress: false }) },
  {
    name: 'send fragments',
    result: ['Buffer', [97, 98], false],
    run: (W) =>
      withPair(W, ({ client, remote }) =>
        received(remote, () => {
          client.send('a', { fin: false })
          client.send('b', { fin: true })
        }),
      ),
  },
  {
    name: 'messages after a Blob wait for it',
    result: ['a', 'b'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const all: string[] = []
        const done = new Promise<void>((resolve) =>
          remote.on('message', (data) => {
            all.push(String(data))
            if (all.length === 2) resolve()
          }),
        )
        client.send(new Blob(['a']))
        client.send('b')
        await done
        return all
      }),
  },
  {
    name: 'the callback of send',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.send('a', done))),
  },
  {
    name: 'the callback of send with options',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.send('a', {}, done))),
  },
  {
    name: 'callbacks come in order',
    result: [1, 2, 3],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const order: number[] = []
        client.send('a', () => order.push(1))
        client.ping('b', undefined, () => order.push(2))
        await called((done) => client.send(Buffer.alloc(100_000), done))
        return [...order, 3]
      }),
  },
  {
    name: 'send, ping and pong while connecting',
    result: Array(3).fill(['Error', 'WebSocket is not open: readyState 0 (CONNECTING)']),
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const all = [thrown(() => client.send('a')), thrown(() => client.ping()), thrown(() => client.pong())]
        await once(client, 'open')
        return all
      }),
  },
  {
    name: 'send after close: the callback, and bufferedAmount',
    result: ['WebSocket is not open: readyState 2 (CLOSING)', 3, 'WebSocket is not open: readyState 3 (CLOSED)'],
    run: (W) =>
      withPair(W, async ({ client }) => {
        client.close()
        const closing = await called((done) => client.send('abc', done))
        await closeOf(client)
        return [closing, client.bufferedAmount, await called((done) => client.send('', done))]
      }),
  },

  // What arrives
  { name: 'receive as nodebuffer', result: ['Buffer', [1], true], run: receives('nodebuffer', Buffer.from([1])) },
  {
    name: 'receive as arraybuffer',
    result: ['ArrayBuffer', [1], true],
    run: receives('arraybuffer', Buffer.from([1])),
  },
  { name: 'receive as fragments', result: ['fragments', [1], true], run: receives('fragments', Buffer.from([1])) },
  { name: 'receive as blob', result: ['Blob', [1], true], run: receives('blob', Buffer.from([1])) },
  {
    name: 'a text is a Buffer with every binaryType',
    result: ['Buffer', [97], false],
    run: receives('arraybuffer', 'a'),
  },
  {
    name: 'a compressed message',
    result: ['Buffer', 5_000],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const [kind, bytes] = (await received(remote, () => client.send('a'.repeat(5_000)))) as [string, number[]]
          return [kind, bytes.length]
        },
        { perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 3 } } },
      ),
  },
  {
    name: 'a message between our Close and the answer',
    result: ['late'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const all: string[] = []
        client.on('message', (data) => all.push(String(data)))
        remote.pause()
        client.close()
        remote.send('late')
        remote.resume()
        await closeOf(client)
        return all
      }),
  },

  // ping, pong, pause
  {
    name: 'ping and its pong',
    result: ['a', 'a'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([once(remote, 'ping'), once(client, 'pong')])
        client.ping('a')
        return (await events).map(([data]) => String(data))
      }),
  },
  {
    name: 'a pong that answers nothing',
    result: 'b',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const arrived = once(remote, 'pong')
        client.pong('b')
        return String((await arrived)[0])
      }),
  },
  {
    name: 'ping with data that is too long',
    result: ['RangeError', 'The data size must not be greater than 125 bytes'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.ping(Buffer.alloc(126)))),
  },
  {
    name: 'ping with a number',
    result: '7',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const arrived = once(remote, 'ping')
        client.ping(7)
        return String((await arrived)[0])
      }),
  },
  {
    name: 'the callback of ping',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.ping('', true, done))),
  },
  {
    name: 'autoPong: false',
    result: 'message',
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const first = Promise.race([
            once(client, 'pong').then(() => 'pong'),
            once(client, 'message').then(() => 'message'),
          ])
          remote.on('ping', () => remote.send('a'))
          client.ping()
          return first
        },
        { autoPong: false },
      ),
  },
  {
    name: 'pause and resume',
    result: [true, 0, false, 1],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        let count = 0
        client.on('message', () => {
          count += 1
        })
        client.pause()
        const wasPaused = client.isPaused
        await called((done) => remote.send('a', done))
        await new Promise((resolve) => setTimeout(resolve, 50))
        const before = count
        const arrived = once(client, 'message')
        client.resume()
        await arrived
        return [wasPaused, before, client.isPaused, count]
      }),
  },

  // Closing
  ...(
    [
      ['close()', [], [1005, '', 1005, '']],
      ['close(code)', [1000], [1000, '', 1000, '']],
      ['close(code, reason)', [4000, 'bye'], [4000, 'bye', 4000, 'bye']],
      ['close(code, Buffer)', [4999, Buffer.from('bye')], [4999, 'bye', 4999, 'bye']],
    ] as const
  ).map(([name, values, result]) => ({
    name,
    result,
    run: (W: Module) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([closeOf(client), closeOf(remote)])
        client.close(...(values as unknown as [number, string]))
        const [[code, reason], [otherCode, otherReason]] = (await events) as [[number, Buffer], [number, Buffer]]
        return [code, String(reason), otherCode, String(otherReason)]
      }),
  })),
  {
    name: 'close with an invalid code',
    result: ['TypeError', 'First argument must be a valid error code number'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.close(1006))),
  },
  {
    name: 'close with a long reason',
    result: ['RangeError', 'The message must not be greater than 123 bytes'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.close(1000, 'a'.repeat(124)))),
  },
  {
    name: 'terminate',
    result: [2, 1006, 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([closeOf(client), closeOf(remote)])
        client.terminate()
        const state = client.readyState
        const [[code], [otherCode]] = await events
        return [state, code, otherCode]
      }),
  },
  ...(['close', 'terminate'] as const).map((method) => ({
    name: `${method} while connecting`,
    result: ['WebSocket was closed before the connection was established', 1006, 3],
    run: (W: Module) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const error = new Promise<Error>((resolve) => client.on('error', resolve))
        const closed = new Promise<number>((resolve) => client.on('close', resolve))
        client[method]()
        return [(await error).message, await closed, client.readyState]
      }),
  })),
  {
    name: 'a connection that the network loses: no error',
    result: [1006, 0],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        let errors = 0
        remote.on('error', () => {
          errors += 1
        })
        const closed = closeOf(remote)
        inner(client)._socket.resetAndDestroy()
        return [(await closed)[0], errors]
      }),
  },

  // EventTarget
  {
    name: 'addEventListener: types and data',
    result: ['open undefined', 'message a', 'close 4000 bye true'],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        server.on('connection', (ws) => {
          ws.send('a')
          ws.on('message', () => ws.close(4000, 'bye'))
        })
        const client = new W(`ws://127.0.0.1:${port}`)
        const log: string[] = []
        client.addEventListener('open', (event) => log.push(`${event.type} ${(event as { data?: unknown }).data}`))
        client.addEventListener('message', (event) => {
          log.push(`${event.type} ${event.data}`)
          event.target.send('b')
        })
        await new Promise<void>((resolve) =>
          client.addEventListener('close', (event) => {
            log.push(`close ${event.code} ${event.reason} ${event.wasClean}`)
            resolve()
          }),
        )
        return log
      }),
  },
  {
    name: 'once, handleEvent, the same handler twice, removeEventListener',
    result: ['once', 'object', 'object'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log: string[] = []
        const removed = (): unknown => log.push('removed')
        const object = { handleEvent: () => log.push('object') }
        client.addEventListener('message', () => log.push('once'), { once: true })
        client.addEventListener('message', object as never)
        client.addEventListener('message', object as never)
        client.addEventListener('message', removed)
        client.removeEventListener('message', removed)
        await received(client, () => remote.send('a'))
        await received(client, () => remote.send('b'))
        return log
      }),
  },
  {
    name: 'onmessage is one at a time',
    result: ['second', true, true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log: unknown[] = []
        const second = (): unknown => log.push('second')
        const none = client.onmessage === null
        client.onmessage = () => log.push('first')
        client.onmessage = second
        await received(client, () => remote.send('a'))
        return [...log, client.onmessage === second, none]
      }),
  },
  {
    name: 'the error event',
    result: ['error', 'Unexpected server response: 400', true],
    run: (W) =>
      withServer(W, { path: '/x' }, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const event = await new Promise<Ws.ErrorEvent>((resolve) => {
          client.onerror = resolve
        })
        return [event.type, event.message, event.error instanceof Error]
      }),
  },

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
    result: ['1', true],
    run: (W) =>
      withPair(
        W,
        ({ request }) => [request.headers['x-b'], true],
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
      return withPair(W, () => typeof was, {}, { agent: new Agent() }).then((kind) => kind === 'boolean')
    },
  },
  {
    name: 'generateMask',
    result: ['Buffer', [97, 98], false],
    run: (W) =>
      withPair(
        W,
        ({ client, remote }) => received(remote, () => client.send('ab')),
        {},
        { generateMask: (mask: Buffer) => mask.fill(7) },
      ),
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

  // Frames that break a rule
  {
    name: 'RSV1 without compression',
    result: [
      'RangeError',
      'WS_ERR_UNEXPECTED_RSV_1',
      'Invalid WebSocket frame: RSV1 must be clear',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0xc1, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'RSV2',
    result: [
      'RangeError',
      'WS_ERR_UNEXPECTED_RSV_2_3',
      'Invalid WebSocket frame: RSV2 and RSV3 must be clear',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0xa1, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a reserved opcode',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 3',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x83, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a continuation of nothing',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 0',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x80, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a message within a message',
    result: [
      'RangeError',
      'WS_ERR_INVALID_OPCODE',
      'Invalid WebSocket frame: invalid opcode 2',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x01, 0x81, 0, 0, 0, 0, 97, 0x82, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a fragmented Ping',
    result: [
      'RangeError',
      'WS_ERR_EXPECTED_FIN',
      'Invalid WebSocket frame: FIN must be set',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x09, 0x80, 0, 0, 0, 0]),
  },
  {
    name: 'a long Ping',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'Invalid WebSocket frame: invalid payload length 126',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x89, 0xfe, 0, 126, 0, 0, 0, 0]),
  },
  {
    name: 'an unmasked frame',
    result: [
      'RangeError',
      'WS_ERR_EXPECTED_MASK',
      'Invalid WebSocket frame: MASK must be set',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x00]),
  },
  {
    name: 'a Close of one byte',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
      'Invalid WebSocket frame: invalid payload length 1',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x88, 0x81, 0, 0, 0, 0, 3]),
  },
  {
    name: 'a Close with a code that must not be sent',
    result: [
      'RangeError',
      'WS_ERR_INVALID_CLOSE_CODE',
      'Invalid WebSocket frame: invalid status code 1006',
      [136, 2, 3, 234],
      1006,
      '',
    ],
    run: brokenBy([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xee]),
  },
  {
    name: 'a text that is not UTF-8',
    result: [
      'Error',
      'WS_ERR_INVALID_UTF8',
      'Invalid WebSocket frame: invalid UTF-8 sequence',
      [136, 2, 3, 239],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x81, 0, 0, 0, 0, 0xff]),
  },
  {
    name: 'maxPayload of a server',
    result: [
      'RangeError',
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      'Max payload size exceeded',
      [136, 2, 3, 241],
      1006,
      '',
    ],
    run: brokenBy([0x81, 0x82, 0, 0, 0, 0, 97, 97], { maxPayload: 1 }),
  },
  {
    name: 'skipUTF8Validation',
    result: ['Buffer', [255], false],
    run: (W) =>
      withServer(
        W,
        { skipUTF8Validation: true },
        (server, port) =>
          new Promise((resolve) => {
            server.on('connection', (ws) =>
              ws.on('message', (data: Buffer, isBinary) => resolve(['Buffer', [...data], isBinary])),
            )
            const client = new W(`ws://127.0.0.1:${port}`)
            client.on('open', () => inner(client)._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff])))
            client.on('error', () => {})
          }),
      ),
  },

  // The server
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
    result: [426, 'Upgrade Required', undefined],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const response = await fetch(`http://127.0.0.1:${port}`)
        return [response.status, await response.text(), undefined]
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
    run: (W) =>
      withHttp(
        () => {},
        () => 0,
      ).then(async () => {
        const app = http.createServer().listen(0, '127.0.0.1')
        await once(app, 'listening')
        const server = new W.WebSocketServer({ server: app })
        const result = await answerTo((app.address() as AddressInfo).port, {})
        server.close()
        app.close()
        return result
      }),
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

  // Private members that packages use
  {
    name: '_socket',
    result: ['127.0.0.1', 'number', true],
    run: (W) =>
      withPair(W, ({ remote }) => {
        const { _socket: socket } = inner(remote)
        socket.setKeepAlive(true)
        socket.cork()
        socket.uncork()
        return [
          socket.remoteAddress,
          typeof socket.remotePort,
          (socket as { encrypted?: boolean }).encrypted === undefined,
        ]
      }),
  },
  {
    name: '_socket.destroy',
    result: 1006,
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const closed = closeOf(client)
        inner(remote)._socket.destroy()
        return (await closed)[0]
      }),
  },
  {
    name: '_sender.sendFrame',
    result: ['Buffer', [104, 105], false],
    run: (W) =>
      withPair(W, ({ client, remote }) =>
        received(client, () =>
          inner(remote)._sender.sendFrame(
            W.Sender.frame(Buffer.from('hi'), { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }),
          ),
        ),
      ),
  },
  {
    name: 'setSocket',
    result: ['Buffer', [97], false],
    run: (W) =>
      withHttp(
        (request, socket) => {
          const ws = new W(null as never, undefined as never, {} as never)
          const accept = acceptFor(request.headers['sec-websocket-key']!)
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          )
          inner(ws).setSocket(socket, Buffer.alloc(0), { maxPayload: 0 })
          ws.send('a')
        },
        async (url) => {
          const client = new W(url)
          const result = await received(client, () => {})
          client.terminate()
          return result
        },
      ),
  },
  {
    name: '_receiver',
    result: 'a',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const heard = once(inner(remote)._receiver, 'message')
        client.send('a')
        return String((await heard)[0])
      }),
  },

  // The stream
  {
    name: 'createWebSocketStream',
    result: ['to server', 'to client', 1005],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const [near, far] = [W.createWebSocketStream(client), W.createWebSocketStream(remote)]
        near.on('error', () => {})
        far.on('error', () => {})
        const closed = closeOf(remote)
        const both = Promise.all([once(far, 'data'), once(near, 'data')])
        near.write('to server')
        far.write('to client')
        const data = (await both).map(([chunk]) => String(chunk))
        near.end()
        far.resume()
        return [...data, (await closed)[0]]
      }),
  },
]

function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

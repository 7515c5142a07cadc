import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { WebSocket } from '../entries/client.js'
import {
  crosswsHandlers,
  type GraphqlSocket,
  graphqlHandlers,
  honoWebSockets,
  NestAdapter,
  type NestGateway,
  trpcServer,
} from '../entries/frameworks.js'
import { attach, type ServerHandlers, serve } from '../entries/server.js'

// The frameworks themselves are tested by `npm run test:frameworks`. These tests have what their clients can't cause.

interface Served {
  readonly url: string
  /** The errors that the handler `error` got. */
  readonly errors: Error[]
  /** Resolves when the server has seen the end of all connections. */
  readonly stop: () => Promise<void>
}

/** Serves on a free port until the end of the test. */
async function served(context: TestContext, handlers: object): Promise<Served> {
  const errors: Error[] = []
  const given = handlers as ServerHandlers<unknown>
  const server = await serve<unknown>({
    port: 0,
    ...given,
    error(socket, error) {
      errors.push(error)
      return given.error?.(socket, error)
    },
  })
  context.after(() => server.close())
  return { url: server.url, errors, stop: () => server.close() }
}

/** The same on an HTTP server. */
async function attached(context: TestContext, handlers: object): Promise<Omit<Served, 'errors'>> {
  const httpServer = createServer().listen(0, '127.0.0.1')
  await once(httpServer, 'listening')
  const server = attach<unknown>(httpServer, handlers)
  context.after(async () => {
    await server.close()
    httpServer.close()
  })
  const url = `ws://127.0.0.1:${(httpServer.address() as AddressInfo).port}`
  return { url, stop: () => server.close() }
}

interface Ending {
  readonly code: number
  readonly reason: string
  /** The status of a refusal. */
  readonly status: number | undefined
  readonly messages: unknown[]
  readonly protocol: string
  readonly headers: Headers | undefined
}

/** Connects, sends texts or bytes, and resolves when the connection is closed. The text 'bye' closes it after its answer. */
async function conversation(
  url: string,
  { protocols = [], send = [], closes = false }: { protocols?: string[]; send?: unknown[]; closes?: boolean } = {},
): Promise<Ending> {
  const socket = new WebSocket(url, { protocols })
  socket.binaryType = 'arraybuffer'
  const messages: unknown[] = []
  let status: number | undefined
  let headers: Headers | undefined
  socket.onopen = (event) => {
    headers = (event as unknown as { headers: Headers }).headers
    for (const each of send) socket.send(each as string)
    if (closes) socket.close(3000, 'done')
  }
  socket.onmessage = ({ data }) => messages.push(data)
  socket.onerror = ({ error }) => {
    status = (error as { status?: number }).status
  }
  const [{ code, reason }] = (await once(socket as never, 'close')) as [{ code: number; reason: string }]
  return { code, reason, status, messages, protocol: socket.protocol, headers }
}

describe('graphqlHandlers', () => {
  it('closes with 4500 if graphql-ws fails, and tells the error to the handler `error`', async (context) => {
    const closed: unknown[] = []
    const server = {
      opened(socket: GraphqlSocket) {
        socket.onMessage(() => Promise.reject(new Error('boom')))
        return async (...result: unknown[]) => void closed.push(result)
      },
    }
    const { url, errors, stop } = await served(context, graphqlHandlers(server))
    const { code, reason, protocol } = await conversation(url, { protocols: ['graphql-transport-ws'], send: ['x'] })
    assert.deepEqual([code, reason, protocol], [4500, 'Internal server error', 'graphql-transport-ws'])
    await stop()
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['boom'],
    )
    assert.deepEqual(closed, [[4500, 'Internal server error']])
  })

  it('gives the bytes of a message as text, and has a send wait while the client lags behind', async (context) => {
    const long = 'x'.repeat(8_000_000)
    const waited: unknown[] = []
    const server = {
      opened(socket: GraphqlSocket) {
        socket.onMessage(async (text) => {
          const results = [socket.send(text), socket.send(long)]
          waited.push(...results.map((result) => result instanceof Promise))
          await Promise.all(results)
          socket.close(4000, 'done')
        })
        return async () => {}
      },
    }
    const { url } = await served(context, graphqlHandlers(server))
    const { code, messages } = await conversation(url, { send: [new TextEncoder().encode('é')] })
    assert.deepEqual([code, messages], [4000, ['é', long]])
    assert.deepEqual(waited, [false, true])
  })
})

describe('trpcServer', () => {
  it('has clients that speak as those of ws: messages as a Buffer, and whether they are binary', async (context) => {
    const { wss, handlers } = trpcServer()
    const log: unknown[] = []
    wss.on('connection', (client: never, request: { url: string }) => {
      const { on, once: onNext } = client as Record<
        'on' | 'once',
        (name: string, listener: (...values: never[]) => void) => void
      >
      log.push(request.url, (client as { readyState: number }).readyState, wss.clients.size)
      onNext.call(client, 'message', () => log.push('first'))
      on.call(client, 'message', (data: Buffer, isBinary: boolean) =>
        log.push(Buffer.isBuffer(data), `${data}`, isBinary),
      )
      on.call(client, 'close', (code: number, reason: Buffer) => log.push(code, `${reason}`, wss.clients.size))
    })
    const { url, stop } = await attached(context, handlers)
    await conversation(`${url}/trpc?x`, { send: ['text', new Uint8Array([97])], closes: true })
    await stop()
    assert.deepEqual(log, ['/trpc?x', 1, 1, 'first', true, 'text', false, true, 'a', true, 3000, 'done', 0])
  })

  it('asks `upgrade`, and serves whom it accepts', async (context) => {
    const { wss, handlers } = trpcServer<{ name: string }>({
      upgrade: ({ url }) => (url.endsWith('no') ? { status: 401 } : { data: { name: 'Ann' } }),
    })
    wss.on('connection', (client: { socket: { data: unknown }; close(code: number, reason: string): void }) =>
      client.close(4001, JSON.stringify(client.socket.data)),
    )
    const { url } = await attached(context, handlers)
    assert.equal((await conversation(`${url}/no`)).status, 401)
    const { code, reason } = await conversation(url)
    assert.deepEqual([code, reason], [4001, '{"name":"Ann"}'])
  })
})

describe('honoWebSockets', () => {
  type Events = Parameters<typeof Object.create>[0]
  interface Context {
    readonly req: { readonly url: string; header(name: string): string | undefined }
    readonly env: object
  }
  type Helper = (handler: (context: Context, events: Events) => Response | undefined) => typeof handler
  const helper: Helper = (handler) => handler

  it('answers with the fields of the app, cookies and the subprotocol, but not those of a body', async (context) => {
    const app = {
      fetch(request: Request, env: object) {
        const route = {
          req: { url: request.url, header: (name: string) => request.headers.get(name) ?? undefined },
          env,
        }
        upgradeWebSocket(route, {
          onOpen: (_: unknown, ws: WebSocketOfHono) => ws.close(4000, `${ws.url} ${ws.protocol}`),
        })
        const headers: [string, string][] = [
          ['Content-Type', 'text/plain'],
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
          ['Sec-WebSocket-Protocol', 'chat'],
        ]
        return new Response('text', { headers })
      },
    }
    const { upgradeWebSocket, handlers } = honoWebSockets(app, helper)
    const { url } = await served(context, handlers)
    const { reason, protocol, headers } = await conversation(`${url}/a?b`, { protocols: ['other', 'chat'] })
    assert.deepEqual([reason, protocol], [`${url.replace('ws', 'http')}/a?b chat`, 'chat'])
    assert.deepEqual(headers!.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(headers!.get('content-type'), undefined)
  })

  it('calls the functions of a route with events of the platform, and tells their errors to `onError`', async (context) => {
    const log: unknown[] = []
    const app = {
      fetch(request: Request, env: object) {
        upgradeWebSocket(
          { req: { url: request.url, header: () => 'WebSocket' }, env },
          {
            onOpen: ({ type }: Event) => log.push(type),
            onMessage({ data }: MessageEvent) {
              log.push(typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)])
              if (data === 'throw') throw new Error('boom')
            },
            onError: ({ type, message }: Event & { message: string }) => log.push(type, message),
            onClose: ({ type, code, reason, wasClean }: Event & { code: number; reason: string; wasClean: boolean }) =>
              log.push(type, code, reason, wasClean),
          },
        )
        return new Response(null)
      },
    }
    const { upgradeWebSocket, handlers } = honoWebSockets(app, helper)
    const { url, stop } = await served(context, handlers)
    const { code } = await conversation(url, { send: ['text', new Uint8Array([1, 2]), 'throw'] })
    assert.equal(code, 1011)
    await stop()
    assert.deepEqual(log.slice(0, 6), ['open', 'text', [1, 2], 'throw', 'error', 'boom'])
    // A side that fails a connection sees it end without a Close of the other.
    assert.deepEqual(log.slice(6), ['close', 1006, '', false])
  })

  it('leaves a request that is no handshake to the next route, and refuses with what middleware answers', async (context) => {
    const plain = { req: { url: 'http://localhost/', header: () => undefined }, env: {} }
    const app = {
      fetch(request: Request, env: object) {
        upgradeWebSocket({ req: { url: request.url, header: () => 'websocket' }, env }, {})
        return new Response('no', { status: 403 })
      },
    }
    const { upgradeWebSocket, handlers } = honoWebSockets(app, helper)
    assert.equal(upgradeWebSocket(plain, {}), undefined)
    const { url } = await served(context, handlers)
    assert.equal((await conversation(url)).status, 403)
  })
})

interface WebSocketOfHono {
  readonly url: URL
  readonly protocol: string
  close(code: number, reason: string): void
}

describe('crosswsHandlers', () => {
  it('runs hooks that are given as they are, and tells why a connection ended', async (context) => {
    const log: unknown[] = []
    const { handlers } = crosswsHandlers({
      upgrade: () => ({ protocol: 'chat', headers: { 'X-Who': 'me', 'Content-Type': 'x' }, context: { user: 'Ann' } }),
      open: (peer: Peer) => log.push(peer.namespace, peer.context, peer.peers.size),
      message: (peer: Peer, message: Message) => {
        log.push(message.text(), [...message.uint8Array()], typeof message.rawData)
        peer.send({ n: 1 })
        peer.send(new Uint8Array([7]))
        peer.send(undefined)
        if (message.text() === 'c') peer.close(4000, 'done')
      },
      close: (peer: Peer, details: unknown) => log.push(details, peer.peers.size),
    })
    const { url, stop } = await served(context, handlers)
    const { messages, headers, protocol } = await conversation(`${url}/room`, {
      protocols: ['chat'],
      send: ['ab', new Uint8Array([99])],
    })
    await stop()
    assert.deepEqual(messages.slice(0, 3), ['{"n":1}', new Uint8Array([7]).buffer, ''])
    assert.deepEqual([protocol, headers!.get('x-who'), headers!.get('content-type')], ['chat', 'me', undefined])
    assert.deepEqual(log.slice(0, 3), ['/room', { user: 'Ann' }, 1])
    assert.deepEqual(log.slice(3, 9), ['ab', [97, 98], 'string', 'c', [99], 'object'])
    assert.deepEqual(log.slice(9), [{ code: 4000, reason: 'done' }, 0])
  })

  it('refuses with a Response that a hook returns or throws, also as a member of an error', async (context) => {
    const answers: Record<string, () => unknown> = {
      '/returned': () => new Response('no', { status: 401 }),
      '/thrown': () => {
        throw new Response('no', { status: 402 })
      },
      '/in-error': () => {
        throw Object.assign(new Error('no'), { response: new Response('no', { status: 403 }) })
      },
      '/broken': () => {
        throw new Error('boom')
      },
      '/handled': () => ({ handled: true }),
    }
    const { handlers } = crosswsHandlers({ upgrade: (request: Request) => answers[new URL(request.url).pathname]!() })
    const { url, errors } = await served(context, handlers)
    const statuses: unknown[] = []
    for (const path of Object.keys(answers)) statuses.push((await conversation(`${url}${path}`)).status)
    assert.deepEqual(statuses, [401, 402, 403, 500, 500])
    assert.equal(errors[0]!.message, 'boom')
    assert.match(errors[1]!.message, /handled: true.*upgrader/)
  })

  it('refuses with the answer of an app whose middleware has replaced that of a route with hooks', async (context) => {
    const app = {
      fetch(request: Request) {
        Object.assign(request, { [Symbol.for('crossws.hooks')]: { open: (peer: Peer) => peer.close(4000, 'open') } })
        return new Response('answer', { status: request.url.endsWith('/rebuilt') ? 426 : 403 })
      },
    }
    const { url } = await served(context, crosswsHandlers(app).handlers)
    assert.equal((await conversation(`${url}/refused`)).status, 403)
    assert.equal((await conversation(`${url}/rebuilt`)).code, 4000)
  })
})

interface Peer {
  readonly namespace: string
  readonly context: object
  readonly peers: ReadonlySet<unknown>
  send(data: unknown): void
  close(code: number, reason: string): void
}

interface Message {
  readonly rawData: unknown
  text(): string
  uint8Array(): Uint8Array
}

describe('NestAdapter', () => {
  /** As NestJS does: one gateway, whose handlers answer with what `answers` subscribes to. */
  async function gateway(context: TestContext, subscribe: (observer: Observer) => { unsubscribe(): void }) {
    let given: NestGateway<unknown> | undefined
    const adapter = new NestAdapter<unknown>((started) => {
      given = started
      return {} as never
    })
    const server = adapter.create(0, { path: 'rooms' })
    const log: unknown[] = []
    adapter.bindClientConnect(server, (socket) => {
      adapter.bindClientDisconnect(socket as never, (result) => log.push(result.code))
      adapter.bindMessageHandlers(socket as never, [{ message: 'ask', callback: (data) => data }], () => ({
        subscribe,
      }))
    })
    return { ...(await served(context, given!.handlers)), given: given!, log, adapter }
  }

  interface Observer {
    next(value: unknown): void
    error(error: unknown): void
    complete(): void
  }

  const ask = '{"event":"ask"}'

  it('names the path and port of a gateway to the function that starts a server', async (context) => {
    const { given, adapter } = await gateway(context, () => ({ unsubscribe() {} }))
    assert.deepEqual([given.path, given.port], ['/rooms', 0])
    assert.throws(() => adapter.create(0, { namespace: 'x' }), { name: 'UsageError', message: /namespace/ })
  })

  it('closes with 1011 for an error that no filter took, which the handler `error` gets', async (context) => {
    const { url, errors, log, stop } = await gateway(context, (observer) => {
      observer.next(undefined)
      observer.next({ event: 'answer', data: 1 })
      observer.error(new Error('boom'))
      return { unsubscribe() {} }
    })
    const { code, messages } = await conversation(url, { send: [ask] })
    await stop()
    assert.deepEqual([code, messages], [1011, ['{"event":"answer","data":1}']])
    assert.deepEqual([errors.map(({ message }) => message), log], [['boom'], [1006]])
  })

  it('ends what still answers when the client is gone', async (context) => {
    const ended = new EventEmitter()
    const isEnded = once(ended, 'unsubscribe')
    const { url } = await gateway(context, () => ({ unsubscribe: () => ended.emit('unsubscribe') }))
    await conversation(url, { send: [ask], closes: true })
    await isEnded
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { WebSocket, WebSocketStream } from '../entries/client.js'
import { type IncomingRequest, type Server, type ServerSocket, serve } from '../entries/server.js'

interface Shown {
  readonly server: Server<{ user: string }>
  readonly socket: ServerSocket<{ user: string }>
  readonly request: IncomingRequest
  readonly client: object
  readonly stream: object
  readonly opened: object
  readonly openEvent: { readonly headers: object }
}

async function open(context: TestContext): Promise<Shown> {
  const opened = withResolvers<ServerSocket<{ user: string }>>()
  const server = await serve({
    port: 0,
    upgrade: () => ({
      data: { user: 'ann' },
      protocol: 'chat',
      headers: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
    }),
    open: (socket) => opened.resolve(socket),
  })
  context.after(() => server.close())
  const client = new WebSocket(`${server.url}/room?x=1`, ['chat', 'other'])
  const [openEvent] = (await once(client as unknown as EventTarget, 'open')) as [Shown['openEvent']]
  const stream = new WebSocketStream(server.url, { protocols: ['chat'] })
  const socket = await opened.promise
  return { server, socket, request: socket.request, client, stream, opened: await stream.opened, openEvent }
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}

/** Each object with all that `console.log` must show of it. */
const shown: { readonly [name in keyof Shown]: (objects: Shown) => readonly string[] } = {
  server: ({ server }) => [
    'Server {',
    `url: '${server.url}'`,
    `port: ${server.port}`,
    'connections: 2',
    'isReady: true',
  ],
  socket: ({ server, socket }) => [
    `ServerSocket { id: '${socket.id}'`,
    `url: '${server.url}/room?x=1'`,
    "readyState: 'OPEN'",
    "remoteAddress: '127.0.0.1'",
    "protocol: 'chat'",
    'bufferedAmount: 0',
    "data: { user: 'ann' }",
  ],
  request: ({ server }) => [
    'IncomingRequest {',
    "method: 'GET'",
    `url: '${server.url}/room?x=1'`,
    'headers: HeaderFields {',
    "upgrade: 'websocket'",
    "protocols: [ 'chat', 'other' ]",
    "remoteAddress: '127.0.0.1'",
  ],
  client: ({ server }) => ['WebSocket {', `url: '${server.url}/room?x=1'`, "readyState: 'OPEN'", "protocol: 'chat'"],
  stream: ({ server }) => ['WebSocketStream {', `url: '${server.url}/'`],
  opened: () => ["protocol: 'chat'", 'headers: HeaderFields {', "'set-cookie': [ 'a=1', 'b=2' ]"],
  openEvent: () => ['Event {', "type: 'open'", 'headers: HeaderFields {', "'set-cookie': [ 'a=1', 'b=2' ]"],
}

describe('console.log', () => {
  it('shows the useful members of each object, and nothing else', async (context) => {
    const objects = await open(context)
    for (const name of Object.keys(shown) as (keyof Shown)[]) {
      const text = inspect(objects[name], { depth: 5, breakLength: Number.POSITIVE_INFINITY })
      for (const part of shown[name](objects)) assert.ok(text.includes(part), `${name}: ${part} in ${text}`)
      assert.doesNotMatch(text, /\bindex\b|#|Symbol\(|\b(?:ports|settings|transport|limits)\b/i, name)
    }
  })

  it('shows only the name of an object that is nested too deep, and shows prototypes', async (context) => {
    const { socket } = await open(context)
    assert.equal(inspect({ a: { b: { socket } } }, { depth: 2 }), '{ a: { b: { socket: [ServerSocket] } } }')
    for (const object of [socket, socket.request]) assert.doesNotThrow(() => inspect(Object.getPrototypeOf(object)))
  })

  it('shows a server that is closed', async () => {
    const server = await serve({ port: 0 })
    await server.close()
    assert.match(inspect(server), /^Server \{[^}]*connections: 0,\s+isReady: false\s+\}$/s)
  })
})

describe('JSON.stringify', () => {
  it('shows the same, without secrets', async (context) => {
    const { server, socket, request, openEvent } = await open(context)
    const { url, port } = server
    const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    assert.deepEqual(parsed(server), { url, port, connections: 2, isReady: true })
    assert.deepEqual(parsed(request), {
      method: 'GET',
      url: `${url}/room?x=1`,
      protocols: ['chat', 'other'],
      remoteAddress: '127.0.0.1',
    })
    const { id, extensions } = socket
    const connection = { remoteAddress: '127.0.0.1', protocol: 'chat', extensions, bufferedAmount: 0 }
    assert.deepEqual(parsed(socket), { id, url: `${url}/room?x=1`, readyState: 1, ...connection })
    const fields = parsed(openEvent.headers) as Record<string, unknown>
    assert.deepEqual([fields.upgrade, fields['set-cookie']], ['websocket', ['a=1', 'b=2']])
  })
})

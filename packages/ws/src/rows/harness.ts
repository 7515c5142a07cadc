import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import type * as Ws from 'ws'
import type { Module, Server, Socket } from './row.js'

/** The members of ws's WebSocket that packages use though they are private. */
interface Inner {
  readonly _socket: net.Socket
  readonly _sender: { sendFrame(list: Buffer[], callback?: () => void): void }
  readonly _receiver: Duplex
  _protocol: string
  setSocket(socket: Duplex, head: Buffer, options: object): void
}
export const inner = (ws: Socket): Inner => ws as unknown as Inner

export interface Pair {
  readonly client: Socket
  readonly remote: Socket
  readonly server: Server
  readonly request: http.IncomingMessage
}

/** Opens a connection, lets a row use it, and ends all. */
export async function withPair(
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
export function closeOf(ws: Socket): Promise<[number, Buffer]> {
  return new Promise((resolve) => ws.on('close', (code, reason) => resolve([code, reason])))
}

/** The events of a client that can't connect. */
export async function failure(
  W: Module,
  url: string,
  options: object = {},
  protocols: string[] = [],
): Promise<unknown> {
  const client = new W(url, protocols, options)
  const log: unknown[] = []
  client.on('error', (error: Error) => log.push(error.message))
  const { 0: code } = await closeOf(client)
  return [...log, code, client.readyState]
}

/** Runs an HTTP server that answers upgrades by hand. */
export async function withHttp(
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
export function brokenBy(bytes: number[], options: Ws.ServerOptions = {}): (W: Module) => Promise<unknown> {
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

/** A client that speaks bytes. */
export interface RawPeer {
  readonly socket: net.Socket
  /** Resolves to the server's end and the head of its answer. */
  connected(server: Server): Promise<{ readonly ws: Socket; readonly head: string }>
  /** Resolves to the next bytes after the handshake. */
  read(count: number): Promise<Buffer>
}

/** Connects, and sends the handshake of a client once `connected` is called, with more lines of fields. */
export function rawPeer(port: number, fields: readonly string[] = []): RawPeer {
  const socket = net.connect(port, '127.0.0.1')
  const lines = [
    'GET / HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...fields,
  ]
  let bytes = Buffer.alloc(0)
  let notice = (): void => {}
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    notice()
  })
  const until = (isThere: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      notice = () => {
        if (isThere()) resolve()
      }
      notice()
    })
  const take = (count: number): Buffer => {
    const taken = bytes.subarray(0, count)
    bytes = bytes.subarray(count)
    return taken
  }
  return {
    socket,
    async connected(server) {
      const connection = once(server, 'connection') as Promise<[Socket]>
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      const { 0: ws } = await connection
      await until(() => bytes.includes('\r\n\r\n'))
      const head = take(bytes.indexOf('\r\n\r\n') + 4)
      return { ws, head: head.toString() }
    },
    async read(count) {
      await until(() => bytes.length >= count)
      return take(count)
    },
  }
}

export async function withServer(
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
export function answerTo(port: number, headers: Record<string, string>, path = '/', method = 'GET'): Promise<unknown> {
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

export const thrown = (action: () => void): unknown => {
  try {
    action()
    return 'nothing'
  } catch (error) {
    return [(error as Error).name, (error as Error).message]
  }
}

export const called = (start: (done: (error?: Error | null) => void) => void): Promise<unknown> =>
  new Promise((resolve) => start((error) => resolve(error ? error.message : 'done')))

export async function received(ws: Socket, send: () => void): Promise<unknown> {
  const arrived = once(ws, 'message')
  send()
  const { 0: data, 1: isBinary } = (await arrived) as [Buffer | ArrayBuffer | Buffer[] | Blob, boolean]
  if (data instanceof Blob) return ['Blob', [...new Uint8Array(await data.arrayBuffer())], isBinary]
  if (data instanceof ArrayBuffer) return ['ArrayBuffer', [...new Uint8Array(data)], isBinary]
  if (Array.isArray(data)) return ['fragments', [...Buffer.concat(data)], isBinary]
  return ['Buffer', [...data], isBinary]
}

export const sends = (data: unknown, options?: object): ((W: Module) => Promise<unknown>) => {
  return (W) =>
    withPair(W, ({ client, remote }) => received(remote, () => client.send(data as string, (options ?? {}) as object)))
}

export const receives = (binaryType: string, data: unknown): ((W: Module) => Promise<unknown>) => {
  return (W) =>
    withPair(W, ({ client, remote }) => {
      client.binaryType = binaryType as 'nodebuffer'
      return received(client, () => remote.send(data as string))
    })
}

export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Collects the errors that listeners and callbacks throw in a list, in place of ending the process. */
export async function catching(use: (errors: string[]) => unknown): Promise<unknown> {
  const errors: string[] = []
  // node:test listens for 'uncaughtException', and would take the error for a failure.
  process.setUncaughtExceptionCaptureCallback(({ message }: Error) => errors.push(message))
  try {
    return await use(errors)
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
}

/** Opens a connection over TLS, lets a row use it, and ends all. */
export async function withTlsPair(W: Module, use: (pair: Omit<Pair, 'request'>) => unknown): Promise<unknown> {
  const identity = await selfSignedCertificate()
  const app = https.createServer(identity).listen(0, '127.0.0.1')
  await once(app, 'listening')
  const server = new W.WebSocketServer({ server: app })
  const connected = once(server, 'connection') as Promise<[Socket]>
  const client = new W(`wss://127.0.0.1:${(app.address() as AddressInfo).port}`, { ca: identity.cert })
  await once(client, 'open')
  const { 0: remote } = await connected
  try {
    return await use({ client, remote, server })
  } finally {
    client.terminate()
    remote.terminate()
    server.close()
    app.close()
    app.closeAllConnections()
  }
}

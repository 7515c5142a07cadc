/**
 * The servers under test of the suite for servers, in a process of Node, Bun or Deno. Prints their addresses as a line
 * of JSON. The process ends when its input does.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { attach, type ServeOptions, type Server, serve } from 'twoway/server'
import { WebSocketServer } from 'ws'
import type { ServerAddresses, ServerOrder } from './server-case.js'

interface Data {
  readonly path: string
  readonly query: URLSearchParams
}

const { certificate, key, folder } = JSON.parse(process.argv[2]!) as ServerOrder
let errors = 0

/** The behaviour of every server here, by the path of the handshake. */
const handlers: ServeOptions<Data> = {
  closeTimeoutMs: 1000,
  async upgrade({ url, protocols }) {
    const { pathname: path, searchParams: query } = new URL(url)
    if (path === '/refuse') return new Response('not you', { status: 403, headers: { 'X-Why': 'because' } })
    if (path === '/fetched') return fetch(`${service}${query.get('as') ?? ''}`)
    if (path === '/unoffered') return { data: { path, query }, protocol: 'unoffered' }
    if (path === '/throw') throw new Error('thrown')
    if (path === '/later') await new Promise((resolve) => setTimeout(resolve, 200))
    return { data: { path, query }, protocol: protocols.at(-1), headers: { 'X-Path': path } }
  },
  open(socket) {
    if (socket.data.path === '/flood') flood(socket)
    if (socket.data.path === '/terminate') socket.terminate()
  },
  message(socket, message) {
    const { path, query } = socket.data
    if (path === '/close') socket.close(Number(query.get('code')), query.get('reason') ?? '')
    else if (path === '/shown') socket.send(shown(socket, main, socket.request))
    else if (path === '/address') socket.send(String(socket.remoteAddress))
    else if (path === '/fail') throw new Error('failed')
    else socket.send(message)
  },
  drain(socket) {
    if (socket.data.path === '/flood') flood(socket)
  },
  error() {
    errors += 1
  },
  request: ({ method, url }) => ({ status: 200, body: `${method} ${new URL(url).pathname} ${errors > 0}` }),
}

/** A service whose answers `upgrade` passes on. */
const gzipped = gzipSync('not you')
const upstream = createServer(({ url }, response) => {
  if (url === '/chunked') response.writeHead(403, { Trailer: 'X-Sum', 'Set-Cookie': ['a=1, b', 'c=2'] }).write('not ')
  else
    response.writeHead(403, { 'Content-Encoding': 'gzip', 'Content-Length': gzipped.length, 'Keep-Alive': 'timeout=5' })
  response.end(url === '/chunked' ? 'you' : gzipped)
})
await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
const service = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/`

/** The objects as this runtime's `console.log` shows them. */
function shown(...objects: readonly object[]): string {
  const { Deno, Bun } = globalThis as { Deno?: { inspect: typeof inspect }; Bun?: { inspect: typeof inspect } }
  const show = Deno?.inspect ?? Bun?.inspect ?? inspect
  return objects.map((object) => show(object)).join('\n')
}

const chunk = new Uint8Array(16 << 10)
/** Sends as fast as the peer reads, up to 64 MiB in all. Each message contains the number of earlier ones. */
const sent = new WeakMap<object, number>()

interface Flooded {
  send(message: Uint8Array): string
  readonly bufferedAmount: number
}

/** The most bytes that waited for a peer that does not read. */
let mostBuffered = 0

function flood(socket: Flooded): void {
  let count = sent.get(socket) ?? 0
  for (let result = 'sent'; result === 'sent' && count < 4096; count += 1) result = socket.send(chunk)
  mostBuffered = Math.max(mostBuffered, socket.bufferedAmount)
  sent.set(socket, count)
}

const large = { maxMessageBytes: 32 << 20, maxBufferedBytes: 64 << 20 }
const main = await serve<Data>({ port: 0, ...large, ...handlers })
const takeover = await serve<Data>({
  port: 0,
  ...handlers,
  perMessageDeflate: { clientNoContextTakeover: false, serverNoContextTakeover: false },
})
const secure = await serve<Data>({ port: 0, tls: { cert: certificate, key }, ...large, ...handlers })
const unix = await serve<Data>({ socketPath: join(folder, 'server.sock'), ...handlers })
/** Servers behind a proxy of TCP. */
const proxied = { port: 0, proxyProtocol: true, trustedProxies: 'loopback' }
const announced = await serve<Data>({ ...proxied, ...handlers })
const announcedSecure = await serve<Data>({ ...proxied, tls: { cert: certificate, key }, ...handlers })
const narrow = await serve<Data>({
  port: 0,
  ...handlers,
  maxMessageBytes: 1000,
  maxConnections: 2,
  handshakeTimeoutMs: 500,
  maxHeadBytes: 2000,
  maxHeaderFields: 20,
  idleTimeoutMs: 1800,
})

/** Starts a server, sends its address, and stops it on request, by messages. */
const stoppable = new Map<string, Server<Data>>()
const control = await serve({
  port: 0,
  async message(socket, message) {
    const [word, url = ''] = String(message).split(' ')
    if (word === 'start') {
      const server = await serve<Data>({ port: 0, ...handlers })
      stoppable.set(server.url, server)
      socket.send(server.url)
    } else if (word === 'buffered') {
      socket.send(String(mostBuffered))
    } else {
      const server = stoppable.get(url)!
      socket.send(`${word}ing ${server.isReady}`)
      await (word === 'drain' ? server.drain({ withinMs: 100 }) : server.close())
      socket.send(`done ${server.connections.size} ${server.isReady}`)
      await server.close()
    }
  },
})

/** An app with an attachment, and ws on another path, attached before it and after. */
async function app(order: 'before' | 'after'): Promise<string> {
  const http = createServer(({ url }, response) => response.end(`app ${url}`))
  const beside = (): void => {
    new WebSocketServer({ server: http, path: '/ws' }).on('connection', (socket) => {
      socket.on('message', (message, isBinary) => socket.send(isBinary ? message : `ws ${message}`))
    })
  }
  if (order === 'before') beside()
  attach<Data>(http, { path: '/ours', ...attachHandlers })
  attach<Data>(http, { path: '/close', ...attachHandlers })
  if (order === 'after') beside()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
}

const { request: _, ...attachHandlers } = handlers

async function alone(): Promise<string> {
  const http = createServer(({ url }, response) => response.end(`app ${url}`))
  attach<Data>(http, { path: '/ours', ...attachHandlers })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
}

const addresses: ServerAddresses = {
  url: main.url,
  secureUrl: secure.url,
  certificate,
  unixUrl: unix.url,
  announcedUrls: [announced.url, announcedSecure.url],
  narrowUrl: narrow.url,
  takeoverUrl: takeover.url,
  controlUrl: control.url,
  appUrls: [await app('before'), await app('after')],
  aloneUrl: await alone(),
}
process.stdout.write(`${JSON.stringify(addresses)}\n`)
process.stdin.on('end', () => process.exit(0)).resume()

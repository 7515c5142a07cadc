/**
 * Servers and clients under TLS that meet strangers: `serve`, and `attach` to a server of node:https and to one of
 * node:http2 that takes HTTP/1 too. On Bun and Deno, `serve` and clients alone, over the runtime's own TLS. Times are short, so that what is stuck is seen soon. It answers what comes its
 * parent says: `state`, or where a client is to connect.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { createSecureContext, type SecureContext, type Server } from 'node:tls'
import { generate } from 'selfsigned'
import { WebSocket } from 'twoway'
import { attach, type ServerHandlers, serve } from 'twoway/server'

/** The first message of the process. */
export interface TlsProcessStart {
  /** On another runtime than Node, there is only `serve`. */
  readonly ports: Readonly<Partial<Record<'serve' | 'https' | 'http2', number>>>
  readonly identity: { readonly cert: string; readonly key: string }
}

/** The address for a client: that of a server, or of a proxy. */
export interface ConnectOrder {
  readonly port: number
  readonly isProxied: boolean
}

export interface TlsState {
  /** Descriptors, or sockets. */
  readonly held: number
  /** The number of clients that have not ended. */
  readonly clients: number
  /** The number of WebSockets that opened, on both sides. */
  readonly opened: number
  /** The number of connections with each end: its side, the close code and the reason. */
  readonly met: Readonly<Record<string, number>>
  readonly errors: number
}

/** Servers of Node's own, without this library: whether a fault is Node's alone. */
const isPlain = process.argv.includes('plain')
const nodeMajor = Number.parseInt(process.versions.node, 10)
const isNode = !('bun' in process.versions || 'deno' in process.versions)

const shortMs = isPlain ? 40 : 1000
const times = { handshakeTimeoutMs: shortMs, closeTimeoutMs: 300 }
const lateMs = 5
const loopback = '127.0.0.1'
let errors = 0
let clients = 0
let opened = 0
const met: Record<string, number> = {}

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  algorithm: 'sha256',
})

function count(end: string): void {
  met[end] = (met[end] ?? 0) + 1
}

const handlers: ServerHandlers<undefined> = {
  open() {
    opened += 1
    count('server: opened')
  },
  message(socket, message) {
    socket.send(message)
  },
  close(_, { code, reason }) {
    count(`server: closed ${code} ${reason}`)
  },
  error() {
    errors += 1
  },
}

/** An SNICallback as in an app: one name is unknown, one fails, and one takes a while. */
const tls = {
  cert,
  key,
  SNICallback(name: string, done: (error: Error | null, context?: SecureContext) => void) {
    const context: SecureContext = createSecureContext({ cert, key })
    if (name === 'fails.test') done(new Error('no such name'))
    else if (name === 'late.test') setTimeout(() => done(null, context), 20)
    else done(null, context)
  },
}

const own = await serve({
  ...handlers,
  ...times,
  port: 0,
  host: loopback,
  // The TLS of Bun and Deno has no SNICallback: with one, node:tls would serve.
  tls: isNode ? tls : { cert, key },
  hosts: 'any',
  origin: 'any',
})

const secure = createServer({
  ...tls,
  handshakeTimeout: shortMs,
  headersTimeout: shortMs,
  requestTimeout: shortMs,
  keepAliveTimeout: 300,
  connectionsCheckingInterval: 100,
})
// HTTP/2 itself is not under test: its session would wait for more.
const both = createSecureServer({ ...tls, handshakeTimeout: shortMs, allowHTTP1: true })
both.on('session', (session) => session.setTimeout(300, () => session.destroy()))
keepSessions(secure)
giveStatus(both)
giveStatus(secure)
if (isPlain) keepSessions(both)
for (const server of isNode ? [secure, both] : []) {
  if (!isPlain) attach(server, { ...handlers, ...times, hosts: 'any', origin: 'any' })
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.on('request', (_, response) => response.end())
  server.listen(0, loopback)
  await once(server, 'listening')
}

/**
 * Sessions are kept late, and given late but on Node 26: where an app's `resumeSession` answers late there, a peer that
 * asks for the certificate's status can make Node throw (`requestOCSP` reads a handle that is gone), without this library
 * too: `npm run test:tls -- --plain` shows it.
 */
function keepSessions(server: Server): void {
  const sessions = new Map<string, Buffer>()
  server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
    if (sessions.size > 100) sessions.clear()
    sessions.set(id.toString('hex'), session)
    setImmediate(done)
  })
  server.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) => {
    const answer = (): void => done(null, sessions.get(id.toString('hex')) ?? null)
    if (isPlain || nodeMajor < 26) setTimeout(answer, isPlain ? Math.random() * shortMs : lateMs)
    else answer()
  })
}

/** The certificate's status is returned late. */
function giveStatus(server: Server): void {
  server.on('OCSPRequest', (_: Buffer, __: Buffer, done: (error: Error | null, response: Buffer) => void) => {
    setImmediate(() => done(null, Buffer.from('no status')))
  })
}

function connect({ port, isProxied }: ConnectOrder): void {
  clients += 1
  const name = isProxied ? 'client by a proxy' : 'client'
  const proxy = isProxied ? { proxy: `http://${loopback}:${port}` } : {}
  const socket = new WebSocket(`wss://${loopback}:${port}`, { ...times, ...proxy, rejectUnauthorized: false })
  socket.addEventListener('open', () => {
    opened += 1
    count(`${name}: opened`)
    socket.send('hello')
  })
  socket.addEventListener('message', () => socket.send('again'))
  socket.addEventListener('close', ({ code, wasClean }) => {
    clients -= 1
    count(`${name}: closed ${code}${wasClean ? '' : ', not clean'}`)
  })
}

/**
 * Descriptors if the system lists them, without files, because Node reads the system's certificates at any time, and without
 * Unix sockets, of which Deno opens a pair for itself at any time; otherwise the sockets that the event loop knows of.
 */
function held(): number {
  if (process.platform !== 'linux') {
    return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe/.test(name)).length
  }
  const unixSockets = new Set<string>()
  for (const line of readFileSync('/proc/self/net/unix', 'utf8').split('\n').slice(1)) {
    unixSockets.add(`socket:[${line.trim().split(/\s+/)[6]}]`)
  }
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    const target = targetOf(descriptor)
    return target !== undefined && !target.startsWith('/') && !unixSockets.has(target)
  }).length
}

function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // The one that reads the folder.
    return undefined
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

process.on('message', (order: 'state' | ConnectOrder) => {
  if (order === 'state') process.send!({ held: held(), clients, opened, met, errors } satisfies TlsState)
  else connect(order)
})
process.on('disconnect', () => process.exit(0))
const ports = { serve: own.port, ...(isNode && { https: portOf(secure), http2: portOf(both) }) }
process.send!({ ports, identity: { cert, key } } satisfies TlsProcessStart)

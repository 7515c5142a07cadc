import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, type TestContext, test } from 'node:test'
import { connect as connectTls, createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { constants, createDeflateRaw, createInflateRaw, DeflateRaw } from 'node:zlib'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { acceptTransports, chooseTransport } from '../transport/choose-transport.js'
import { DirectZlib } from './direct-zlib.js'
import { hasHandles, tryHandles } from './handle-trial.js'

await tryHandles()

/** Whose a callback is once we have taken the object over, and why that is well. */
interface KnownCallback {
  readonly owner: 'ours' | "Node's"
  readonly because: string
}

type Known = Readonly<Record<string, KnownCallback>>

const node = (because: string): KnownCallback => ({ owner: "Node's", because })
const ours = (because: string): KnownCallback => ({ owner: 'ours', because })

const reading: Known = {
  onread: ours('HandleTransport reads; Node sets it again for no handle that has left its socket'),
}

const listening: Known = {
  onconnection: ours('takeConnections; a connection that failed goes on to Node'),
}

const bothEnds: Known = {
  onread: ours('TlsReading, for the calls that bring bytes; the end and failures go on to Node'),
  onkeylog: node('emits `keylog` on the TLSSocket, which stays the owner'),
  onhandshakestart: ours('refuseRenegotiation'),
  onhandshakedone: node('comes again after a renegotiation, and finds the TLSSocket'),
  onnewsession: node('a ticket comes at any time after the handshake, and finds the TLSSocket'),
  onerror: node('destroys the TLSSocket, as each alert and each malformed record does'),
}

const inHandshake = 'comes within a handshake, and finds the TLSSocket, which may be destroyed then'

/** Each private part of Node that is touched, and the callbacks that Node has on it while it is ours. */
const knownCallbacks = {
  'a TCP handle of a socket': reading,
  'a TCP handle that was upgraded by node:http': reading,
  'a pipe of a socket': reading,
  'a listening TCP handle': listening,
  'a listening pipe': listening,
  'the TLS handle of a server': {
    ...bothEnds,
    onclienthello: ours('refuseRenegotiation, which never answers'),
    oncertcb: ours('refuseRenegotiation, which never answers'),
    ALPNCallback: node(inHandshake),
    'Symbol(onpskexchange)': node(inHandshake),
  },
  'the TLS handle of a client': {
    ...bothEnds,
    onocspresponse: node(inHandshake),
    'Symbol(onpskexchange)': node(inHandshake),
  },
  'the handle of a compressor': {
    onerror: node('destroys the stream, which is how DirectZlib knows of malformed data'),
    processCallback: node('is called for work in the thread pool, which the stream itself has begun'),
  },
} satisfies Readonly<Record<string, Known>>

type Part = keyof typeof knownCallbacks

/** The functions that Node, or we, have set on a handle; those of its prototype are what it can do. */
function callbacksOf(handle: object): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const key of Reflect.ownKeys(handle)) {
    const value = Reflect.get(handle, key)
    if (typeof value === 'function') found.set(String(key), value)
  }
  // An accessor of the prototype, behind which the native object keeps it.
  const { onread } = handle as { readonly onread?: unknown }
  if (typeof onread === 'function') found.set('onread', onread)
  return found
}

function handleOf(owner: object): object {
  return (owner as { readonly _handle: object })._handle
}

/** Compares what is on a handle before and after we took it with the table. */
function check(part: Part, before: ReadonlyMap<string, unknown>, handle: object): void {
  const known: Known = knownCallbacks[part]
  const after = callbacksOf(handle)
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const row = known[name]
    assert.ok(
      row !== undefined,
      `${part}: Node has a callback ${name} that is not known: what does it do once the handle is ours?`,
    )
    const isOurs = after.get(name) !== before.get(name)
    assert.equal(isOurs ? 'ours' : "Node's", row.owner, `${part}: ${name}`)
  }
}

async function joined(
  context: TestContext,
  server: Server,
  open: () => Socket,
  event: string,
  path?: string,
): Promise<readonly [Socket, Socket]> {
  if (!server.listening) {
    if (path === undefined) server.listen(0, '127.0.0.1')
    else server.listen(path)
    await once(server, 'listening')
  }
  const accepted = once(server, event)
  const near = open()
  near.on('error', () => {})
  const far = ((await accepted) as unknown[]).find((each) => 'remoteAddress' in (each as object)) as Socket
  far.on('error', () => {})
  if (near.connecting) await once(near, 'connect')
  context.after(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far]
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port
const pathOf = (name: string): string =>
  process.platform === 'win32'
    ? `\\\\.\\pipe\\twoway-${name}-${process.pid}`
    : join(tmpdir(), `twoway-${name}-${process.pid}`)

function adopt(part: Part, socket: Socket): void {
  const handle = handleOf(socket)
  const before = callbacksOf(handle)
  const transport = chooseTransport(socket, {})
  check(part, before, handle)
  transport.destroy()
}

describe('the callbacks that Node has on what we take over are all known', { skip: !hasHandles() }, () => {
  test('a TCP handle of a socket, of both sides', async (context) => {
    const server = createServer()
    const sockets = await joined(context, server, () => connect(portOf(server), '127.0.0.1'), 'connection')
    for (const socket of sockets) adopt('a TCP handle of a socket', socket)
  })

  test('a TCP handle that was upgraded by node:http', async (context) => {
    const server = createHttpServer()
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const open = (): Socket => {
      const client = connect(portOf(server), '127.0.0.1')
      client.write(upgrade)
      return client
    }
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const upgraded = new Promise<Socket>((resolve) => server.once('upgrade', (_, socket) => resolve(socket as Socket)))
    const client = open()
    client.on('error', () => {})
    adopt('a TCP handle that was upgraded by node:http', await upgraded)
    client.destroy()
    context.after(() => server.close())
  })

  test('a pipe of a socket, of both sides', async (context) => {
    const server = createServer()
    const path = pathOf('pipe')
    const sockets = await joined(context, server, () => connect(path), 'connection', path)
    for (const socket of sockets) adopt('a pipe of a socket', socket)
  })

  for (const [part, path] of [
    ['a listening TCP handle', undefined],
    ['a listening pipe', pathOf('listening')],
  ] as const) {
    test(part, async (context) => {
      const server = createServer()
      if (path === undefined) server.listen(0, '127.0.0.1')
      else server.listen(path)
      await once(server, 'listening')
      context.after(() => server.close())
      const before = callbacksOf(handleOf(server))
      acceptTransports(server, (transport) => transport.destroy())
      check(part, before, handleOf(server))
    })
  }

  // Each option that has Node set a callback; not all of them can be set together.
  const ways: Readonly<Record<string, TlsOptions>> = {
    'with sessions, status and names': { SNICallback: (_, done) => done(null) },
    'with a callback for the protocol': { ALPNCallback: () => 'http/1.1' } as TlsOptions,
    'with keys that were shared before': { pskCallback: () => null },
  } as const
  for (const [way, options] of Object.entries(ways)) {
    test(`the TLS handles of a server and a client ${way}`, async (context) => {
      const certificate = await selfSignedCertificate()
      const server = createTlsServer({ ...certificate, ...options })
      server.on('OCSPRequest', (_, __, done) => done(null, Buffer.from('x')))
      server.on('newSession', (_, __, done) => done())
      server.on('resumeSession', (_, done) => done(null, null as unknown as Buffer))
      const client = {
        ca: certificate.cert,
        servername: 'localhost',
        ALPNProtocols: ['http/1.1'],
        ...('pskCallback' in options ? { pskCallback: () => null } : {}),
      }
      const open = (): Socket =>
        connectTls({ ...client, port: portOf(server), host: '127.0.0.1', requestOCSP: true } as object)
      const [near, far] = await joined(context, server, open, 'secureConnection')
      if ((near as unknown as { secureConnecting: boolean }).secureConnecting) await once(near, 'secureConnect')
      adopt('the TLS handle of a server', far)
      adopt('the TLS handle of a client', near)
    })
  }

  test('the handle of a compressor, which stays its stream’s', async () => {
    for (const stream of [createDeflateRaw(), createInflateRaw()]) {
      const failed = once(stream, 'error')
      const handle = handleOf(stream)
      const before = callbacksOf(handle)
      const direct = DirectZlib.over(stream)!
      // To the inflater a block of a type that does not exist, of which \`onerror\` tells.
      const isWell = direct.step(constants.Z_SYNC_FLUSH, Buffer.from('ffff', 'hex'), 0, 2, Buffer.alloc(16), 16)
      check('the handle of a compressor', before, handle)
      if (!isWell) await failed
      assert.equal(isWell, stream instanceof DeflateRaw)
      stream.destroy()
    }
  })
})

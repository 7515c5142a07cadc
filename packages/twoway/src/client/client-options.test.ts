import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, createConnection, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { checkServerIdentity, connect as connectTls, type TLSSocket, type TlsOptions } from 'node:tls'
import { inspect } from 'node:util'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { testAuthority } from 'twoway-testing/peers/authority.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { pkcs12, pkcs12Certificate } from 'twoway-testing/peers/pkcs12.js'
import { httpProxy, socksProxy } from 'twoway-testing/peers/proxies.js'
import { TransportError } from '../core/errors.js'
import type { CreateConnectionOptions } from '../ports/connector.js'
import { defineWebSocket } from './websocket/websocket.js'
import type { WebSocketOptions } from './websocket/websocket-types.js'

const WebSocket = defineWebSocket(networks.find(({ name }) => name === 'TCP')!.clientPorts)
const authority = await testAuthority()
const certificate = await authority.issue()
const ca = authority.cert

/** The key of the client's certificate, encrypted with the passphrase `right`. */
const encryptedKey = createPrivateKey(certificate.key).export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'right',
}) as string

/** A server that accepts every handshake, and keeps the sockets and the heads that came. */
async function server(context: TestContext, tls?: TlsOptions) {
  const heads: string[] = []
  const onSocket = async (socket: Socket): Promise<void> => {
    const head = await readHead(socket)
    heads.push(head)
    socket.write(acceptance(head))
    socket.resume()
  }
  const listening = await listenOnLoopback(context, (socket) => onSocket(socket).catch(() => {}), tls)
  return { ...listening, heads, url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${listening.port}/` }
}

/** Resolves with undefined once it opens, or with the error that it fails with. */
function outcome(context: TestContext, url: string, options: WebSocketOptions): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, options)
    context.after(() => socket.close())
    socket.onopen = () => resolve(undefined)
    socket.onerror = (event) => resolve((event as { error?: unknown }).error as Error)
  })
}

async function assertOpens(context: TestContext, url: string, options: WebSocketOptions): Promise<void> {
  assert.equal(await outcome(context, url, options), undefined)
}

async function assertFails(
  context: TestContext,
  url: string,
  options: WebSocketOptions,
  message: RegExp,
): Promise<TransportError> {
  const error = await outcome(context, url, options)
  assert.ok(error instanceof TransportError, String(error))
  assert.match(error.message, message)
  return error
}

describe('the options of TLS', () => {
  /** The request of the server, the answer of the client, and the reason if that fails. */
  const cases: Readonly<Record<string, readonly [server: TlsOptions, options: WebSocketOptions, failure?: RegExp]>> = {
    'passphrase that decrypts key': [{}, { cert: certificate.cert, key: encryptedKey, passphrase: 'right' }],
    'passphrase beside its key': [{}, { cert: certificate.cert, key: [{ pem: encryptedKey, passphrase: 'right' }] }],
    'passphrase that is missing': [
      {},
      { cert: certificate.cert, key: encryptedKey },
      /the private key is encrypted: pass its passphrase as the option passphrase/,
    ],
    'passphrase that is wrong': [
      {},
      { cert: certificate.cert, key: encryptedKey, passphrase: 'sesame' },
      /the private key is encrypted/,
    ],
    'pfx with its passphrase': [{}, { pfx: pkcs12, passphrase: 'right' }],
    'pfx in a list': [{}, { pfx: [{ buf: pkcs12, passphrase: 'right' }] }],
    'pfx without its passphrase': [{}, { pfx: pkcs12 }, /the option pfx is encrypted: pass its passphrase/],
    'pfx that is none': [{}, { pfx: Buffer.from('none') }, /the option pfx must hold a PKCS #12 file/],
    'minVersion that the server has': [{ minVersion: 'TLSv1.3' }, { minVersion: 'TLSv1.3' }],
    'minVersion that the server has not': [{ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' }, /no version of TLS/],
    'maxVersion that the server has': [{}, { maxVersion: 'TLSv1.2' }],
    'maxVersion that the server has not': [{ minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }, /no version of TLS/],
    'minVersion above maxVersion': [{}, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }, /leave no version of TLS/],
    'ciphers that there are not': [{}, { ciphers: 'NONE-SUCH' }, /names no cipher suite/],
    'several certificates and keys': [{}, { cert: [certificate.cert], key: [certificate.key] }],
    'checkServerIdentity that is content': [{}, { checkServerIdentity: () => undefined }],
    'checkServerIdentity that is not': [{}, { checkServerIdentity: () => new Error('not mine') }, /not mine/],
    'checkServerIdentity of Node’s own': [{}, { checkServerIdentity }],
    'servername with the dot of the root': [{}, { servername: 'localhost.' }],
  }

  for (const [what, [tls, options, failure]] of Object.entries(cases)) {
    it(`has ${what}`, async (context) => {
      const { url } = await server(context, { ...certificate, ...tls })
      if (failure === undefined) {
        await assertOpens(context, url, { ca, ...options })
        return
      }
      const error = await assertFails(context, url, { ca, ...options }, failure)
      assert.doesNotMatch(inspect(error, { depth: 5 }), /sesame|BEGIN/)
    })
  }

  it('present the certificate of pfx and of an encrypted key to the server', async (context) => {
    const seen: unknown[] = []
    const tls = { ...certificate, ca: [ca, pkcs12Certificate], requestCert: true, rejectUnauthorized: true }
    const { url, server: listening } = await server(context, tls)
    listening.on('secureConnection', (socket: TLSSocket) => seen.push(socket.getPeerCertificate().subject.CN))
    await assertOpens(context, url, { ca, pfx: pkcs12, passphrase: 'right' })
    await assertOpens(context, url, { ca, cert: certificate.cert, key: encryptedKey, passphrase: 'right' })
    assert.deepEqual(seen, ['client', 'localhost'])
  })

  it('offer the ciphers and the versions named', async (context) => {
    const { url, server: listening } = await server(context, certificate)
    const secured = once(listening, 'secureConnection')
    await assertOpens(context, url, { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })
    const [socket] = (await secured) as [TLSSocket]
    assert.deepEqual([socket.getProtocol(), socket.getCipher().name], ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'])
  })

  it('pass the host and the certificate to checkServerIdentity, if the certificate is trusted', async (context) => {
    const seen: unknown[] = []
    const options: WebSocketOptions = {
      checkServerIdentity: (host, { subjectaltname, fingerprint256, raw }) => {
        seen.push([
          host,
          subjectaltname,
          /^[\dA-F]{2}(:[\dA-F]{2}){31}$/.test(fingerprint256),
          raw instanceof Uint8Array,
        ])
        return undefined
      },
    }
    const { url } = await server(context, await authority.issue({ names: ['other.example'] }))
    await assertOpens(context, url, { ca, ...options })
    await assertFails(context, url, options, /no authority/)
    assert.deepEqual(seen, [['127.0.0.1', 'DNS:other.example', true, true]])
  })

  it('apply only to the origin of the URL, except ca, the versions and the ciphers', async (context) => {
    const other = await server(context, { ...(await authority.issue({ names: ['other.example'] })) })
    const first = await listenOnLoopback(
      context,
      (socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ${other.url}\r\nContent-Length: 0\r\n\r\n`),
      certificate,
    )
    const options: WebSocketOptions = { ca, maxRedirects: 1, checkServerIdentity: () => undefined }
    await assertFails(context, `wss://127.0.0.1:${first.port}`, options, /its certificate is for another name/)
  })

  it('name a host without the dot of the root, RFC 6066 §3', async (context) => {
    const names: unknown[] = []
    const { port, server: listening } = await server(context, certificate)
    listening.on('secureConnection', (socket: TLSSocket) => names.push((socket as { servername?: unknown }).servername))
    const lookup: WebSocketOptions['lookup'] = (_, __, done) => done(null, '127.0.0.1', 4)
    await assertOpens(context, `wss://localhost.:${port}/`, { ca, lookup })
    assert.deepEqual(names, ['localhost'])
  })
})

describe('the options of the local side', () => {
  it('replace the system’s lookup, with and without support for `all`, also with a proxy', async (context) => {
    const { port } = await server(context)
    const http = await httpProxy(context, { names: { 'a.invalid': '127.0.0.1' } })
    const socks = await socksProxy(context)
    const asked: string[] = []
    const lookups: readonly NonNullable<WebSocketOptions['lookup']>[] = [
      (name, _, done) => {
        asked.push(name)
        done(null, '127.0.0.1', 4)
      },
      (_, __, done) => setTimeout(done, 1, null, '127.0.0.1'),
      (_, { all }, done) => {
        if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
        else done(null, '127.0.0.1', 4)
      },
    ]
    for (const lookup of lookups) {
      await assertOpens(context, `ws://a.invalid:${port}/`, { lookup })
      await assertOpens(context, `ws://a.invalid:${port}/`, { lookup, proxy: `http://p.invalid:${http.port}` })
      await assertOpens(context, `ws://a.invalid:${port}/`, { lookup, proxy: `socks5://p.invalid:${socks.port}` })
    }
    assert.deepEqual(asked, ['a.invalid', 'p.invalid', 'p.invalid', 'a.invalid'])
    assert.deepEqual(http.targets, Array(3).fill(`a.invalid:${port}`))
    assert.deepEqual(socks.targets, Array(3).fill(`127.0.0.1:${port}`))
  })

  it('report a lookup that finds nothing', async (context) => {
    const missing = Object.assign(new Error('gone'), { code: 'ENOTFOUND' })
    const lookup: WebSocketOptions['lookup'] = (_, __, done) => done(missing, '')
    await assertFails(context, 'ws://a.invalid/', { lookup }, /the name is unknown \(ENOTFOUND\)/)
  })

  it('bind localAddress and localPort', async (context) => {
    const { url, sockets } = await server(context)
    const free = await listenOnLoopback(context, () => {})
    await new Promise((resolve) => free.server.close(resolve))
    await assertOpens(context, url, { localAddress: '127.0.0.2', localPort: free.port })
    assert.deepEqual([sockets[0]!.remoteAddress, sockets[0]!.remotePort], ['127.0.0.2', free.port])
    await assertFails(context, url, { localAddress: '192.0.2.1' }, /no address to connect from \(EADDRNOTAVAIL\)/)
  })

  it('look names up for one family only', async (context) => {
    const { port } = await server(context)
    const families: unknown[] = []
    const lookup: WebSocketOptions['lookup'] = (_, { family }, done) => {
      families.push(family)
      done(null, '127.0.0.1', 4)
    }
    await assertOpens(context, `ws://a.invalid:${port}/`, { lookup, family: 4 })
    assert.deepEqual(families, [4])
  })
})

/** A Duplex that is no net.Socket, over one. */
function plainDuplex(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, _, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (data) => duplex.push(data))
  socket.on('end', () => duplex.push(null))
  socket.on('error', (error) => duplex.destroy(error))
  return duplex
}

describe('the option createConnection', () => {
  type Create = NonNullable<WebSocketOptions['createConnection']>
  const ways: Readonly<Record<string, Create>> = {
    'a socket that connects': ({ host, port }) => connect(port, host),
    'Node’s own function': createConnection as Create,
    'a connected socket, by a promise': async ({ host, port }) => {
      const socket = connect(port, host)
      await once(socket, 'connect')
      return socket
    },
    'a socket, by a call back': ({ host, port }, done) => {
      const socket = connect(port, host, () => done(null, socket))
    },
    'a socket, both ways': ({ host, port }, done) => {
      const socket = connect(port, host, () => done(null, socket))
      return socket
    },
    'a socket of an Agent': (options, done) => {
      const agent = new Agent() as unknown as { createConnection(...rest: unknown[]): Socket }
      return agent.createConnection(options, done)
    },
    'a Duplex that is no socket': ({ host, port }) => plainDuplex(connect(port, host)),
  }

  for (const [what, create] of Object.entries(ways)) {
    it(`takes ${what}, and speaks TLS over it for wss`, async (context) => {
      for (const tls of [undefined, certificate]) {
        const { url, heads } = await server(context, tls)
        await assertOpens(context, url, { ca, createConnection: create })
        assert.equal(heads.length, 1)
      }
    })
  }

  it('takes a TLS socket as it is', async (context) => {
    const { url, server: listening } = await server(context, certificate)
    let secured = 0
    listening.on('secureConnection', () => {
      secured++
    })
    await assertOpens(context, url, { ca, createConnection: connectTls as Create })
    assert.equal(secured, 1)
    const create: Create = ({ host, port }) => connectTls({ host, port })
    await assertFails(context, url, { ca, createConnection: create }, /can't connect to .*: its certificate/)
  })

  it('gets the target and the options of TLS', async (context) => {
    const seen: CreateConnectionOptions[] = []
    const create: Create = (options) => {
      seen.push(options)
      throw new Error('enough')
    }
    const tls = { ca, servername: 'name', minVersion: 'TLSv1.2' } as const
    const urls = ['ws://[::1]:81/', 'wss://host.example/', 'ws+unix:/tmp/a.sock:/b']
    for (const url of urls) {
      const options = { ...tls, createConnection: create, localAddress: '127.0.0.1', family: 4 } as const
      await assertFails(context, url, options, /createConnection failed: enough$/)
    }
    assert.deepEqual(seen, [
      { host: '::1', port: 81, localAddress: '127.0.0.1', family: 4 },
      { ...tls, ALPNProtocols: ['http/1.1'], host: 'host.example', port: 443, localAddress: '127.0.0.1', family: 4 },
      { host: 'localhost', port: 80, path: '/tmp/a.sock', localAddress: '127.0.0.1', family: 4 },
    ])
  })

  const failures: Readonly<Record<string, readonly [create: Create, message: RegExp]>> = {
    'throws, with its error': [
      () => {
        throw new Error('no')
      },
      /^can't connect to 127\.0\.0\.1:1: createConnection failed: no$/,
    ],
    'rejects, with its error': [() => Promise.reject(new Error('no')), /createConnection failed: no$/],
    'calls back with an error': [(_, done) => done(new Error('no')), /createConnection failed: no$/],
    'makes no stream': [() => ({}) as never, /createConnection must return a duplex stream/],
    'makes a stream that is gone': [() => connect(1, '127.0.0.1').destroy(), /is already destroyed/],
    'makes a socket that does not connect': [() => connect(1, '127.0.0.1'), /can't connect .*ECONNREFUSED/],
    'never answers': [() => {}, /timed out after 50 ms while waiting for createConnection/],
  }

  for (const [what, [create, message]] of Object.entries(failures)) {
    it(`fails if it ${what}`, async (context) => {
      for (const url of ['ws://127.0.0.1:1/', 'wss://127.0.0.1:1/']) {
        const handshakeTimeoutMs = what === 'never answers' ? 50 : 60_000
        await assertFails(context, url, { createConnection: create, handshakeTimeoutMs }, message)
      }
    })
  }

  it('destroys a stream that comes too late', async (context) => {
    const { port } = await server(context)
    const late = connect(port, '127.0.0.1')
    context.after(() => late.destroy())
    let give: (socket: Socket) => void = () => {}
    const create: Create = () => new Promise((resolve) => (give = resolve))
    const controller = new AbortController()
    const failed = outcome(context, 'ws://a.invalid/', { createConnection: create, signal: controller.signal })
    controller.abort()
    await failed
    const closed = once(late, 'close')
    give(late)
    await closed
  })
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { testAuthority } from 'twoway-testing/peers/authority.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { httpProxy, socksProxy } from 'twoway-testing/peers/proxies.js'
import { HandshakeError, TransportError, UsageError } from '../../core/errors.js'
import { version } from '../../core/version.js'
import { defineWebSocket } from '../websocket/websocket.js'
import type { WebSocket as WebSocketInterface, WebSocketOptions } from '../websocket/websocket-types.js'

const WebSocket = defineWebSocket(networks.find(({ name }) => name === 'TCP')!.clientPorts)
const authority = await testAuthority()
const certificate = await authority.issue()
const ca = authority.cert

type Answer = string | ((head: string, socket: Socket) => void)

/** A server that keeps the heads of its requests, and answers by their paths; 'accept' for a WebSocket. */
async function server(context: TestContext, answers: Readonly<Record<string, Answer>> = {}, tls?: TlsOptions) {
  const heads: string[] = []
  const onSocket = async (socket: Socket): Promise<void> => {
    const head = await readHead(socket)
    heads.push(head)
    const answer = answers[/^GET (\S+)/.exec(head)![1]!] ?? 'accept'
    if (typeof answer === 'function') answer(head, socket)
    else if (answer === 'accept') socket.write(acceptance(head))
    else socket.end(answer)
    socket.resume()
  }
  const { port, sockets } = await listenOnLoopback(context, (socket) => onSocket(socket).catch(() => {}), tls)
  return { heads, sockets, port, url: `${tls === undefined ? 'ws' : 'wss'}://127.0.0.1:${port}` }
}

function redirectTo(location: string, status = '302 Found'): string {
  return `HTTP/1.1 ${status}\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`
}

/** Resolves with the error of a handshake that fails; the events are the standard's. */
function failure(socket: WebSocketInterface): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let found: unknown
    socket.onopen = () => reject(new Error('it opened'))
    socket.onerror = (event) => {
      found = (event as { error?: unknown }).error
    }
    socket.onclose = ({ code, reason, wasClean }) => {
      assert.deepEqual([code, reason, wasClean], [1006, '', false])
      resolve(found)
    }
  })
}

async function handshakeFailure(url: string, options: WebSocketOptions = {}): Promise<HandshakeError> {
  const error = await failure(new WebSocket(url, options))
  assert.ok(error instanceof HandshakeError, String(error))
  return error
}

async function transportFailure(url: string, options: WebSocketOptions = {}): Promise<TransportError> {
  const error = await failure(new WebSocket(url, options))
  assert.ok(error instanceof TransportError, String(error))
  return error
}

/** Connects, and resolves with the first message. */
function firstMessage(url: string, options: WebSocketOptions = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, options)
    socket.onmessage = ({ data }) => {
      assert.equal(socket.url, new URL(url).href)
      resolve(data)
    }
    socket.onerror = (event) => reject((event as { error?: unknown }).error)
  })
}

describe('a server that answers with another status than 101', () => {
  async function refusedWith(context: TestContext, answer: Answer) {
    return handshakeFailure((await server(context, { '/': answer })).url)
  }

  it('is reported with status, headers and body', async (context) => {
    const answer = 'HTTP/1.1 503 Try Later\r\nRetry-After: 5\r\nContent-Length: 9\r\n\r\nüberlast and more'
    const error = await refusedWith(context, answer)
    assert.deepEqual([error.code, error.status, error.body], ['statusNot101', 503, 'überlast'])
    assert.equal(error.headers!.get('retry-after'), '5')
    assert.match(error.message, /: 503 Try Later \(RFC 6455 §4\.1\)$/)
  })

  it('may end its body by chunks or by the end of the connection, or have none', async (context) => {
    const head = 'HTTP/1.1 403 Forbidden\r\n'
    const chunks = `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n`
    assert.equal((await refusedWith(context, (_, socket) => socket.write(chunks))).body, 'no!')
    assert.equal((await refusedWith(context, `${head}\r\nno`)).body, 'no')
    assert.equal((await refusedWith(context, (_, socket) => socket.write(`${head}Content-Length: 0\r\n\r\n`))).body, '')
  })

  it('is reported with the part of a body that arrived before the connection broke off', async (context) => {
    const answer = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nno'
    assert.equal((await refusedWith(context, answer)).body, 'no')
    const reset: Answer = (_, socket) => {
      socket.write(answer, () => setTimeout(() => socket.resetAndDestroy(), 5))
    }
    assert.deepEqual((await refusedWith(context, reset)).status, 403)
  })

  it('is reported with the first 64 KiB of a long body, without a character that the limit cuts', async (context) => {
    const answer: Answer = (_, socket) => {
      socket.write('HTTP/1.1 500 Oh\r\n\r\n')
      socket.write(`x${'ü'.repeat(100_000)}`)
    }
    assert.equal((await refusedWith(context, answer)).body, `x${'ü'.repeat((64 << 9) - 1)}`)
  })

  it('is reported with the part of an endless body that arrived within the time for the handshake', async (context) => {
    const answer: Answer = (_, socket) => {
      socket.write('HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\nso far')
    }
    const { url } = await server(context, { '/': answer })
    // On a busy machine the answer itself can come later than that: then more time is given.
    for (let handshakeTimeoutMs = 100; ; handshakeTimeoutMs *= 10) {
      const error = await failure(new WebSocket(url, { handshakeTimeoutMs }))
      if (error instanceof TransportError && handshakeTimeoutMs < 10_000) continue
      assert.ok(error instanceof HandshakeError)
      assert.deepEqual([error.status, error.body], [500, 'so far'])
      break
    }
  })

  it('has its head in the error too if its 101 breaks a rule', async (context) => {
    const error = await refusedWith(context, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n')
    assert.deepEqual([error.code, error.status, error.body], ['upgradeNotWebSocket', 101, ''])
    assert.equal(error.headers!.get('upgrade'), 'h2c')
    const malformed = await refusedWith(context, 'SSH-2.0\r\n')
    assert.deepEqual([malformed.code, malformed.status, malformed.headers], ['responseMalformed', 0, undefined])
  })
})

describe('a server that does not answer', () => {
  it('is reported in words, with the system’s error as cause', async (context) => {
    const { port, server: listening } = await listenOnLoopback(context, () => {})
    await new Promise((resolve) => listening.close(resolve))
    const refused = await transportFailure(`ws://127.0.0.1:${port}`)
    assert.match(refused.message, /: the connection was refused; nothing listens there \(ECONNREFUSED\)$/)
    assert.equal((refused.cause as { code?: string }).code, 'ECONNREFUSED')
    const unknown = await transportFailure('ws://name.invalid')
    assert.match(unknown.message, /^can't connect to name\.invalid:80: the name (is unknown|could not be looked up)/)
    assert.ok(unknown.cause instanceof Error)
  })

  it('is reported if it ends or drops the connection', async (context) => {
    const ending = await listenOnLoopback(context, (socket) => socket.end().resume())
    assert.match((await transportFailure(`ws://127.0.0.1:${ending.port}`)).message, /^the server ended the connection/)
    const dropping = await listenOnLoopback(context, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    const dropped = await transportFailure(`ws://127.0.0.1:${dropping.port}`)
    assert.match(dropped.message, /the connection was reset \(ECONNRESET\)/)
  })

  it('is reported after handshakeTimeoutMs, with the stage that it did not complete', async (context) => {
    const { port } = await listenOnLoopback(context, (socket) => socket.resume())
    const silent = `127.0.0.1:${port}`
    for (const [url, options, stage] of [
      [`ws://${silent}`, {}, "waiting for the server's answer"],
      [`wss://${silent}`, {}, `in the TLS handshake with ${silent}`],
      ['ws://a.invalid', { proxy: `http://${silent}` }, `waiting for the proxy ${silent} to connect to a.invalid:80`],
      ['ws://a.invalid', { proxy: `https://${silent}` }, `in the TLS handshake with ${silent}, the proxy`],
      [
        'wss://a.invalid',
        { proxy: `socks5h://${silent}` },
        `waiting for the proxy ${silent} to connect to a.invalid:443`,
      ],
    ] as const) {
      const { message } = await transportFailure(url, { ...options, handshakeTimeoutMs: 300 })
      assert.equal(message, `the opening handshake timed out after 300 ms while ${stage}`)
    }
  })
})

describe('TLS', () => {
  it('verifies by the system’s authorities by default, and by the option ca if there is one', async (context) => {
    const { url, heads } = await server(context, {}, certificate)
    const error = await transportFailure(url)
    assert.match(error.message, /: its certificate is signed by no authority .* option ca \(UNABLE_TO_VERIFY_LEAF/)
    assert.deepEqual(heads, [])
    assert.equal(await firstMessage(url, { ca }), 'hello')
    assert.equal(
      await firstMessage(url, { ca: [(await testAuthority()).cert, Buffer.from(certificate.cert)] }),
      'hello',
    )
  })

  it('takes any certificate with rejectUnauthorized: false only', async (context) => {
    const { url } = await server(context, {}, certificate)
    assert.equal(await firstMessage(url, { rejectUnauthorized: false }), 'hello')
    assert.match((await transportFailure(url, { rejectUnauthorized: true })).message, /no authority/)
  })

  it('refuses a certificate for another name, or out of its time, and says so', async (context) => {
    const other = await server(context, {}, await authority.issue({ names: ['other.example'] }))
    assert.match((await transportFailure(other.url, { ca })).message, /for another name: .* servername/)
    assert.equal(await firstMessage(other.url, { ca, servername: 'other.example' }), 'hello')
    const [past, future] = [Date.now() - 864e5, Date.now() + 864e5]
    const old = await authority.issue({ notBefore: new Date(past - 1000), notAfter: new Date(past) })
    assert.match((await transportFailure((await server(context, {}, old)).url, { ca })).message, /has expired/)
    const early = await authority.issue({ notBefore: new Date(future), notAfter: new Date(future + 1000) })
    assert.match((await transportFailure((await server(context, {}, early)).url, { ca })).message, /not valid yet/)
  })

  it('names the host, or the option servername', async (context) => {
    const names: unknown[] = []
    const tls: TlsOptions = {
      ...certificate,
      SNICallback(name, callback) {
        names.push(name)
        callback(null)
      },
    }
    const { url } = await server(context, {}, tls)
    await firstMessage(url.replace('127.0.0.1', 'localhost'), { ca })
    await transportFailure(url, { ca, servername: 'other.example' })
    assert.deepEqual(names, ['localhost', 'other.example'])
  })

  it('presents cert and key if the server asks for a certificate, and explains if they are missing', async (context) => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { url } = await server(context, {}, { ...certificate, ca, requestCert: true, maxVersion })
      assert.equal(await firstMessage(url, { ca, ...certificate }), 'hello')
      assert.match((await transportFailure(url, { ca })).message, /asks for a client's certificate.* cert and key/)
    }
    const { url } = await server(context, {}, certificate)
    assert.match((await transportFailure(url, { ca, cert: 'x', key: 'y' })).message, /PEM text/)
  })

  it('explains that the other side does not speak it', async (context) => {
    const plain = await server(context, { '/': 'HTTP/1.1 400 Bad Request\r\n\r\n' })
    const answering = await listenOnLoopback(context, (socket) =>
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').resume(),
    )
    assert.match(
      (await transportFailure(`wss://127.0.0.1:${answering.port}`)).message,
      /does not speak TLS there: connect by ws:/,
    )
    assert.equal((await handshakeFailure(plain.url)).status, 400)
    const secure = await server(context, {}, certificate)
    const dropped = await transportFailure(secure.url.replace('wss', 'ws'))
    assert.match(dropped.message, /a server that speaks TLS may do so: then connect by wss:/)
    const alerting = await listenOnLoopback(context, (socket) =>
      socket.end(Buffer.from('15030100020246', 'hex')).resume(),
    )
    const alert = await handshakeFailure(`ws://127.0.0.1:${alerting.port}`)
    assert.match(alert.message, /the server speaks TLS here: connect by wss:/)
  })
})

describe('a proxy', () => {
  it('carries ws and wss, and is reported if it refuses', async (context) => {
    const plain = await server(context)
    const secure = await server(context, {}, certificate)
    for (const [scheme, start] of [
      ['http', httpProxy],
      ['socks5', socksProxy],
    ] as const) {
      const { port, targets } = await start(context, { credentials: 'me:pw' })
      const proxy = `${scheme}://me:pw@127.0.0.1:${port}`
      assert.equal(await firstMessage(plain.url, { proxy }), 'hello')
      assert.equal(await firstMessage(secure.url, { proxy, ca }), 'hello')
      assert.deepEqual(targets, [`127.0.0.1:${plain.port}`, `127.0.0.1:${secure.port}`])
      const refused = await transportFailure(plain.url, { proxy: proxy.replace('me:pw@', '') })
      assert.match(refused.message, /through the proxy .*: it asks for a user and a password/)
    }
    assert.ok([...plain.heads, ...secure.heads].every((head) => !/proxy/i.test(head)))
  })

  it('may send the server’s first bytes in one segment with its own answer', async (context) => {
    const { url } = await server(context)
    const proxy = await listenOnLoopback(context, async (socket) => {
      await readHead(socket)
      socket.write('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    })
    const error = await handshakeFailure(url, { proxy: `http://127.0.0.1:${proxy.port}` })
    assert.deepEqual([error.status, error.body], [403, 'no'])
  })

  it('is taken from the environment with "env" only', async (context) => {
    const { url } = await server(context)
    const { port, targets } = await httpProxy(context)
    const before = { ...process.env }
    context.after(() => {
      process.env = before
    })
    process.env = { ...before, http_proxy: `http://127.0.0.1:${port}`, no_proxy: '' }
    await firstMessage(url)
    assert.equal(targets.length, 0)
    await firstMessage(url, { proxy: 'env' })
    assert.equal(targets.length, 1)
    process.env.no_proxy = '127.0.0.1'
    await firstMessage(url, { proxy: 'env' })
    assert.equal(targets.length, 1)
  })
})

describe('a Unix socket', () => {
  async function unixServer(context: TestContext, answers: Readonly<Record<string, Answer>> = {}, tls?: TlsOptions) {
    const folder = await mkdtemp(join(tmpdir(), 'twoway-'))
    context.after(() => rm(folder, { recursive: true }))
    const path = join(folder, 'a socket:1')
    const { server: tcp, heads } = await serverOn(context, answers, tls)
    tcp.close()
    tcp.listen(path)
    await once(tcp, 'listening')
    return { path: encodeURIComponent(path).replaceAll('%2F', '/'), heads }
  }

  async function serverOn(context: TestContext, answers: Readonly<Record<string, Answer>>, tls?: TlsOptions) {
    const heads: string[] = []
    const listening = await listenOnLoopback(
      context,
      async (socket) => {
        const head = await readHead(socket)
        heads.push(head)
        const answer = answers[/^GET (\S+)/.exec(head)![1]!] ?? 'accept'
        socket.write(answer === 'accept' || typeof answer === 'function' ? acceptance(head) : answer)
        socket.resume()
      },
      tls,
    )
    return { ...listening, heads }
  }

  it('is reached by ws+unix: and wss+unix:, with localhost as Host', async (context) => {
    const plain = await unixServer(context)
    assert.equal(await firstMessage(`ws+unix:${plain.path}:/a/b?c`), 'hello')
    assert.match(plain.heads[0]!, /^GET \/a\/b\?c HTTP\/1\.1\r\nHost: localhost\r\n/)
    const secure = await unixServer(context, {}, certificate)
    assert.equal(await firstMessage(`wss+unix:${secure.path}:/`, { ca }), 'hello')
    assert.match((await transportFailure(`wss+unix:${secure.path}:/`)).message, /no authority/)
  })

  it('is reported if it does not exist, and is used with no proxy but that of the environment', async () => {
    const error = await transportFailure('ws+unix:/nowhere/a.sock:/')
    assert.equal(error.message, "can't connect to /nowhere/a.sock: there is no such socket (ENOENT)")
    assert.throws(() => new WebSocket('ws+unix:/nowhere/a.sock', { proxy: 'http://localhost' }), UsageError)
    assert.match((await transportFailure('ws+unix:/nowhere/a.sock', { proxy: 'env' })).message, /ENOENT/)
  })

  it('keeps to its socket through a redirect', async (context) => {
    const { path, heads } = await unixServer(context, { '/a': redirectTo('/b') })
    assert.equal(await firstMessage(`ws+unix:${path}:/a`, { maxRedirects: 1, headers: { 'X-A': 'b' } }), 'hello')
    assert.match(heads[1]!, /^GET \/b HTTP\/1\.1\r\n(?:.+\r\n)*X-A: b\r\n/)
  })
})

describe('a redirect', () => {
  const secrets: WebSocketOptions = {
    headers: { Authorization: 'Bearer secret', Cookie: 'a=secret', 'Proxy-Authorization': 'secret', 'X-Own': 'secret' },
  }

  it('is not followed by default, and the error says so', async (context) => {
    const { url, heads } = await server(context, { '/': redirectTo('/b') })
    const error = await handshakeFailure(url)
    assert.deepEqual([error.status, error.headers!.get('location')], [302, '/b'])
    assert.match(error.message, /302 Found; it redirects to ws:.*\/b, and redirects are followed only if maxRedirects/)
    assert.equal(heads.length, 1)
  })

  it('is followed up to maxRedirects times within an origin, with the same request', async (context) => {
    const { url, heads } = await server(context, {
      '/1': redirectTo('2?q', '301 Moved Permanently'),
      '/2?q': redirectTo('/3', '307 Temporary Redirect'),
      '/3': redirectTo('', '308 Permanent Redirect').replace('Location: ', 'Location: /4#fragment'),
    })
    const target = `${url.replace('://', '://us%40er:p%3Ass@')}/1`
    assert.equal(await firstMessage(target, { ...secrets, headers: { 'X-Own': 'mine' }, maxRedirects: 3 }), 'hello')
    const basic = Buffer.from('us@er:p:ss').toString('base64')
    assert.equal(heads.length, 4)
    for (const head of heads)
      assert.match(head, new RegExp(`\\r\\nAuthorization: Basic ${basic}\\r\\nX-Own: mine\\r\\n`))
    assert.match(heads[3]!, /^GET \/4 HTTP/)
    const keys = new Set(heads.map((head) => /Sec-WebSocket-Key: (.*)/.exec(head)![1]))
    assert.equal(keys.size, 4)
    const error = await handshakeFailure(`${url}/1`, { maxRedirects: 2 })
    assert.match(error.message, /308 Permanent Redirect; it redirects to .*\/4, beyond the 2 of maxRedirects/)
  })

  it('takes no credentials and no headers to another origin, nor back from there', async (context) => {
    const other = await server(context, { '/back': (_, socket) => socket.end(redirectTo(`${first.url}/home`)) })
    const first = await server(context, { '/': redirectTo(`${other.url}/back`) })
    const url = first.url.replace('://', '://user:secret@')
    assert.equal(await firstMessage(url, { ...secrets, maxRedirects: 2, protocols: [], origin: 'http://o' }), 'hello')
    assert.deepEqual([first.heads.length, other.heads.length], [2, 1])
    assert.ok(first.heads[0]!.includes('secret'))
    for (const head of [other.heads[0]!, first.heads[1]!]) {
      assert.ok(!/secret|authorization|cookie|x-own/i.test(head), head)
      assert.match(head, /\r\nOrigin: http:\/\/o\r\n/)
    }
    assert.match(other.heads[0]!, new RegExp(`\\r\\nHost: 127\\.0\\.0\\.1:${other.port}\\r\\n`))
  })

  it('takes another host, port or scheme for another origin', async (context) => {
    const secure = await server(context, {}, certificate)
    const plain = await server(context, {
      '/host': (_, socket) => socket.end(redirectTo(`http://localhost:${plain.port}/there`)),
      '/scheme': redirectTo(`https://127.0.0.1:${secure.port}/there`),
    })
    for (const path of ['/host', '/scheme']) {
      assert.equal(await firstMessage(plain.url + path, { ...secrets, ca, maxRedirects: 1 }), 'hello')
    }
    for (const head of [...plain.heads, ...secure.heads]) assert.equal(head.includes('secret'), !head.includes('there'))
  })

  it('shows no client certificate to another origin, and trusts it by ca only', async (context) => {
    const seen: boolean[] = []
    const tls: TlsOptions = { ...certificate, ca, requestCert: true, rejectUnauthorized: false }
    const note: Answer = (head, socket) => {
      const { subject } = (socket as unknown as { getPeerCertificate(): { subject?: object } }).getPeerCertificate()
      seen.push(subject !== undefined)
      socket.write(acceptance(head))
    }
    const other = await server(context, { '/there': note }, tls)
    const first = await server(context, { '/': redirectTo(`${other.url}/there`), '/there': note }, tls)
    const options: WebSocketOptions = { ...certificate, ca, maxRedirects: 1 }
    await firstMessage(first.url, options)
    await firstMessage(`${first.url}/there`, options)
    assert.deepEqual(seen, [false, true])
    const error = await transportFailure(first.url, { rejectUnauthorized: false, maxRedirects: 1 })
    assert.match(error.message, new RegExp(`can't connect to 127.0.0.1:${other.port}: .*no authority`))
  })

  it('is never followed from wss to ws', async (context) => {
    const plain = await server(context)
    const secure = await server(context, { '/': redirectTo(`${plain.url}/`) }, certificate)
    const error = await handshakeFailure(secure.url, { ca, maxRedirects: 10 })
    assert.equal(error.status, 302)
    assert.match(error.message, /it redirects from wss to ws:.*, which is not encrypted and not followed/)
    assert.deepEqual(plain.heads, [])
  })

  it('in a circle ends with an error', async (context) => {
    const { url, heads } = await server(context, { '/a': redirectTo('/b'), '/b': redirectTo('/a') })
    const error = await handshakeFailure(`${url}/a`, { maxRedirects: 10 })
    assert.match(error.message, /its redirects lead in a circle/)
    assert.equal(heads.length, 2)
  })

  it('that can not be followed is reported with its body', async (context) => {
    const { url } = await server(context, { '/': 'HTTP/1.1 302 Found\r\nLocation: ftp://a\r\n\r\nsee there' })
    const error = await handshakeFailure(url, { maxRedirects: 1 })
    assert.deepEqual([error.status, error.body], [302, 'see there'])
    assert.match(error.message, /it redirects to ftp:/)
  })

  it('does not prolong the time for the handshake', async (context) => {
    const silent: Answer = () => {}
    const { url } = await server(context, { '/': redirectTo('/b'), '/b': silent })
    const { message } = await transportFailure(url, { maxRedirects: 1, handshakeTimeoutMs: 100 })
    assert.match(message, /timed out after 100 ms/)
  })
})

describe('the User-Agent', () => {
  it('names the package and its version, unless the option or a header replaces it', async (context) => {
    const { url, heads } = await server(context)
    const cases: readonly (readonly [options: WebSocketOptions, values: readonly string[]])[] = [
      [{}, [`twoway/${version}`]],
      [{ userAgent: 'mine/1 (a; b)' }, ['mine/1 (a; b)']],
      [{ userAgent: '' }, []],
      [{ headers: { 'user-agent': 'header' } }, ['header']],
      [{ headers: { 'User-Agent': 'header' }, userAgent: 'option' }, ['header']],
    ]
    for (const [options, values] of cases) {
      await firstMessage(url, options)
      assert.deepEqual(
        Array.from(heads.at(-1)!.matchAll(/^user-agent: (.*?)\r$/gim), ([, value]) => value),
        values,
      )
    }
    assert.throws(() => new WebSocket(url, { userAgent: 'a\nb' }), { name: 'UsageError', code: 'headerInvalid' })
  })

  it('goes to another origin too, unless it is a header', async (context) => {
    const other = await server(context)
    const first = await server(context, { '/': redirectTo(other.url) })
    await firstMessage(first.url, { maxRedirects: 1, userAgent: 'option' })
    await firstMessage(first.url, { maxRedirects: 1, headers: { 'User-Agent': 'header' } })
    assert.deepEqual(
      other.heads.map((head) => /User-Agent: (.*)\r/.exec(head)![1]),
      ['option', `twoway/${version}`],
    )
  })
})

describe('an AbortSignal', () => {
  it('ends connecting at every stage, with its reason as cause, and leaves nothing behind', async (context) => {
    const silent = await listenOnLoopback(context, (socket) => socket.resume())
    const waiting: Answer = () => {}
    const body: Answer = (_, socket) => {
      socket.write('HTTP/1.1 500 Oh\r\n\r\nso far')
    }
    const answering = await server(context, { '/': waiting, '/body': body, '/redirect': redirectTo('/') })
    const proxy = await httpProxy(context, { answer: '' })
    const through = await httpProxy(context)
    const quiet = `127.0.0.1:${silent.port}`
    const cases: readonly (readonly [url: string, options: WebSocketOptions])[] = [
      ['ws://name.invalid', {}],
      [answering.url, {}],
      [`${answering.url}/body`, {}],
      [`${answering.url}/redirect`, { maxRedirects: 1 }],
      [`wss://${quiet}`, {}],
      ['ws://a.invalid', { proxy: `http://${quiet}` }],
      ['ws://a.invalid', { proxy: `http://127.0.0.1:${proxy.port}` }],
      ['ws://a.invalid', { proxy: `https://${quiet}` }],
      ['ws://a.invalid', { proxy: `socks5h://${quiet}` }],
      [`wss://${quiet}`, { proxy: `http://127.0.0.1:${through.port}` }],
      [answering.url, { proxy: `http://127.0.0.1:${through.port}` }],
    ]
    const program = `
      import { WebSocket } from ${JSON.stringify(new URL('../../entries/client.js', import.meta.url).href)}
      const results = []
      for (const delay of [-1, 0, 60]) for (const [url, options] of ${JSON.stringify(cases)}) {
        const controller = new AbortController()
        if (delay < 0) controller.abort(new Error('enough'))
        const socket = new WebSocket(url, { ...options, signal: controller.signal, handshakeTimeoutMs: 600_000 })
        if (delay >= 0) setTimeout(() => controller.abort(new Error('enough')), delay)
        socket.onerror = ({ error }) => results.push(error.name + ' ' + error.message + ' ' + error.cause)
        socket.onclose = () => console.log(results.length)
      }
      process.on('exit', () => console.log(JSON.stringify(results)))`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 60_000,
    })
    let output = ''
    child.stdout.on('data', (data) => {
      output += data
    })
    const [code] = await once(child, 'close')
    assert.equal(code, 0, output)
    const results: string[] = JSON.parse(output.trim().split('\n').at(-1)!)
    const others = results.filter((result) => result !== 'TransportError connecting was aborted Error: enough')
    // A name that is known to be unknown at once may come first.
    assert.ok(others.length <= 1 && others.every((result) => result.includes('name.invalid')), others.join('\n'))
    assert.equal(results.length, 3 * cases.length)
  })

  it('has no effect and is not listened to once the connection is open', async (context) => {
    const { url } = await server(context)
    const controller = new AbortController()
    const socket = new WebSocket(url, { signal: controller.signal })
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
    controller.abort()
    assert.equal(socket.readyState, socket.OPEN)
  })
})

describe('the options maxMessageBytes and closeTimeoutMs', () => {
  it('limit a message and the wait for the server’s Close', async (context) => {
    const { url } = await server(context)
    const tooLong = new WebSocket(url, { maxMessageBytes: 4 })
    const [event] = (await once(tooLong as never, 'error')) as [{ error: { code: string } }]
    assert.equal(event.error.code, 'messageTooBig')
    const unanswered = new WebSocket(url, { closeTimeoutMs: 20 })
    unanswered.onopen = () => unanswered.close()
    const [closed] = (await once(unanswered as never, 'close')) as [{ wasClean: boolean }]
    assert.equal(closed.wasClean, false)
  })
})

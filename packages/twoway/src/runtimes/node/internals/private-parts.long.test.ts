import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import process from 'node:process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import type { TransportPath, TransportReport } from '../../../ports/transport-report.js'
import { whyOnlyStreams } from '../transport/shared-reading.js'

const entry = (name: string): string => JSON.stringify(new URL(`../../../entries/${name}.js`, import.meta.url).href)

/**
 * Echoes by each way in: a server of ours, one under TLS, one beside an app, and one whose upgrades are taken early. Prints how
 * the bytes of the first three travel, those of the client, and how many upgrades were taken early.
 */
const program = `
import { createHash } from 'node:crypto'
import { createServer, get } from 'node:http'
import { subscribe } from 'node:diagnostics_channel'
const { serve, attach } = await import(${entry('server')})
const { WebSocket } = await import(${entry('client')})
const { fromDuplex, takeUpgrades, tryToTakeHandles } = await import(${entry('streams')})
const clients = []
subscribe('twoway:connect', ({ transport }) => clients.push(transport.path))
const { cert, key } = JSON.parse(process.env.CERTIFICATE)
const options = { perMessageDeflate: true, message: (socket, message) => socket.send(message) }
const text = 'née 😀 ' 
const messages = ['plain', 'x'.repeat(200), text, text.repeat(400), 'y'.repeat(300000), Uint8Array.from({ length: 100000 }, (_, at) => at)]
async function echo(url, perMessageDeflate) {
  const socket = new WebSocket(url, { perMessageDeflate, ca: cert })
  socket.binaryType = 'arraybuffer'
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = ({ message }) => reject(new Error(url + ': ' + message))
  })
  for (const message of messages) {
    const answer = new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => resolve(data)
      socket.onclose = ({ code, reason }) => reject(new Error(url + ' closed: ' + code + ' ' + reason))
    })
    socket.send(message)
    const data = await answer
    const isSame = typeof message === 'string'
      ? data === message
      : data.byteLength === message.length && new Uint8Array(data).every((byte, at) => byte === message[at])
    if (!isSame) throw new Error(url + ' echoed something else than ' + String(message).slice(0, 20))
  }
  const closed = new Promise((resolve) => { socket.onclose = resolve })
  socket.close(1000, 'née')
  const { wasClean, reason } = await closed
  if (!wasClean || reason !== 'née') throw new Error(url + ' did not close in order')
}
const http = createServer()
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve))
const earlyHttp = createServer((request, response) => response.end('answered'))
await new Promise((resolve) => earlyHttp.listen(0, '127.0.0.1', resolve))
const answerTo = ({ headers }) => [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: ' + createHash('sha1').update(headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64'),
  '',
  '',
].join('\\r\\n')
const begin = (socket, head) => {
  const connection = fromDuplex(socket, { role: 'server', head, takesHandle: true, message: (message) => void connection.send(message) })
}
earlyHttp.on('upgrade', (request, socket, head) => {
  socket.write(answerTo(request))
  begin(socket, head)
})
await tryToTakeHandles()
let early = 0
takeUpgrades(earlyHttp, () => true, (request, accept) => {
  begin(accept(answerTo(request)))
  early += 1
})
const servers = {
  plain: await serve({ ...options, port: 0, host: '127.0.0.1' }),
  tls: await serve({ ...options, port: 0, host: 'localhost', tls: { cert, key } }),
  attached: attach(http, options),
}
// The result of attach's trial is known before an upgrade comes.
await new Promise((resolve) => setImmediate(resolve))
for (const perMessageDeflate of [false, true]) {
  for (const { url } of Object.values(servers)) await echo(url, perMessageDeflate)
}
const earlyPort = earlyHttp.address().port
await echo('ws://127.0.0.1:' + earlyPort, false)
const answered = await new Promise((resolve) => get({ host: '127.0.0.1', port: earlyPort, agent: false }, (response) => response.on('data', resolve)))
if (String(answered) !== 'answered') throw new Error('the server of early upgrades answers ' + answered)
await new Promise((resolve) => earlyHttp.close(resolve))
const reports = Object.entries(servers).map(([name, server]) => [name, server.metrics().transport])
await Promise.all(Object.values(servers).map((server) => server.close()))
await new Promise((resolve) => http.close(resolve))
console.log(JSON.stringify({ ...Object.fromEntries(reports), clients, early }))
`

interface Travelled {
  readonly plain: TransportReport
  readonly tls: TransportReport
  readonly attached: TransportReport
  readonly clients: readonly TransportPath[]
  readonly early: number
}

interface PrivatePart {
  /** The change to Node before the library is imported. */
  readonly preload: string
  /** The transport of plain connections. */
  readonly plain: 'handle' | 'stream'
  /** The transport of connections to a server under TLS. */
  readonly tls: 'sharedRead' | 'stream'
  /** The text of the reasons; undefined if only a check is left out and no other path is taken. */
  readonly reason: RegExp | undefined
  /** The upgrades that are taken early, of one: none without handles. */
  readonly early?: 0
}

const change = `
import { EventEmitter } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import http from 'node:http'
import zlib from 'node:zlib'
const wrap = process.binding('stream_wrap')
const { binding } = process
const handles = Object.getPrototypeOf(process.binding('tcp_wrap').TCP.prototype)
/** Has process.binding give another value. */
function bind(name, value) { process.binding = (asked) => asked === name ? value : binding.call(process, asked) }
/** Changes a method of handles for the library, and for it alone. */
function method(name, changed) {
  const original = handles[name]
  handles[name] = function (...args) {
    return (isLibrary() ? changed : original).apply(this, args)
  }
}
const isLibrary = () => /twoway.dist.runtimes/.test(new Error().stack.split('\\n')[3])
/** Hides a property from the library, and from it alone. */
function hide(target, name, shown) {
  const inherited = target[name]
  const values = new WeakMap()
  Object.defineProperty(target, name, {
    get() { return isLibrary() ? shown : values.has(this) ? values.get(this) : inherited },
    set(value) { values.set(this, value) },
  })
}
/** The same of each socket, before it is told of. */
function hideHandles() {
  const { emit } = EventEmitter.prototype
  EventEmitter.prototype.emit = function (...args) {
    for (const each of [this, ...args]) {
      if (!(each instanceof net.Socket) || Object.hasOwn(each, '_handle')) continue
      const prototype = Object.getPrototypeOf(each)
      Object.defineProperty(each, '_handle', {
        get() { return isLibrary() ? undefined : Reflect.get(prototype, '_handle', this) },
        set(value) { Reflect.set(prototype, '_handle', value, this) },
      })
    }
    return emit.apply(this, args)
  }
}
Error.stackTraceLimit = 4
`

const onStreams = { plain: 'stream', tls: 'stream' } as const
const onHandles = { plain: 'handle', tls: 'sharedRead' } as const

const privateParts: Readonly<Record<string, PrivatePart>> = {
  'process.binding is gone': {
    preload: 'delete process.binding; process.binding = undefined',
    ...onStreams,
    reason: /connections use streams: process\.binding\('stream_wrap'\) is not available: .*not a function/,
  },
  'process.binding throws': {
    preload: "process.binding = () => { throw new Error('no such module') }",
    ...onStreams,
    reason: /is not available: no such module/,
  },
  'stream_wrap has no WriteWrap': {
    preload: "bind('stream_wrap', { ...wrap, WriteWrap: undefined })",
    ...onStreams,
    reason: /'stream_wrap'\) has an unknown shape/,
  },
  'the state of streams is no array of integers': {
    preload: "bind('stream_wrap', { ...wrap, streamBaseState: [...wrap.streamBaseState] })",
    ...onStreams,
    reason: /'stream_wrap'\) has an unknown shape/,
  },
  'the length of a read is elsewhere': {
    preload: "bind('stream_wrap', { ...wrap, kReadBytesOrError: wrap.kLastWriteWasAsync })",
    ...onStreams,
    reason: /connections use streams: /,
  },
  'whether a write goes on is elsewhere': {
    preload: "bind('stream_wrap', { ...wrap, kLastWriteWasAsync: wrap.kReadBytesOrError })",
    ...onStreams,
    reason: /does not tell that a write goes on/,
  },
  'tcp_wrap is gone': { preload: "bind('tcp_wrap', undefined)", ...onStreams, reason: /connections use streams: / },
  'writeBuffer fails': { preload: "method('writeBuffer', () => -32)", ...onStreams, reason: /returns -32/ },
  'writeBuffer throws': {
    preload: "method('writeBuffer', () => { throw new Error('not like this') })",
    ...onStreams,
    reason: /not like this/,
  },
  'writev writes nothing': { preload: "method('writev', () => 0)", ...onStreams, reason: /did not come back/ },
  'writev is gone': { preload: "hide(handles, 'writev')", ...onStreams, reason: /TCP handle has an unknown shape/ },
  'reading never begins': { preload: "method('readStart', () => 0)", ...onStreams, reason: /did not come back/ },
  'useUserBuffer does nothing': {
    preload: "method('useUserBuffer', () => {})",
    ...onStreams,
    reason: /connections use streams: /,
  },
  'useUserBuffer is gone': {
    preload: "hide(handles, 'useUserBuffer')",
    ...onStreams,
    reason: /TCP handle has an unknown shape/,
  },
  'writeQueueSize is gone': {
    preload: "Object.defineProperty(process.binding('tcp_wrap').TCP.prototype, 'writeQueueSize', { value: undefined })",
    ...onStreams,
    reason: /TCP handle has an unknown shape/,
  },
  'shutdown never ends': { preload: "method('shutdown', () => 0)", ...onStreams, reason: /did not come back/ },
  'no descriptor was left for the first trial, and the next server makes it again': {
    preload: `
      const { prototype } = process.binding('tcp_wrap').TCP
      const original = prototype.bind
      let left = 1
      prototype.bind = function (...args) { return isLibrary() && left-- > 0 ? -24 : original.apply(this, args) }`,
    ...onHandles,
    reason: undefined,
    early: 0,
  },
  'a server has no _handle': {
    preload: "hide(net.Server.prototype, '_handle')",
    ...onHandles,
    early: 0,
    reason: /makes a socket of each connection first: the handle of a server has an unknown shape/,
  },
  'a listening handle has no onconnection': {
    preload: "hide(net.Server.prototype, '_handle', {})",
    ...onHandles,
    early: 0,
    reason: /makes a socket of each connection first: the handle of a server has an unknown shape/,
  },
  'a listening handle calls something else than onconnection': {
    preload: "hide(net.Server.prototype, '_handle', { onconnection() {} })",
    ...onHandles,
    early: 0,
    reason: /makes sockets all the same/,
  },
  'a socket has no _handle': {
    preload: 'hideHandles()',
    plain: 'handle',
    tls: 'stream',
    reason: /TLS sockets read by events: the handle of a TLSSocket has an unknown shape/,
  },
  'a read comes without its bytes': {
    preload: `
      const { readStart } = handles
      method('readStart', function () {
        const { onread } = this
        this.onread = function () { return onread.call(this) }
        return readStart.call(this)
      })`,
    ...onStreams,
    reason: /connections use streams: /,
  },
  'a request has no _addHeaderLines': {
    preload: "hide(http.IncomingMessage.prototype, '_addHeaderLines')",
    ...onHandles,
    reason: undefined,
    early: 0,
  },
  '_addHeaderLines does nothing': {
    preload: "hide(http.IncomingMessage.prototype, '_addHeaderLines', () => {})",
    ...onHandles,
    reason: undefined,
    early: 0,
  },
  'a server has no _connections': {
    preload: "hide(net.Server.prototype, '_connections')",
    ...onHandles,
    reason: undefined,
    early: 0,
  },
  'a TLSSocket has no _parent': {
    preload: "hide(tls.TLSSocket.prototype, '_parent')",
    ...onHandles,
    reason: undefined,
  },
  'node:http has no _connectionListener': {
    preload: 'delete http._connectionListener',
    ...onHandles,
    reason: undefined,
  },
  'node:http keeps no _httpMessage': {
    preload: "hide(net.Socket.prototype, '_httpMessage')",
    ...onHandles,
    reason: undefined,
  },
  'a stream of zlib has no _handle': {
    preload: "for (const each of [zlib.DeflateRaw, zlib.InflateRaw]) hide(each.prototype, '_handle')",
    ...onHandles,
    reason: /by a new context each: /,
  },
  'a stream of zlib has no _writeState': {
    preload: "for (const each of [zlib.DeflateRaw, zlib.InflateRaw]) hide(each.prototype, '_writeState')",
    ...onHandles,
    reason: /by a new context each: /,
  },
  'writeSync of zlib does nothing': {
    preload: `
      const handle = zlib.createDeflateRaw()._handle
      Object.getPrototypeOf(handle).writeSync = () => {}`,
    ...onHandles,
    reason: /by a new context each: /,
  },
  ...Object.fromEntries(
    ['latin1Slice', 'utf8Slice', 'ucs2Slice', 'utf8Write'].flatMap((name): [string, PrivatePart][] => {
      const reason = new RegExp(`by TextEncoder and TextDecoder: Buffer\\.prototype\\.${name}: `)
      return [
        [`Buffer has no ${name}`, { preload: `hide(Buffer.prototype, '${name}')`, ...onHandles, reason }],
        [
          `Buffer's ${name} does something else`,
          { preload: `hide(Buffer.prototype, '${name}', () => '')`, ...onHandles, reason },
        ],
      ]
    }),
  ),
}

async function travel(preload: string): Promise<Travelled> {
  const certificate = JSON.stringify(await selfSignedCertificate())
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_PENDING_DEPRECATION: '',
    TWOWAY_TRANSPORT: '',
    CERTIFICATE: certificate,
  }
  const args = [
    `--import=data:text/javascript,${encodeURIComponent(change + preload)}`,
    '--input-type=module',
    '--eval',
    program,
  ]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

describe('where private parts of Node', { concurrency: 3, skip: whyOnlyStreams !== undefined }, () => {
  it('are as they are known, all are used', async () => {
    const { plain, tls, attached, clients, early } = await travel('')
    assert.deepEqual(
      [plain, tls, attached],
      [
        { path: 'handle', reasons: [] },
        { path: 'sharedRead', reasons: [] },
        { path: 'handle', reasons: [] },
      ],
    )
    assert.deepEqual(clients, ['handle', 'sharedRead', 'handle', 'handle', 'sharedRead', 'handle', 'handle'])
    assert.equal(early, 1)
  })

  for (const [what, { preload, plain, tls, reason, early = plain === 'handle' ? 1 : 0 }] of Object.entries(
    privateParts,
  )) {
    it(`are not, echoes come by the ordinary way, and metrics say so: ${what}`, async () => {
      const travelled = await travel(preload)
      assert.equal(travelled.plain.path, plain, JSON.stringify(travelled))
      assert.equal(travelled.attached.path, plain)
      assert.equal(travelled.tls.path, tls, JSON.stringify(travelled))
      assert.equal(travelled.early, early)
      const { reasons } = travelled.plain
      if (reason === undefined) assert.deepEqual(reasons, [])
      else assert.match(reasons.join('\n'), reason)
    })
  }
})

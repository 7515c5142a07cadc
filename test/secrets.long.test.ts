import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { WebSocket, WebSocketStream } from 'twoway'
import { startTwoway } from './echo-process.js'

const secret = 'hunter2-S3CR3T'
const env = { ...process.env, TWOWAY_HOME: '/nonexistent', NO_COLOR: '1', http_proxy: '', no_proxy: '' }

/** Refuses every request: as a server with 401, as a proxy with 407. */
let server: Server
let port: number

before(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      const status = String(bytes).startsWith('CONNECT') ? '407 Proxy Authentication Required' : '401 Unauthorized'
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

after(() => server.close())

const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`

describe('the command repeats no secret', { concurrency: 4 }, () => {
  /** `PORT` is replaced by the port of the server. */
  const wrong: readonly (readonly string[])[] = [
    ['connect', `ws://user:${secret}@127.0.0.1:PORT/`],
    ['connect', `ws://user:${secret}@127.0.0.1:PORT/`, '--json'],
    ['connect', `ftp://user:${secret}@127.0.0.1/`],
    ['connect', `user:${secret}@host:port`],
    ['connect', `ftp://host/?token=${secret}`],
    ['connect', `ws://host/#${secret}`],
    ['connect', 'PORT', '--proxy', `http://user:${secret}@127.0.0.1:PORT`],
    ['connect', 'PORT', '--proxy', `ftp://user:${secret}@127.0.0.1`],
    ['connect', 'PORT', '-H', `Authorization Bearer ${secret}`],
    ['connect', 'PORT', '-H', `Authorization\u0000: ${secret}`.replace('\u0000', '(')],
    ['connect', 'PORT', '-H', `Authorization: Bearer ${secret}\u0001`],
    ['connect', 'PORT', '-s', `Bearer ${secret}`],
    ['connect', 'PORT', '--ca', pem],
    ['connect', 'PORT', `--tokn=${secret}`],
    ['connect', 'PORT', '--expect', secret],
    ['connect', 'PORT', '--binary', secret],
    ['bench', `ws://user:${secret}@127.0.0.1:PORT/`, '-c', '1', '--json'],
    ['bench', 'PORT', '-c', '1', '--proxy', `http://user:${secret}@127.0.0.1:PORT`],
    ['bench', `ws://user:${secret}@127.0.0.1:PORT:x/`],
    ['listen', '--port', '0', '--tls', '--cert', pem, '--key', pem],
    [`ws://user:${secret}@127.0.0.1:PORT/`],
  ]
  for (const args of wrong) {
    it(`twoway ${args.join(' ').replaceAll(secret, '…').replaceAll('\n', ' ').replace('\u0001', '')}`, async () => {
      const { code, stdout, stderr } = await startTwoway(
        args.map((word) => word.replace('PORT', String(port))),
        { env },
      ).ended
      assert.notEqual(code, 0)
      assert.doesNotMatch(stdout + stderr, new RegExp(secret))
      assert.match(stderr, /^twoway: .+\n$/)
    })
  }
})

describe("the library's errors repeat no secret", () => {
  const handshakes: { readonly [what: string]: (url: string) => readonly [url: string, options: object] } = {
    'of a URL that is refused with 401': () => [`ws://user:${secret}@127.0.0.1:${port}/?token=${secret}`, {}],
    'of a proxy that refuses them': (url) => [url, { proxy: `http://user:${secret}@127.0.0.1:${port}` }],
    'of a SOCKS proxy that is none': (url) => [url, { proxy: `socks5://user:${secret}@127.0.0.1:${port}` }],
    'in a header that is refused': (url) => [url, { headers: { Authorization: `Bearer ${secret}` } }],
  }
  for (const [what, of] of Object.entries(handshakes)) {
    it(what, async () => {
      const [target, options] = of(`ws://127.0.0.1:${port}/`)
      const error = await new WebSocketStream(target, options).opened.then(
        () => assert.fail('it opened'),
        (reason: unknown) => reason,
      )
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), new RegExp(secret))
    })
  }

  const url = 'ws://127.0.0.1:1/'
  const options: { readonly [what: string]: object } = {
    'headers that are a line': { headers: `Authorization: Bearer ${secret}` },
    "a header's line as its name": { headers: { [`Authorization: Bearer ${secret}`]: '' } },
    'a header with a line break': { headers: { Authorization: `Bearer ${secret}\n` } },
    'a key that is none': { cert: 'x', key: { pem: secret } },
    'a key given as ca': { ca: { pem } },
    'a proxy with a path': { proxy: `http://user:${secret}@host/path` },
    'a subprotocol with a space': { protocols: [`Bearer ${secret}`] },
  }
  for (const [what, given] of Object.entries(options)) {
    it(`of an option: ${what}`, () => {
      assert.throws(
        () => new WebSocket(url, given),
        (error) => {
          assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), new RegExp(secret))
          return true
        },
      )
    })
  }
})

import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { constants, deflateRawSync } from 'node:zlib'
import { WebSocket } from 'twoway'
import { type ClientOptions, WebSocket as WsClient } from 'ws'
import { holds, same } from '../whatwg/expect.js'
import type { ServerAddresses, ServerCase } from './server-case.js'

const mebibyte = 1 << 20
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='

/** The request of a handshake, line by line. */
function linesOf(url: string, path = '/'): string[] {
  const { host } = new URL(url)
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    key,
    'Sec-WebSocket-Version: 13',
  ]
}

function requestOf(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Broken handshakes, and the status that refuses each. */
const refusals: readonly [what: string, status: number, change: (lines: string[]) => string[]][] = [
  ['no GET', 405, ([, ...rest]) => ['POST / HTTP/1.1', ...rest]],
  ['HTTP/1.0', 400, ([, ...rest]) => ['GET / HTTP/1.0', ...rest]],
  ['no key', 400, (lines) => lines.filter((line) => line !== key)],
  ['two keys', 400, (lines) => [...lines, key]],
  ['a key of 3 bytes', 400, (lines) => lines.map((line) => (line === key ? 'Sec-WebSocket-Key: AAAA' : line))],
  ['another version', 426, (lines) => lines.map((line) => line.replace(': 13', ': 12'))],
  ['no Connection', 400, (lines) => lines.map((line) => line.replace(': Upgrade', ': close'))],
  ['two Hosts', 400, (lines) => [...lines, 'Host: other']],
  ['no Host', 400, (lines) => lines.filter((line) => !line.startsWith('Host'))],
  ['a body', 400, (lines) => [...lines, 'Content-Length: 3']],
  ["another site's Origin", 403, (lines) => [...lines, 'Origin: https://evil.example']],
  [
    'a Host that is not this machine',
    421,
    (lines) => lines.map((line) => line.replace(/^Host.*/, 'Host: evil.example')),
  ],
]

export const serverCases: readonly ServerCase[] = [
  {
    name: 'echoes text and binary of every length of header, up to 16 MiB',
    async run({ url }) {
      const client = await opened(url)
      for (const length of [0, 1, 125, 126, 65_535, 65_536, mebibyte, 16 * mebibyte]) {
        const bytes = Buffer.alloc(length, 'twoway')
        client.send(bytes)
        const binary = await message(client)
        holds(binary.isBinary && binary.data.equals(bytes), `${length} bytes come back`)
        client.send(bytes.toString())
        const text = await message(client)
        holds(!text.isBinary && text.data.equals(bytes), `a text of ${length} comes back`)
      }
      await closed(client)
    },
  },
  {
    name: 'echoes to our own client, text beyond ASCII and a Blob',
    async run({ url }) {
      const client = new WebSocket(url)
      await new Promise<unknown>((resolve, reject) => Object.assign(client, { onopen: resolve, onerror: reject }))
      client.binaryType = 'arraybuffer'
      const log: unknown[] = []
      const both = new Promise<void>((resolve) => {
        client.onmessage = ({ data }) => {
          log.push(typeof data === 'string' ? data : (data as ArrayBuffer).byteLength)
          if (log.length === 2) resolve()
        }
      })
      client.send('grüß 🌍')
      client.send(new Blob([new Uint8Array(100_000)]))
      await both
      same(log, ['grüß 🌍', 100_000])
      client.close()
    },
  },
  {
    name: 'assembles fragments, and answers pings between them',
    async run({ url }) {
      const client = await opened(url)
      const pongs: string[] = []
      client.on('pong', (data) => pongs.push(String(data)))
      for (const [at, part] of ['a', 'bc', 'd'].entries()) {
        client.send(part, { fin: at === 2 })
        client.ping(part)
      }
      same(String((await message(client)).data), 'abcd')
      client.send('again')
      await message(client)
      holds(pongs.includes('d'), 'the last ping is answered')
      await closed(client)
    },
  },
  {
    name: 'agrees on a subprotocol, and sends header fields of the handler',
    async run({ url }) {
      const client = new WsClient(`${url}/fields`, ['one', 'two'])
      let field: unknown
      client.once('upgrade', ({ headers }) => {
        field = headers['x-path']
      })
      await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject))
      same([field, client.protocol], ['/fields', 'two'])
      await closed(client)
    },
  },
  {
    name: 'refuses with a Response of the handler, and with 500 if it throws',
    async run({ url }) {
      const refused = await answerTo(url, requestOf(linesOf(url, '/refuse')))
      holds(/^HTTP\/1\.1 403 /.test(refused) && /X-Why: because/i.test(refused), `it is refused: ${refused}`)
      holds(refused.endsWith('\r\n\r\nnot you'), 'the body comes whole')
      holds((await answerTo(url, requestOf(linesOf(url, '/throw')))).startsWith('HTTP/1.1 500 '), 'it is a 500')
    },
  },
  {
    name: 'passes on what fetch gives, without the fields of its connection and its coding',
    async run({ url }) {
      for (const as of ['gzip', 'chunked']) {
        const answer = await answerTo(url, requestOf(linesOf(url, `/fetched?as=${as}`)))
        holds(/^HTTP\/1\.1 403 /.test(answer) && answer.endsWith('\r\n\r\nnot you'), `it is passed on: ${answer}`)
        holds(/^content-length: 7\r$/im.test(answer), `its length is that of the body: ${answer}`)
        same(answer.match(/^connection: .*$/gim), ['Connection: close'])
        holds(!/^(?:content-encoding|transfer-encoding|keep-alive|trailer):/im.test(answer), `no others: ${answer}`)
        if (as === 'chunked')
          same(
            answer.match(/^set-cookie: .*$/gim)?.map((line) => line.slice(12)),
            ['a=1, b', 'c=2'],
          )
      }
    },
  },
  {
    name: 'answers 400 where the handler chooses a subprotocol that the client does not offer',
    async run({ url }) {
      const answer = await answerTo(url, requestOf(linesOf(url, '/unoffered')))
      holds(/^HTTP\/1\.1 400 [\s\S]*subprotocol "unoffered"/.test(answer), `it is named: ${answer}`)
    },
  },
  {
    name: 'shows its objects in console.log, and not their parts',
    async run({ url }) {
      const client = await opened(`${url}/shown`)
      client.send('show')
      const text = String((await message(client)).data)
      for (const part of [
        'ServerSocket {',
        'Server {',
        'IncomingRequest {',
        'HeaderFields {',
        'isReady: true',
        'OPEN',
      ]) {
        holds(text.includes(part), `${part} in ${text}`)
      }
      holds(!/Symbol\(|settings|transport/i.test(text), `nothing else: ${text}`)
      await closed(client)
    },
  },
  {
    name: 'fails a compressed message that is cut within a block with 1007, with context takeover',
    async run({ takeoverUrl }) {
      const text = Array.from({ length: 3000 }, (_, index) => `${index * 7919}`).join(' ')
      const packed = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH })
      for (const length of [126, 1000, packed.length >> 1]) {
        const extension = 'Sec-WebSocket-Extensions: permessage-deflate'
        const socket = raw(takeoverUrl, requestOf([...linesOf(takeoverUrl), extension]))
        const frame = Buffer.alloc(8 + length)
        frame.writeUInt16BE(0xc1fe, 0)
        frame.writeUInt16BE(length, 2)
        packed.copy(frame, 8, 0, length)
        socket.write(frame)
        same(closeCodeIn(await until(socket, (bytes) => closeCodeIn(bytes) > 0)), 1007, String(length))
        socket.destroy()
      }
    },
  },
  ...refusals.map(([what, status, change]) => ({
    name: `answers ${status} to a handshake with ${what}`,
    async run({ url }: ServerAddresses) {
      const answer = await answerTo(url, requestOf(change(linesOf(url))))
      holds(answer.startsWith(`HTTP/1.1 ${status} `), `it is a ${status}: ${answer}`)
      holds(/\r\n\r\n.*\(RFC \d+ §/.test(answer), `it says why: ${answer}`)
    },
  })),
  {
    name: 'answers 431 to a head that is too long, and to one of too many fields',
    async run({ narrowUrl }) {
      const lines = linesOf(narrowUrl)
      const many = [...lines, ...Array.from({ length: 16 }, (_, at) => `X-${at}: y`)]
      const long = [...lines, `X-Long: ${'x'.repeat(2000)}`]
      for (const each of [many, long]) {
        const answer = await answerTo(narrowUrl, requestOf(each))
        holds(answer.startsWith('HTTP/1.1 431 '), `it is a 431: ${answer}`)
      }
      const fit = [...lines, ...Array.from({ length: 15 }, (_, at) => `X-${at}: y`)]
      const socket = raw(narrowUrl, requestOf(fit))
      holds((await firstOf(socket)).startsWith('HTTP/1.1 101 '), 'one of as many as are allowed is taken')
      socket.destroy()
    },
  },
  {
    name: 'answers 400 to bytes that are not HTTP',
    async run({ url }) {
      const answer = await answerTo(url, 'garbage\r\n\r\n')
      holds(answer.startsWith('HTTP/1.1 400 '), `it is a 400: ${answer}`)
    },
  },
  {
    name: 'answers 408 to a head that does not arrive in time',
    async run({ narrowUrl }) {
      const answer = await answerTo(narrowUrl, 'GET / HTTP/1.1\r\nHost: a\r\n')
      holds(answer.startsWith('HTTP/1.1 408 '), `it is a 408: ${answer}`)
    },
  },
  {
    name: 'answers 503 above maxConnections, and accepts the next one when a connection has closed',
    async run({ narrowUrl }) {
      const clients = [await opened(narrowUrl), await opened(narrowUrl)]
      const answer = await answerTo(narrowUrl, requestOf(linesOf(narrowUrl)))
      holds(answer.startsWith('HTTP/1.1 503 '), `it is a 503: ${answer}`)
      await closed(clients[0]!)
      clients.push(await opened(narrowUrl))
      for (const client of clients) client.terminate()
    },
  },
  {
    name: 'delivers messages that arrive with the head, and while a handler decides',
    async run({ url }) {
      const socket = raw(url, requestOf(linesOf(url, '/later')))
      // Masked texts "a" and "b".
      socket.write(Buffer.from('81810000000061', 'hex'))
      await wait(50)
      socket.write(Buffer.from('81810000000062', 'hex'))
      const bytes = await until(socket, (bytes) => bytes.includes(Buffer.from('810161810162', 'hex')))
      holds(bytes.toString('latin1').startsWith('HTTP/1.1 101 '), 'the answer comes first')
      socket.destroy()
    },
  },
  {
    name: 'closes with a code and a reason, by either side',
    async run({ url }) {
      const mine = await opened(url)
      mine.close(4001, 'mine')
      same(await endOf(mine), '4001 mine')
      const theirs = await opened(`${url}/close?code=4002&reason=theirs`)
      theirs.send('now')
      same(await endOf(theirs), '4002 theirs')
      const none = await opened(url)
      none.close()
      same(await endOf(none), '1005 ')
      same(await endOf(await opened(`${url}/terminate`)), '1006 ')
    },
  },
  {
    name: 'fails the connection with 1002, 1007 and 1009 for a violation by the peer, and with 1011 for a failed handler',
    async run({ url, narrowUrl }) {
      for (const [hex, code] of [
        ['810161', 1002],
        ['838000000000', 1002],
        ['818100000000ff', 1007],
        ['88810000000003', 1002],
      ] as const) {
        const socket = raw(url, requestOf(linesOf(url)))
        socket.write(Buffer.from(hex, 'hex'))
        const bytes = await until(socket, (bytes) => closeCodeIn(bytes) > 0)
        same(closeCodeIn(bytes), code, hex)
        socket.destroy()
      }
      const long = await opened(narrowUrl)
      long.send('x'.repeat(1000))
      await message(long)
      long.send('x'.repeat(1001))
      holds((await endOf(long)).startsWith('1009 '), 'a message of a byte too many is refused')
      const failing = await opened(`${url}/fail`)
      failing.send('now')
      holds((await endOf(failing)).startsWith('1011 '), 'the handler threw')
    },
  },
  {
    name: 'stops a flood while the peer does not read, and continues afterwards',
    async run({ url, controlUrl }) {
      const client = new WsClient(`${url}/flood`, { maxPayload: mebibyte, perMessageDeflate: false })
      let received = 0
      const all = new Promise<void>((resolve, reject) => {
        client.on('message', (data: Buffer) => {
          received += data.length
          if (received === 64 * mebibyte) resolve()
        })
        client.once('error', reject)
      })
      client.once('open', () => client.pause())
      await wait(300)
      const control = await opened(controlUrl)
      control.send('buffered')
      const most = Number((await message(control)).data)
      holds(most < mebibyte, `less than a MiB waits: ${most}`)
      control.terminate()
      client.resume()
      await all
      await closed(client)
    },
  },
  {
    name: 'stops reading from a peer that does not read the answers',
    async run({ url }) {
      const client = await opened(url)
      client.pause()
      const bytes = Buffer.alloc(64 << 10)
      for (let count = 0; count < 1024; count += 1) client.send(bytes)
      let before = -1
      while (client.bufferedAmount !== before) {
        before = client.bufferedAmount
        await wait(200)
      }
      holds(before > 16 * mebibyte, `most of 64 MiB waits at the client: ${before}`)
      let received = 0
      const all = new Promise<void>((resolve) => {
        client.on('message', (data: Buffer) => {
          received += data.length
          if (received === 64 * mebibyte) resolve()
        })
      })
      client.resume()
      await all
      await closed(client)
    },
  },
  {
    name: 'pings silent peers, and drops peers that do not answer',
    async run({ narrowUrl }) {
      const living = await opened(narrowUrl)
      const dead = raw(narrowUrl, requestOf(linesOf(narrowUrl)))
      await until(dead, (bytes) => bytes.includes(Buffer.from('8', 'hex')) || bytes.includes(0x89))
      await new Promise((resolve) => dead.once('close', resolve))
      same(living.readyState, WsClient.OPEN)
      await closed(living)
    },
  },
  {
    name: 'survives peers that reset, before and after the handshake',
    async run({ url }) {
      const request = requestOf(linesOf(url, '/later'))
      const sockets = [raw(url, request.slice(0, 40)), raw(url, request), raw(url, requestOf(linesOf(url)))]
      await wait(100)
      for (const socket of sockets) socket.resetAndDestroy()
      await wait(300)
      await closed(await opened(url))
    },
  },
  {
    name: 'drains: closes connections with 1012, and ends',
    async run({ controlUrl }) {
      const { control, said, url } = await startedServer(controlUrl)
      const client = await opened(url)
      control.send(`drain ${url}`)
      same((await endOf(client)).slice(0, 5), '1012 ')
      await said('done 0 false')
      await closed(control)
    },
  },
  {
    name: 'closes connections with 1001, and frees the port',
    async run({ controlUrl }) {
      const { control, said, url } = await startedServer(controlUrl)
      const client = await opened(url)
      control.send(`close ${url}`)
      same((await endOf(client)).slice(0, 5), '1001 ')
      await said('done 0 false')
      const refused = await new Promise((resolve) => raw(url, '').once('error', resolve).once('connect', resolve))
      same((refused as { code?: string } | undefined)?.code, 'ECONNREFUSED')
      await closed(control)
    },
  },
  {
    name: 'drops a connection without a request when it closes',
    async run({ controlUrl }) {
      const { control, said, url } = await startedServer(controlUrl)
      const idle = raw(url, '').resume()
      await new Promise((resolve) => idle.once('connect', resolve))
      await wait(100)
      const gone = new Promise<string>((resolve) => idle.once('close', () => resolve('gone')))
      control.send(`close ${url}`)
      await said('done 0 false')
      same(await Promise.race([gone, wait(1000).then(() => 'there')]), 'gone')
      await closed(control)
    },
  },
  {
    name: 'answers plain requests with its handler',
    async run({ url }) {
      const answer = await answerTo(url, requestOf(['GET /page HTTP/1.1', 'Host: localhost']))
      holds(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\nGET \/page (true|false)$/.test(answer), `the page comes: ${answer}`)
      holds(
        (await answerTo(url, requestOf(['HEAD /page HTTP/1.1', 'Host: localhost']))).endsWith('\r\n\r\n'),
        'no body',
      )
    },
  },
  {
    name: 'speaks TLS',
    async run({ secureUrl, certificate }) {
      const client = await opened(secureUrl, { ca: certificate })
      const bytes = Buffer.alloc(mebibyte, 'twoway')
      client.send(bytes)
      holds((await message(client)).data.equals(bytes), 'a MiB comes back')
      await closed(client)
    },
  },
  {
    name: 'reads the PROXY protocol, also in front of TLS',
    async run({ announcedUrls, certificate }) {
      for (const url of announcedUrls) {
        const socket = connect(Number(new URL(url).port), '127.0.0.1')
        socket.write('PROXY TCP4 192.0.2.1 127.0.0.1 12345 443\r\n')
        const over = (options: object) => (url.startsWith('wss:') ? connectTls({ ...options, socket }) : socket)
        const client = await opened(`${url}/address`, { ca: certificate, createConnection: over as typeof connect })
        client.send('?')
        same((await message(client)).data.toString(), '192.0.2.1')
        await closed(client)
        same(await answerTo(url, requestOf(linesOf(url))), '', 'no answer without a header')
      }
    },
  },
  {
    name: 'listens on a Unix socket',
    async run({ unixUrl }) {
      const client = new WebSocket(`${unixUrl}/path`)
      await new Promise<unknown>((resolve, reject) => Object.assign(client, { onopen: resolve, onerror: reject }))
      client.send('hi')
      same(
        await new Promise((resolve) => Object.assign(client, { onmessage: (e: { data: unknown }) => resolve(e.data) })),
        'hi',
      )
      client.close()
    },
  },
  {
    name: 'attaches to an HTTP server, beside ws on another path, in either order',
    async run({ appUrls }) {
      for (const url of appUrls) {
        const ours = await opened(`${url}/ours?x`)
        ours.send('hi')
        same(String((await message(ours)).data), 'hi')
        const theirs = await opened(`${url}/ws`)
        theirs.send('hi')
        same(String((await message(theirs)).data), 'ws hi')
        same(await get(url, '/ours'), '200 app /ours')
        const bad = await answerTo(url, requestOf(linesOf(url, '/ours').filter((line) => line !== key)))
        holds(/^HTTP\/1\.1 400 [\s\S]*Sec-WebSocket-Key/.test(bad), `a broken handshake is refused: ${bad}`)
        await Promise.all([closed(ours), closed(theirs)])
      }
    },
  },
  {
    name: 'answers 404 to a handshake that is for none of the attachments',
    async run({ aloneUrl }) {
      const answer = await answerTo(aloneUrl, requestOf(linesOf(aloneUrl, '/nobody')))
      holds(answer.startsWith('HTTP/1.1 404 '), `it is a 404: ${answer}`)
      same(answer.split('HTTP/1.1').length, 2)
    },
  },
  {
    name: 'leaves an Upgrade to another protocol to the app it is attached to',
    async run({ aloneUrl }) {
      const h2c = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }
      same(await get(aloneUrl, '/page', h2c), '200 app /page')
    },
  },
]

async function opened(url: string, options: ClientOptions = {}): Promise<WsClient> {
  const client = new WsClient(url, { maxPayload: 64 * mebibyte, perMessageDeflate: false, ...options })
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject))
  client.on('error', () => {})
  return client
}

function message(client: WsClient): Promise<{ readonly data: Buffer; readonly isBinary: boolean }> {
  return new Promise((resolve, reject) => {
    const onClose = (code: number): void => reject(new Error(`closed with ${code}`))
    client.once('message', (data: Buffer, isBinary) => {
      client.off('close', onClose)
      resolve({ data, isBinary })
    })
    client.once('close', onClose)
  })
}

/** A further server, and the control connection that stops it; `said` resolves once the control connection has received the text. */
async function startedServer(controlUrl: string) {
  const control = await opened(controlUrl)
  const log: string[] = []
  control.on('message', (data) => log.push(String(data)))
  const said = async (wanted: string): Promise<void> => {
    while (!log.includes(wanted)) await wait(20)
  }
  control.send('start')
  while (log.length === 0) await wait(20)
  return { control, said, url: log[0]! }
}

function endOf(client: WsClient): Promise<string> {
  return new Promise((resolve) => client.once('close', (code, reason) => resolve(`${code} ${reason}`)))
}

async function closed(client: WsClient): Promise<void> {
  client.close()
  if (client.readyState !== WsClient.CLOSED) await endOf(client)
}

/** A raw peer that sends these bytes. */
function raw(url: string, bytes: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  if (bytes !== '') socket.write(bytes)
  return socket
}

/** Everything that is received until the end of the connection. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const socket = raw(url, bytes)
  const parts: Buffer[] = []
  for await (const bytes of socket) parts.push(bytes as Buffer)
  return Buffer.concat(parts).toString()
}

async function firstOf(socket: Socket): Promise<string> {
  return (await until(socket, (bytes) => bytes.length > 0)).toString('latin1')
}

function until(socket: Socket, isThere: (bytes: Buffer) => boolean): Promise<Buffer> {
  let bytes = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error(`closed after ${bytes.toString('latin1')}`))
    const onData = (more: Buffer): void => {
      bytes = Buffer.concat([bytes, more])
      if (!isThere(bytes)) return
      socket.off('data', onData).off('close', onClose)
      socket.resume()
      resolve(bytes)
    }
    socket.on('data', onData).once('close', onClose)
  })
}

/** The code of the Close that follows the response to the handshake, or 0. */
function closeCodeIn(bytes: Buffer): number {
  const at = bytes.indexOf('\r\n\r\n') + 4
  return at > 3 && bytes.length >= at + 4 && bytes[at] === 0x88 ? bytes.readUInt16BE(at + 2) : 0
}

function get(url: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const request = httpRequest({ hostname, port, path, headers, agent }, async (response) => {
      let body = ''
      for await (const part of response) body += part
      resolve(`${response.statusCode} ${body}`)
    })
    request.on('error', reject).end()
  })
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('held-connections.js', import.meta.url))
/** The limit of descriptors: lower than the number of connections in the test. */
const descriptors = 160

const handshake = (path: string, changes: Readonly<Record<string, string>> = {}): string => {
  const fields = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...changes,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
const offer = 'Host: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n'
const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`X-${at}`, 'a']))

/**
 * The requests, the status of each answer, and how many peers ask at once: sixteen long answers take a busy machine as long as the
 * app waits for a peer.
 */
const requests: readonly (readonly [name: string, text: string, status: number, atOnce?: number])[] = [
  ['another protocol', `GET / HTTP/1.1\r\n${offer}\r\n`, 200],
  ['another protocol, with a long answer', `GET /long HTTP/1.1\r\n${offer}\r\n`, 200, 4],
  [
    'another protocol, and a body that does not end',
    `POST / HTTP/1.1\r\n${offer}Content-Length: 1000000000\r\n\r\n`,
    200,
  ],
  ['a path without a handler', handshake('/nobody'), 404],
  ['a broken handshake', handshake('/ours', { 'Sec-WebSocket-Key': 'short' }), 400],
  ['another version', handshake('/ours', { 'Sec-WebSocket-Version': '12' }), 426],
  ['another host', handshake('/ours', { Host: 'evil.example' }), 421],
  ['a head of too many fields', handshake('/ours', many), 431],
  ['a server that is full', handshake('/full'), 503],
  ['an undecided handshake', handshake('/undecided'), 503],
  ['a long Response', handshake('/refused'), 403, 4],
]

/** The behaviour of the peer after its request. */
const peers: Readonly<Record<string, (socket: Socket) => void>> = {
  'never closes': (socket) => socket.resume(),
  'ends its side and never closes': (socket) => socket.resume().end(),
  'does not read': (socket) => socket.pause(),
  'keeps sending': (socket) => {
    socket.resume()
    const timer = setInterval(() => socket.write('x'.repeat(100)), 20)
    socket.on('close', () => clearInterval(timer))
  },
}

test('an app with attachments gets every descriptor back after any answer and any behaviour of the peer', {
  skip: process.platform !== 'linux' && 'there is no /proc',
  timeout: 240_000,
}, async () => {
  const child = spawn('sh', ['-c', `ulimit -n ${descriptors} && exec "$0" "$1"`, process.execPath, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const sockets: Socket[] = []
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ports = JSON.parse((await lines.next()).value) as number[]
    const open = async (): Promise<number> => {
      child.stdin.write('\n')
      return Number((await lines.next()).value)
    }
    const connectTo = (at: number): Socket => {
      const target = { port: ports[at]!, host: '127.0.0.1', allowHalfOpen: true }
      const socket = at === 0 ? connect(target) : connectTls({ ...target, rejectUnauthorized: false })
      sockets.push(socket.on('error', () => {}))
      return socket
    }
    const statusOf = async (socket: Socket): Promise<number> => {
      const data = once(socket, 'data')
      return Number(String((await data)[0]).slice(9, 12))
    }
    const isApp = async (at: number): Promise<void> => {
      const socket = connectTo(at)
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      assert.equal(await statusOf(socket), 200)
      socket.destroy()
    }
    /** Waits until the number of descriptors falls to this one. */
    const untilOpen = async (most: number, what: string): Promise<void> => {
      const end = Date.now() + 60_000
      for (let now = await open(); now > most; now = await open()) {
        if (Date.now() > end) assert.fail(`${now} descriptors are open after ${what}, and not ${most}`)
        await sleep(50)
      }
    }
    for (const at of ports.keys()) await isApp(at)
    const before = await open()
    let last = 'nothing'
    for (const at of ports.keys()) {
      for (const [name, text, status, atOnce = 16] of requests) {
        await untilOpen(descriptors / 2, last)
        last = `${name}, ${at === 0 ? 'http' : 'https'}`
        const seen = new Set<number | string>()
        const asking = Object.values(peers).flatMap((act) =>
          Array.from({ length: 4 }, () => async () => {
            const socket = connectTo(at)
            socket.write(text)
            seen.add(await statusOf(socket).catch((error: Error) => error.message))
            act(socket)
          }),
        )
        while (asking.length > 0) await Promise.all(asking.splice(0, atOnce).map((ask) => ask()))
        assert.deepEqual([...seen], [status], last)
      }
    }
    assert.ok(sockets.length > 2 * descriptors)
    await untilOpen(before, 'all')
    for (const at of ports.keys()) await isApp(at)
  } finally {
    for (const socket of sockets) socket.destroy()
    child.kill()
  }
})

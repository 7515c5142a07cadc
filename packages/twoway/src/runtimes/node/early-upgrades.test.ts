import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, maxHeaderSize, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { fromDuplex } from '../../entries/streams.js'
import { takeEarlyUpgrades } from './early-upgrades.js'
import { hasHandles, tryHandles } from './internals/handle-trial.js'

await tryHandles()

const handshake = [
  'GET /path?query HTTP/1.1',
  'Host: a',
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const answer = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'

type Upgrade = (request: IncomingMessage, accept: (answer: string) => Socket) => void

interface Options {
  readonly mayTake?: () => boolean
  readonly upgrade?: Upgrade
}

/** A server whose events are logged, and that answers each request and upgrade. */
async function withServer(
  { mayTake = () => true, upgrade }: Options,
  use: (port: number, log: string[], server: Server, giveWaiting: () => void) => unknown,
): Promise<void> {
  const log: string[] = []
  const sockets = new Set<Duplex>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (bytes) => {
      body += String(bytes)
    })
    request.on('end', () => {
      log.push(`request ${request.method} ${request.url} ${body}`)
      response.sendDate = false
      response.end('answered')
    })
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    log.push(`upgrade ${request.url} ${head}`)
    socket.end('HTTP/1.1 101 From the server\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const giveWaiting = takeEarlyUpgrades(server, mayTake, (request, accept) => {
    log.push(`early ${request.url} `)
    if (upgrade !== undefined) upgrade(request, accept)
    else accept(answer).destroy()
  })
  assert.ok(giveWaiting)
  try {
    await use((server.address() as AddressInfo).port, log, server, giveWaiting)
  } finally {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
}

/** All that the server sends after these pieces, each in a write of its own, until it ends. */
async function exchange(port: number, ...pieces: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  let answered = ''
  socket.on('data', (bytes) => {
    answered += bytes.toString('latin1')
  })
  socket.on('error', () => {})
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    // Each piece is read before the next one comes.
    await new Promise((resolve) => setTimeout(resolve, pieces.length > 1 ? 20 : 0))
  }
  await closed
  return answered
}

function headOf(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

function countOf(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
}

/** The properties of a request that a program can see. */
function stateOf(request: IncomingMessage): unknown {
  const read = (value: object): unknown =>
    Object.fromEntries(
      Reflect.ownKeys(value)
        .filter((key) => key !== 'socket' && key !== 'client')
        .map((key) => [String(key), inspect(Reflect.get(value, key), { depth: 0 })]),
    )
  const { headers, headersDistinct, readable, readableEnded, destroyed, readableHighWaterMark, rawHeaders } = request
  const state = (request as unknown as { readonly _readableState: object })._readableState
  return {
    own: read(request),
    state: read(state),
    ...{ headers, headersDistinct, readable, readableEnded, destroyed, readableHighWaterMark, rawHeaders },
  }
}

describe('handshakes that are taken before the HTTP server', { skip: !hasHandles() }, () => {
  test('have the request that node:http makes of the same bytes', async () => {
    const more = [
      [
        'Origin: http://a',
        'Cookie: b=1',
        'cookie: c=2',
        'X-A:  1  ',
        'x-a: 2',
        'Sec-WebSocket-Protocol: p',
        'Set-Cookie: x=1',
      ],
      ['Authorization: Basic a', 'authorization: Basic b', 'X-Latin: \xe9\xff', 'X-Empty:'],
      ['Content-Length: 0', 'Expect: 100-continue', 'Connection: a'],
      ['Content-Length: 0', 'Expect: a', 'Upgrade: h2c', `X-Long: ${'a'.repeat(9000)}`],
      [],
    ]
    // Later ones differ from an earlier head in their key alone, and are not parsed.
    const repeated = ['a', 'b', 'c', 'd'].map((text) => `Sec-WebSocket-Key: ${btoa(text.repeat(16))}`)
    const found: { [path in 'node' | 'early']: unknown[] } = { node: [], early: [] }
    for (const path of ['node', 'early'] as const) {
      const upgrade: Upgrade = (request, accept) => {
        found.early.push(stateOf(request))
        const socket = accept(answer)
        assert.deepEqual([request.socket === socket, Reflect.get(request, 'client') === socket], [true, true])
        socket.destroy()
      }
      await withServer({ mayTake: () => path === 'early', upgrade }, async (port, _log, server) => {
        server.prependListener('upgrade', (request) => found.node.push(stateOf(request)))
        for (const lines of more) await exchange(port, headOf([...handshake, ...lines]))
        for (const key of repeated) await exchange(port, headOf(['GET / HTTP/1.1', ...handshake.slice(1, -1), key]))
      })
    }
    assert.equal(found.early.length, more.length + repeated.length)
    assert.deepEqual(found.early, found.node)
  })

  test('end as those of node:http do: a request that is read ends and closes', async () => {
    const events: string[] = []
    const upgrade: Upgrade = (request, accept) => {
      const socket = accept(answer)
      for (const event of ['data', 'end', 'close']) request.on(event, () => events.push(event))
      request.on('close', () => socket.destroy())
    }
    await withServer({ upgrade }, (port) => exchange(port, headOf(handshake)))
    assert.deepEqual(events, ['end', 'close'])
  })

  test('become connections of fromDuplex, with the bytes behind the head, and count as the server counts them', async () => {
    const frame = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61])
    const upgrade: Upgrade = (request, accept) => {
      const socket = accept(answer)
      const connection = fromDuplex(socket, {
        role: 'server',
        takesHandle: true,
        message: (message) => {
          connection.send(`${message} for ${request.socket.remoteAddress} ${request.socket.remotePort}`)
          connection.close()
        },
      })
      assert.equal(connection.stream, socket)
    }
    await withServer({ upgrade }, async (port, log, server) => {
      const socket = connect(port, '127.0.0.1')
      let answered = ''
      socket.on('data', (bytes) => {
        answered += bytes.toString('latin1')
        if (bytes.includes(0x88)) socket.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
      })
      socket.write(Buffer.concat([Buffer.from(headOf(handshake)), frame]))
      await once(socket, 'connect')
      const expected = `a for 127.0.0.1 ${socket.localPort}`
      const closed = once(socket, 'close')
      await once(socket, 'data')
      assert.equal(await countOf(server), 1)
      server.close()
      await Promise.all([closed, once(server, 'close')])
      assert.equal(await countOf(server), 0)
      assert.ok(answered.startsWith(answer) && answered.includes(expected), answered)
      assert.equal(log.length, 1)
    })
  })

  test('leave each other request to the server, with all that was read', async () => {
    const [start, host, connection, upgrade, ...rest] = handshake as [string, string, string, string, ...string[]]
    const to = (lines: readonly string[]): [string] => [headOf(lines)]
    const whole = headOf(handshake)
    const closing = ['Connection: close']
    const cases: readonly (readonly [string, readonly string[], readonly string[] | undefined])[] = [
      ['a plain request', to(['GET /a HTTP/1.1', host, ...closing]), ['request GET /a ']],
      [
        'a body',
        [`${headOf(['POST /a HTTP/1.1', host, 'Content-Length: 3', ...closing])}a`, 'bc'],
        ['request POST /a abc'],
      ],
      [
        'two requests',
        [headOf(['GET /a HTTP/1.1', host]), headOf(['GET /b HTTP/1.1', host, ...closing])],
        ['request GET /a ', 'request GET /b '],
      ],
      [
        'a handshake behind a request',
        [headOf(['GET /a HTTP/1.1', host]), whole],
        ['request GET /a ', 'upgrade /path?query '],
      ],
      ['a head in two pieces', [whole.slice(0, 30), whole.slice(30)], ['upgrade /path?query ']],
      ['a head in many pieces', [...whole.slice(0, 10), whole.slice(10)], ['upgrade /path?query ']],
      ['another protocol', to([start, host, connection, 'Upgrade: h2c']), ['upgrade /path?query ']],
      ['another version', to([start, host, connection, upgrade, 'Sec-WebSocket-Version: 8']), ['upgrade /path?query ']],
      ['no key', to([start, host, connection, upgrade, rest[0]!]), ['upgrade /path?query ']],
      ['HTTP/1.0', to([start.replace('1.1', '1.0'), ...handshake.slice(1)]), ['upgrade /path?query ']],
      ['a head that is too long for Node', to([...handshake, `X: ${'a'.repeat(maxHeaderSize)}`]), []],
      ['a handshake with a body', [`${headOf([...handshake, 'Content-Length: 3'])}abc`], undefined],
      ['no Host', to([start, connection, upgrade, ...rest]), ['upgrade /path?query ']],
      ['two Hosts', to([...handshake, host]), ['upgrade /path?query ']],
      ['a malformed head', to([...handshake, 'a b: c']), []],
      ['no HTTP', ['\x16\x03\x01 no HTTP at all\r\n\r\n'], []],
    ]
    for (const [name, pieces, expected] of cases) {
      const seen: string[] = []
      for (const taken of [false, true]) {
        await withServer({ mayTake: () => taken }, async (port, log) => {
          seen.push(await exchange(port, ...pieces), log.join())
          if (expected !== undefined) assert.deepEqual(log, expected, name)
        })
      }
      assert.deepEqual(seen.slice(2), seen.slice(0, 2), name)
    }
  })

  test('leave the server a handshake that is not accepted, which can not be accepted later', async () => {
    let late: (() => Socket) | undefined
    const upgrade: Upgrade = (_request, accept) => {
      late = () => accept(answer)
    }
    await withServer({ upgrade }, async (port, log) => {
      const answered = await exchange(port, headOf(handshake))
      assert.match(answered, /From the server/)
      assert.deepEqual(log, ['early /path?query ', 'upgrade /path?query '])
      assert.throws(late!, { code: 'upgradeTaken' })
    })
  })

  test('are accepted once', async () => {
    const upgrade: Upgrade = (_request, accept) => {
      const socket = accept(answer)
      assert.throws(() => accept(answer), { code: 'upgradeTaken' })
      socket.destroy()
    }
    await withServer({ upgrade }, async (port, log) => {
      assert.equal(await exchange(port, headOf(handshake)), answer)
      assert.deepEqual(log, ['early /path?query '])
    })
  })

  test('leave the server all connections while none may be taken, or while it counts them', async () => {
    await withServer({ mayTake: () => false }, async (port, log) => {
      assert.match(await exchange(port, headOf(handshake)), /From the server/)
      assert.deepEqual(log, ['upgrade /path?query '])
    })
    await withServer({}, async (port, log, server) => {
      server.maxConnections = 1
      assert.match(await exchange(port, headOf(handshake)), /From the server/)
      assert.deepEqual(log, ['upgrade /path?query '])
    })
  })

  test('ask again once the request has come', async () => {
    let mayTake = true
    await withServer({ mayTake: () => mayTake }, async (port, log, server) => {
      const socket = connect(port, '127.0.0.1')
      const closed = once(socket.resume(), 'close')
      await once(socket, 'connect')
      mayTake = false
      const [connected] = (await Promise.all([once(server, 'connection'), socket.write(headOf(handshake))])) as [
        [Socket],
        unknown,
      ]
      assert.ok(connected[0].remotePort === socket.localPort)
      await closed
      assert.deepEqual(log, ['upgrade /path?query '])
    })
  })

  test('give the server the connections that wait, which it then answers, or drops', async () => {
    await withServer({}, async (port, log, server, giveWaiting) => {
      const socket = connect(port, '127.0.0.1')
      const closed = once(socket.resume(), 'close')
      await once(socket, 'connect')
      // The server accepts it within the turns that this takes.
      assert.match(await exchange(port, headOf(['GET /a HTTP/1.1', 'Host: a', 'Connection: close'])), /answered/)
      const given = once(server, 'connection')
      giveWaiting()
      await given
      socket.write(headOf(['GET /b HTTP/1.1', 'Host: a', 'Connection: close']))
      await closed
      assert.deepEqual(log, ['request GET /a ', 'request GET /b '])
    })
  })

  test('give the server a connection whose request does not come', async () => {
    await withServer({}, async (port, log, server) => {
      const socket = connect(port, '127.0.0.1')
      const closed = once(socket.resume(), 'close')
      await once(server, 'connection')
      socket.write(headOf(['GET /a HTTP/1.1', 'Host: a', 'Connection: close']))
      await closed
      assert.deepEqual(log, ['request GET /a '])
    })
  })

  test('survive peers that leave before their request', async () => {
    await withServer({}, async (port, log, server, giveWaiting) => {
      for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
        const socket = connect(port, '127.0.0.1')
        await once(socket, 'connect')
        socket[leave]()
        await once(socket.resume(), 'close')
      }
      await exchange(port, headOf(handshake))
      giveWaiting()
      assert.deepEqual(log, ['early /path?query '])
      assert.equal(await countOf(server), 0)
    })
  })

  test('whose handler throws leave the connection to the server', { skip: 'bun' in process.versions }, async () => {
    const thrown: unknown[] = []
    // node:test listens for 'uncaughtException', and would take the error for a failure.
    process.setUncaughtExceptionCaptureCallback((error) => thrown.push(error))
    const fault = new Error('of the handler')
    const upgrade: Upgrade = () => {
      throw fault
    }
    await withServer({ upgrade }, async (port, log) => {
      assert.match(await exchange(port, headOf(handshake)), /From the server/)
      assert.deepEqual(log, ['early /path?query ', 'upgrade /path?query '])
    })
    process.setUncaughtExceptionCaptureCallback(null)
    assert.deepEqual(thrown, [fault])
  })
})

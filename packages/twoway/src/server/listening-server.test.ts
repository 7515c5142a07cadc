import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toHex, utf8 } from 'twoway-testing/bytes.js'
import type { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { webRandom } from '../runtimes/web/random.js'
import type { ServeOptions } from './handler-types.js'
import { startServer } from './listening-server.js'
import type { Server } from './server-types.js'

interface Stage {
  readonly clock: FakeClock
  readonly server: Server<undefined>
  connect(request?: Uint8Array): RawPeer
}

/** A server over memory whose clock stands still, and peers that have sent their handshake. */
async function setUp(options: ServeOptions<undefined> = {}): Promise<Stage> {
  const network = new StillNetwork({ random: webRandom })
  const server = await startServer({ port: 0, idleTimeoutMs: Number.POSITIVE_INFINITY, ...options }, network.ports)
  const connect = (request = handshakeRequest()): RawPeer => network.connect(server.port, request)
  return { clock: network.clock, server, connect }
}

/** Lets what was awaited come, and the tasks of it run. */
async function settle(clock: FakeClock): Promise<void> {
  for (let round = 0; round < 3; round++) {
    clock.runTasks()
    await new Promise(setImmediate)
  }
}

/** A source whose one piece comes when it is let. */
function heldSource(piece: string) {
  let go = (): void => {}
  const came = new Promise<void>((resolve) => {
    go = resolve
  })
  async function* pieces(): AsyncGenerator<string> {
    yield 'first '
    await came
    yield piece
  }
  return { pieces, go }
}

/** As `RawPeer.frames` has it. */
const frameOf = (opcode: number, text: string): string => `${opcode} ${toHex(utf8(text))}`

const close1012 = `8 03f4${toHex(utf8('the server is restarting'))}`

describe('drain', () => {
  it('spreads the closes evenly over the time it is given', async () => {
    const { clock, server, connect } = await setUp()
    const peers = Array.from({ length: 400 }, () => connect())
    clock.runTasks()
    assert.equal(server.connections.size, 400)
    void server.drain({ withinMs: 10_000 })
    const closed = (): number => peers.filter(({ frames }) => frames.length > 0).length
    for (let quarter = 1; quarter <= 4; quarter++) {
      const before = closed()
      clock.advance(2_500)
      const share = closed() - before
      // 100 are expected in each; 45 to 155 leaves chance more than six standard deviations.
      assert.ok(share >= 45 && share <= 155, `${share} in quarter ${quarter}`)
    }
    assert.equal(closed(), 400)
  })

  for (const end of ['before', 'after'] as const) {
    it(`first sends the rest of a message in pieces if that ends ${end} the time`, async () => {
      const { pieces, go } = heldSource('last')
      const log: string[] = []
      const { clock, server, connect } = await setUp({
        open(socket) {
          socket.sendStream(pieces()).then(
            () => log.push('complete'),
            (error: Error) => log.push(error.name),
          )
          socket.send('behind')
        },
      })
      const peer = connect()
      await settle(clock)
      void server.drain({ withinMs: 1000 })
      clock.advance(999)
      await settle(clock)
      const first = frameOf(1, 'first ')
      assert.deepEqual(peer.frames, [first])
      if (end === 'before') go()
      await settle(clock)
      clock.advance(2)
      await settle(clock)
      const rest = end === 'before' ? [frameOf(0, 'last'), frameOf(1, 'behind')] : []
      assert.deepEqual(peer.frames, [first, ...rest, close1012])
      assert.deepEqual(log, [end === 'before' ? 'complete' : 'TransportError'])
    })
  }
})

it('counts requests that can not be read as handshakes, by the status of their answer', async () => {
  const { clock, server, connect } = await setUp({ handshakeTimeoutMs: 100 })
  connect(utf8('GET / HTTP/1.1\r\nbad field\r\n\r\n'))
  connect(utf8(`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`))
  connect(utf8('GET / HTTP'))
  clock.advance(99)
  assert.deepEqual(server.metrics().handshakes, { 400: 1, 431: 1 })
  clock.advance(1)
  assert.deepEqual(server.metrics().handshakes, { 400: 1, 408: 1, 431: 1 })
  assert.deepEqual(server.metrics().limits, { handshakeTimeoutMs: 1 })
})

it('counts a peer that does not answer a Close within closeTimeoutMs, and drops it', async () => {
  const { clock, server, connect } = await setUp({ closeTimeoutMs: 100, open: (socket) => socket.close() })
  connect()
  clock.advance(99)
  assert.deepEqual(server.metrics().limits, {})
  clock.advance(1)
  await settle(clock)
  assert.deepEqual(server.metrics().limits, { closeTimeoutMs: 1 })
  assert.equal(server.connections.size, 0)
})

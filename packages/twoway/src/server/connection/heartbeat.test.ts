import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frame, fromHex } from 'twoway-testing/bytes.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import type { ServeOptions } from '../handler-types.js'
import { startServer } from '../listening-server.js'
import type { Server } from '../server-types.js'

const idleTimeoutMs = 45_000
const tick = idleTimeoutMs / 45

/** A server with one peer, in a time that stands still but for `pass`. */
async function setUp(options: Partial<ServeOptions<undefined>> = {}, jitter = 0) {
  const log: string[] = []
  const network = new StillNetwork({
    random: { maskingKey: () => jitter, bytes: (length: number) => new Uint8Array(length) },
    report: (error: unknown) => log.push(`report ${error}`),
  })
  const { clock } = network
  const server: Server = await startServer(
    {
      port: 0,
      idleTimeoutMs,
      error: (_, error) => log.push(error.message),
      close: (_, { code }) => log.push(`close ${code}`),
      ...options,
    },
    network.ports,
  )
  const settle = (): Promise<void> => network.settle()
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await settle()
  }
  const peer = network.connect(server.port, handshakeRequest())
  await settle()
  assert.equal(server.connections.size, 1)
  const [socket] = server.connections
  return { server, socket: socket!, peer, log, clock, pass, settle }
}

const pings = (peer: RawPeer): readonly string[] => peer.frames.filter((line) => line.startsWith('9 '))

/** The Pong that answers a Ping that was logged. */
function pongTo(ping: string): Uint8Array {
  return frame({ opcode: 10, payload: fromHex(ping.slice(2)), masked: true })
}

describe('heartbeat', () => {
  it('pings a silent peer once, and drops it when idleTimeoutMs has passed, not before', async () => {
    const { peer, log, pass, server } = await setUp()
    await pass(25 * tick - 1)
    assert.deepEqual(pings(peer), [])
    await pass(1)
    assert.equal(pings(peer).length, 1)
    await pass(20 * tick - 1)
    assert.equal(server.connections.size, 1)
    await pass(1)
    assert.deepEqual(log, [`the peer has sent nothing for ${idleTimeoutMs} ms`, 'close 1006'])
    assert.equal(server.connections.size, 0)
    assert.equal(pings(peer).length, 1)
  })

  it('lets connections that came together differ by up to three ticks, and finds the dead no later', async () => {
    const { peer, log, pass } = await setUp({}, 7)
    await pass(22 * tick - 1)
    assert.deepEqual(pings(peer), [])
    await pass(1)
    assert.equal(pings(peer).length, 1)
    await pass(20 * tick)
    assert.equal(log.at(-1), 'close 1006')
  })

  it('leaves a peer alone that answers, and tells how long the answer took', async () => {
    const { peer, socket, log, pass, settle } = await setUp()
    assert.equal(socket.latencyMs, undefined)
    for (let round = 1; round <= 3; round++) {
      while (pings(peer).length < round) await pass(tick)
      await pass(round * 10)
      peer.send(pongTo(pings(peer).at(-1)!))
      await settle()
      assert.equal(socket.latencyMs, round * 10)
      await pass(tick - round * 10)
    }
    assert.deepEqual(log, [])
  })

  it('takes no other Pong for an answer to its Ping', async () => {
    const { peer, socket, pass, settle } = await setUp()
    await pass(30 * tick)
    peer.send(frame({ opcode: 10, payload: 'heartbeat 0', masked: true }), frame({ opcode: 10, masked: true }))
    await settle()
    assert.equal(socket.latencyMs, undefined)
  })

  it('does not ping a peer that talks', async () => {
    const { peer, log, pass } = await setUp()
    for (let round = 0; round < 10; round++) {
      await pass(20 * tick)
      peer.send(frame({ opcode: 1, payload: 'x', masked: true }))
    }
    assert.deepEqual(pings(peer), [])
    assert.deepEqual(log, [])
  })

  it('leaves a peer alone that is not read, and begins to count when it is read again', async () => {
    const { socket, peer, log, pass } = await setUp()
    socket.pause()
    for (let round = 0; round < 100; round++) await pass(tick)
    assert.deepEqual([pings(peer), log], [[], []])
    socket.resume()
    for (let round = 0; round < 44; round++) await pass(tick)
    assert.deepEqual(log, [])
    await pass(tick)
    await pass(tick)
    assert.equal(log.at(-1), 'close 1006')
  })

  it('drops a peer that is not read and takes nothing of what waits for it', async () => {
    const { socket, peer, log, pass } = await setUp()
    peer.pause()
    socket.send(new Uint8Array(200_000))
    socket.pause()
    for (let round = 0; round < 46; round++) await pass(tick)
    assert.equal(log.at(-1), 'close 1006')
  })

  it('can be turned off', async () => {
    const { peer, log, clock, pass } = await setUp({ idleTimeoutMs: Number.POSITIVE_INFINITY })
    assert.equal(clock.pendingTimers, 0)
    await pass(1000 * tick)
    assert.deepEqual(pings(peer), [])
    assert.deepEqual(log, [])
  })

  it('leaves no timer behind when the server has closed', async () => {
    const { server, peer, clock, settle } = await setUp()
    const closed = server.close()
    peer.send(frame({ opcode: 8, payload: fromHex('03e9'), masked: true }))
    peer.end()
    await settle()
    await closed
    await settle()
    assert.equal(clock.pendingTimers, 0)
  })
})

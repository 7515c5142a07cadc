import assert from 'node:assert/strict'
import { it } from 'node:test'
import { frame, fromHex } from 'twoway-testing/bytes.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import type { UpgradeAnswer } from '../answer-types.js'
import type { IncomingRequest } from '../handshake/incoming-request.js'
import { startServer } from '../listening-server.js'
import type { ServerMetrics } from '../server-metrics.js'
import type { Server, ServerSocket } from '../server-types.js'

type Published = readonly [channel: string, message: Record<string, unknown>]

const text = (payload: string): Uint8Array => frame({ opcode: 1, payload, masked: true })
const close = frame({ opcode: 8, payload: fromHex('03e8'), masked: true })

/** A server on which everything happens once that a channel tells of, and what was told. */
async function playAll(hasSubscribers: boolean): Promise<{ metrics: ServerMetrics; told: readonly Published[] }> {
  const told: Published[] = []
  const network = new StillNetwork({
    diagnostics: {
      channel: (name) => ({
        hasSubscribers,
        publish: (message) => told.push([name, message as Record<string, unknown>]),
      }),
    },
  })
  const { clock } = network
  let leaves: Promise<UpgradeAnswer<undefined>> | undefined
  const server: Server = await startServer<undefined>(
    {
      port: 0,
      maxConnections: 3,
      maxMessageBytes: 1000,
      whenBufferFull: 'drop',
      maxBufferedBytes: 200_000,
      upgrade(request): UpgradeAnswer<undefined> | Promise<UpgradeAnswer<undefined>> {
        if (request.url.endsWith('/no')) return { status: 401 }
        leaves = new Promise(() => {})
        return request.url.endsWith('/never') ? leaves : undefined
      },
      message(socket, message) {
        if (message === 'throw') throw new Error('boom')
        if (message !== 'much') socket.send(message)
        for (let count = 0; message === 'much' && count < 4; count++) socket.send(new Uint8Array(150_000))
      },
      error() {},
    },
    network.ports,
  )
  const settle = (): Promise<void> => network.settle()
  const connect = async (path: string, ...sent: readonly Uint8Array[]): Promise<RawPeer> => {
    const peer = network.connect(server.port, handshakeRequest(path), ...sent)
    await settle()
    return peer
  }

  const closer = await connect('/', text('hello'), close)
  closer.end()
  await connect('/no')
  const leaver = await connect('/never')
  leaver.destroy()
  await settle()
  const tooLong = await connect('/', text('x'.repeat(1001)))
  const thrower = await connect('/', text('throw'))
  const lagging = await connect('/')
  await connect('/')
  lagging.pause()
  lagging.send(text('much'))
  await settle()
  for (const peer of [tooLong, thrower]) peer.destroy()
  lagging.resume()
  await settle()
  let ping: string | undefined
  for (let second = 0; second < 40 && ping === undefined; second++) {
    clock.advance(1000)
    await settle()
    ping = lagging.frames.find((line) => line.startsWith('9 '))
  }
  clock.advance(7)
  lagging.send(frame({ opcode: 10, payload: fromHex(ping!.slice(2)), masked: true }))
  await settle()
  const metrics = server.metrics()
  for (const socket of server.connections) socket.terminate()
  await settle()
  await server.close()
  return { metrics, told }
}

it('counts all events of a server', async () => {
  const { metrics } = await playAll(false)
  const { receivedBytes, sentBytes, histograms, ...counts } = metrics
  assert.deepEqual(counts, {
    connections: 1,
    connectionsLimit: 3,
    handshakesWaiting: 0,
    bufferedBytes: 0,
    bufferedBytesLimit: 256 << 20,
    memoryBytes: 0,
    receiveBytes: 0,
    receiveBytesLimit: 256 << 20,
    opened: 4,
    closed: 3,
    handshakes: { 101: 4, 401: 1, 503: 1 },
    refusals: { upgrade: 1, maxConnections: 1 },
    handshakesLeft: 1,
    receivedMessages: 3,
    sentMessages: 3,
    droppedMessages: 2,
    backpressures: 1,
    pings: 1,
    roundTrips: 1,
    roundTripMs: 7,
    closes: { 1000: 1, 1006: 2 },
    limits: { maxMessageBytes: 1, maxConnections: 1 },
    errors: { messageTooBig: 1, handlerFailed: 1 },
    memoryTuning: { on: 0, freedMemoryKept: 0, youngCollections: 0, heapTexts: 0 },
    hub: undefined,
    transport: { path: 'memory', reasons: [] },
  })
  const { roundTripMs, receivedMessageBytes, sentMessageBytes, handlerMs } = histograms
  assert.equal(roundTripMs.sum, 7)
  assert.equal(receivedMessageBytes.sum, 'hello'.length + 'throw'.length + 'much'.length)
  assert.equal(sentMessageBytes.sum, 'hello'.length + 2 * 150_000)
  assert.deepEqual(handlerMs, {})
  assert.ok(receivedBytes > 1000 && receivedBytes < 1200)
  assert.ok(sentBytes > 300_000 && sentBytes < 301_000)
})

it('makes no message for a channel without a subscriber', async () => {
  const { told } = await playAll(false)
  assert.deepEqual(told, [])
})

it('publishes each event on its channel, with the documented fields', async () => {
  const { told, metrics } = await playAll(true)
  const all = (name: string): readonly Record<string, unknown>[] =>
    told.filter(([channel]) => channel === `twoway:${name}`).map(([, message]) => message)
  assert.deepEqual([...new Set(told.map(([channel]) => channel))].sort(), [
    ...['end', 'error', 'start'].map((name) => `tracing:twoway:handler:${name}`),
    ...['asyncEnd', 'asyncStart', 'end', 'start'].map((name) => `tracing:twoway:handshake:${name}`),
    ...['backpressure', 'close', 'drop', 'error', 'handshake', 'limit', 'message', 'open', 'ping', 'send'].map(
      (name) => `twoway:${name}`,
    ),
  ])
  for (const [, { server }] of told) assert.equal((server as Server).url.slice(0, 5), 'ws://')

  assert.deepEqual(
    all('handshake').map(({ status, request }) => [status, new URL((request as IncomingRequest).url).pathname]),
    [
      [101, '/'],
      [401, '/no'],
      [undefined, '/never'],
      [101, '/'],
      [101, '/'],
      [101, '/'],
      [503, '/'],
    ],
  )
  assert.equal(all('open').length, metrics.opened)
  assert.deepEqual(
    all('message').map(({ message }) => message),
    ['hello', 'throw', 'much'],
  )
  assert.deepEqual(
    all('ping').map(({ roundTripMs }) => roundTripMs),
    [7],
  )
  const [behind] = all('backpressure')
  assert.ok((behind!.bufferedBytes as number) > 64 << 10)
  assert.equal(all('drop').length, metrics.droppedMessages)
  assert.ok((all('drop')[0]!.bufferedBytes as number) > 200_000)
  assert.deepEqual(
    all('limit').map(({ limit, socket }) => [limit, socket === undefined]),
    [
      ['maxMessageBytes', false],
      ['maxConnections', true],
    ],
  )
  assert.deepEqual(
    all('send').map(({ message, result }) => [(message as string | Uint8Array).length, result]),
    [
      [5, 'sent'],
      [150_000, 'buffered'],
      [150_000, 'buffered'],
      [150_000, 'dropped'],
      [150_000, 'dropped'],
    ],
  )
  assert.deepEqual(
    all('error').map(({ error, code, fault }) => [(error as Error).message.slice(0, 4), code, fault]),
    [
      ['the ', 'messageTooBig', 'peer'],
      ['boom', 'handlerFailed', 'program'],
    ],
  )
  const closes = all('close')
  assert.equal(closes.length, 4)
  const { socket, server, ...first } = closes[0]!
  assert.ok((socket as ServerSocket).request)
  assert.ok(server)
  assert.deepEqual(first, { code: 1000, reason: '', wasClean: true, meaning: 'normal closure' })
})

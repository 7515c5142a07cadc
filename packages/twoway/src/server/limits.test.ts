import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { concat, frame, utf8 } from 'twoway-testing/bytes.js'
import { ConnectionHarness } from 'twoway-testing/harnesses/connection-harness.js'
import type { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { UsageError } from '../core/errors.js'
import { requestForm } from '../core/http/head-form.js'
import { HeadParser } from '../core/http/head-parser.js'
import { type ServerLimits, serverLimits } from '../core/limits.js'
import { ReceiveBudget } from '../core/receiving/receive-budget.js'
import { BufferBudget } from '../core/sending/buffer-budget.js'
import type { ServeOptions } from './handler-types.js'
import { HandshakeRate } from './handshake/handshake-rate.js'
import { startServer } from './listening-server.js'
import type { ServerSocket } from './server-types.js'

/** Whether a connection outlives what is done to it. */
function survives(limits: Partial<ServerLimits>, act: (harness: ConnectionHarness) => void): boolean {
  const receiveBudget = new ReceiveBudget(limits.maxTotalReceiveBytes ?? serverLimits.maxTotalReceiveBytes)
  const harness = new ConnectionHarness({ limits, rates: { ...serverLimits, ...limits }, receiveBudget })
  act(harness)
  return harness.connection.state === 'open'
}

const masked = (length: number): Uint8Array => frame({ opcode: 2, payload: new Uint8Array(length), masked: true })

function isHeadTaken(limits: Partial<ServerLimits>, head: string): boolean {
  const parser = new HeadParser(requestForm, { ...serverLimits, ...limits })
  const bytes = utf8(head)
  try {
    parser.receive(bytes, 0, bytes.length)
    return parser.head !== undefined
  } catch {
    return false
  }
}

/** Runs a test with a server over memory whose clock stands still. */
async function withStillServer<Answer>(
  options: ServeOptions<undefined>,
  act: (clock: FakeClock, connect: () => RawPeer, settle: () => Promise<void>) => Promise<Answer>,
): Promise<Answer> {
  const network = new StillNetwork()
  const server = await startServer<undefined>({ port: 0, ...options }, network.ports)
  return act(
    network.clock,
    () => network.connect(server.port, handshakeRequest()),
    () => network.settle(),
  )
}

/** Whether connections that subscribe to these topics in turn are let. */
function subscribes(
  options: ServeOptions<undefined>,
  connections: number,
  topicsOf: (connection: number) => readonly string[],
): Promise<boolean> {
  let isLet = true
  let opened = 0
  const open = (socket: ServerSocket): void => {
    try {
      for (const topic of topicsOf(opened)) socket.subscribe(topic)
    } catch (error) {
      assert.ok(error instanceof UsageError)
      isLet = false
    }
    opened += 1
  }
  return withStillServer({ ...options, open }, async (_, connect, settle) => {
    for (let index = 0; index < connections; index += 1) connect()
    await settle()
    assert.equal(opened, connections)
    return isLet
  })
}

interface LimitCase {
  readonly limit: number
  /** Whether so much is taken under the limit. */
  readonly takes: (limit: number, amount: number) => boolean | Promise<boolean>
  /** Whether what is just at the limit is taken; true where it is left out. */
  readonly atLimit?: boolean
}

const cases: { readonly [name in keyof ServerLimits]: LimitCase } = {
  maxMessageBytes: {
    limit: 1000,
    takes: (maxMessageBytes, length) => survives({ maxMessageBytes }, (harness) => harness.receive(masked(length))),
  },
  maxMessagesPerSecond: {
    limit: 10,
    takes: (maxMessagesPerSecond, count) =>
      survives({ maxMessagesPerSecond }, (harness) =>
        harness.receive(concat(...Array.from({ length: count }, () => masked(1)))),
      ),
  },
  maxBytesPerSecond: {
    limit: 100,
    takes: (maxBytesPerSecond, count) =>
      survives({ maxBytesPerSecond }, (harness) => harness.receive(masked(count - 6))),
  },
  maxHandshakesPerSecond: {
    limit: 5,
    takes(limit, count) {
      const rate = new HandshakeRate(limit)
      return Array.from({ length: count }, () => rate.take('192.0.2.1', 0)).every((isTaken) => isTaken)
    },
  },
  maxHeadBytes: {
    limit: 200,
    takes(maxHeadBytes, length) {
      const [before, after] = ['GET / HTTP/1.1\r\nHost: ', '\r\n\r\n']
      return isHeadTaken({ maxHeadBytes }, before + 'h'.repeat(length - before.length - after.length) + after)
    },
  },
  maxHeaderFields: {
    limit: 5,
    takes: (maxHeaderFields, count) =>
      isHeadTaken({ maxHeaderFields }, `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(count)}\r\n`),
  },
  highWaterMarkBytes: {
    limit: 1000,
    takes(highWaterMarkBytes, length) {
      const harness = new ConnectionHarness({ limits: { highWaterMarkBytes } })
      harness.transport.isFull = true
      return harness.connection.send(new Uint8Array(length - 4)) === 'sent'
    },
  },
  maxBufferedBytes: {
    limit: 1000,
    takes: (maxBufferedBytes, length) =>
      survives({ maxBufferedBytes }, ({ transport, connection }) => {
        transport.isFull = true
        connection.send(new Uint8Array(length - 4))
        connection.send(new Uint8Array(1))
      }),
  },
  maxTotalBufferedBytes: {
    limit: 1000,
    takes(limit, amount) {
      const budget = new BufferBudget(limit)
      budget.change(0, amount)
      return !budget.isExceeded
    },
  },
  maxTotalReceiveBytes: {
    // Seven eighths are for what is held.
    limit: 7000,
    takes: (limit, amount) =>
      survives({ maxTotalReceiveBytes: (limit / 7) * 8 }, (harness) => harness.receive(masked(amount).subarray(0, -1))),
  },
  messageTimeoutMs: {
    limit: 15_000,
    takes: (messageTimeoutMs, ms) =>
      withStillServer({ messageTimeoutMs }, async (clock, connect, settle) => {
        const peer = connect()
        await settle()
        peer.send(masked(100).subarray(0, -1))
        await settle()
        const before = peer.text.length
        clock.advance(ms)
        await settle()
        return peer.text.length === before
      }),
    atLimit: false,
  },
  closeTimeoutMs: {
    limit: 1000,
    takes(closeTimeoutMs, ms) {
      const harness = new ConnectionHarness({ limits: { closeTimeoutMs } })
      harness.connection.close(1000)
      harness.clock.advance(ms)
      return !harness.transport.calls.includes('destroy')
    },
    atLimit: false,
  },
  handshakeTimeoutMs: {
    limit: 1000,
    takes: (handshakeTimeoutMs, ms) =>
      withStillServer({ handshakeTimeoutMs, upgrade: () => new Promise(() => {}) }, async (clock, connect, settle) => {
        const peer = connect()
        await settle()
        clock.advance(ms)
        await settle()
        return peer.text === ''
      }),
    atLimit: false,
  },
  idleTimeoutMs: {
    limit: 45_000,
    takes: (idleTimeoutMs, ms) =>
      withStillServer({ idleTimeoutMs }, async (clock, connect, settle) => {
        const peer = connect()
        await settle()
        clock.advance(ms)
        await settle()
        let isGone = false
        void peer.inputEnded.then(() => {
          isGone = true
        })
        await settle()
        return !isGone
      }),
    atLimit: false,
  },
  maxTopicsPerConnection: {
    limit: 3,
    takes: (maxTopicsPerConnection, count) =>
      // A topic that is there already does not count.
      subscribes({ maxTopicsPerConnection }, 1, () => [
        ...Array.from({ length: count }, (_, index) => `${index}`),
        '0',
      ]),
  },
  maxTopics: {
    limit: 3,
    takes: (maxTopics, count) =>
      subscribes({ maxTopics }, count, (connection) => [`${connection}.*`, ...(connection > 0 ? ['0.*'] : [])]),
  },
  maxTopicLength: {
    limit: 5,
    takes: (maxTopicLength, length) => subscribes({ maxTopicLength }, 1, () => ['a'.repeat(length)]),
  },
  maxConnections: {
    limit: 3,
    takes: (maxConnections, count) =>
      withStillServer({ maxConnections }, async (_, connect, settle) => {
        const peers = Array.from({ length: count }, connect)
        await settle()
        return peers.every(({ text }) => text.startsWith('HTTP/1.1 101'))
      }),
  },
}

describe('each limit of a server', () => {
  it('has a case', () => {
    assert.deepEqual(Object.keys(cases).sort(), Object.keys(serverLimits).sort())
  })

  for (const [name, { limit, takes, atLimit = true }] of Object.entries(cases)) {
    it(`${name}: takes one below, ${atLimit ? 'takes' : 'ends'} one at it, and does not take one above`, async () => {
      assert.deepEqual(
        [await takes(limit, limit - 1), await takes(limit, limit), await takes(limit, limit + 1)],
        [true, atLimit, false],
      )
    })
  }
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { frame, fromHex, toHex, utf8 } from 'twoway-testing/bytes.js'
import { RecordingTransport } from 'twoway-testing/harnesses/recording-transport.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { networks } from 'twoway-testing/peers/networks.js'
import type { RawPeer } from 'twoway-testing/peers/raw-peer.js'
import { withServer } from 'twoway-testing/peers/with-server.js'
import { TransportError } from '../../core/errors.js'
import { ReceiveBudget } from '../../core/receiving/receive-budget.js'
import { webPayload } from '../../runtimes/web/payload.js'
import type { UpgradeAnswer } from '../answer-types.js'
import type { ServeOptions } from '../handler-types.js'
import type { IncomingRequest } from './incoming-request.js'
import { WaitingPeer } from './waiting-peer.js'

interface Decision {
  readonly request: IncomingRequest
  readonly decide: (answer: UpgradeAnswer<undefined>) => void
  readonly fail: (error: unknown) => void
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve))
}

for (const network of networks) {
  describe(`a peer that waits for upgrade over ${network.name}`, () => {
    /** Runs a test with a server whose `upgrade` decides when the test says so. */
    async function withUndecided(
      options: ServeOptions<undefined>,
      test: (connect: () => RawPeer, decisions: readonly Decision[], log: readonly string[]) => Promise<void>,
    ): Promise<void> {
      const decisions: Decision[] = []
      const log: string[] = []
      const all: ServeOptions<undefined> = {
        upgrade: (request) =>
          new Promise((resolve, reject) => decisions.push({ request, decide: resolve, fail: reject })),
        open: () => log.push('open'),
        message: (_, message) => log.push(`message ${message.length}`),
        close: () => log.push('close'),
        error: (_, error) => log.push(`error ${error.message}`),
        ...options,
      }
      await withServer(network, all, (_, connect) => test(() => connect(handshakeRequest()), decisions, log))
    }

    for (const [how, leave] of [
      ['ends its side', (peer: RawPeer) => peer.end()],
      ['drops the connection', (peer: RawPeer) => peer.destroy()],
      [
        'ends behind a message',
        (peer: RawPeer) => {
          peer.send(frame({ opcode: 1, payload: 'bye', masked: true }))
          peer.end()
        },
      ],
    ] as const) {
      it(`and ${how} frees its place, aborts the decision, and is not heard of again`, async () => {
        await withUndecided({ maxConnections: 1 }, async (connect, decisions, log) => {
          const peer = connect()
          await until(() => decisions.length === 1)
          const { request, decide } = decisions[0]!
          const { signal } = request
          assert.equal(signal.aborted, false)
          assert.match(await connect().head(), /^HTTP\/1\.1 503 /)
          leave(peer)
          await until(() => signal.aborted)
          assert.ok(signal.reason instanceof TransportError)
          assert.equal(signal.reason.message, 'the peer left before upgrade() had decided')

          const next = connect()
          await until(() => decisions.length === 2)
          decide(undefined)
          decisions[1]!.decide(undefined)
          assert.match(await next.head(), /^HTTP\/1\.1 101 /)
          assert.deepEqual(log, ['open'])
          await peer.gone
          assert.equal(peer.text, '')
        })
      })
    }

    it('and left has a rejection by its signal ignored, and any other told', async () => {
      await withUndecided({}, async (connect, decisions, log) => {
        for (const count of [1, 2, 3]) {
          const peer = connect()
          await until(() => decisions.length === count)
          peer.destroy()
        }
        await until(() => decisions.every(({ request }) => request.signal.aborted))
        const [own, named, other] = decisions
        own!.fail(own!.request.signal.reason)
        named!.fail(Object.assign(new Error('aborted'), { name: 'AbortError' }))
        other!.fail(new Error('boom'))
        await until(() => log.length > 0)
        assert.deepEqual(log, ['error boom'])
      })
    })

    it('has its signal aborted where the time is up, or the server stops', async () => {
      await withUndecided({ handshakeTimeoutMs: 40 }, async (connect, decisions) => {
        assert.match(await connect().head(), /^HTTP\/1\.1 503 /)
        const { signal } = decisions[0]!.request
        assert.ok(signal.aborted)
        assert.equal((signal.reason as Error).message, 'upgrade() did not decide within 40 ms')
      })
      let stopped: IncomingRequest | undefined
      await withUndecided({}, async (connect, decisions) => {
        connect()
        await until(() => decisions.length === 1)
        stopped = decisions[0]!.request
      })
      assert.equal((stopped!.signal.reason as Error).message, 'the server stopped before upgrade() had decided')
    })

    it('has no more than 16 KiB and a read of what it sends ahead taken, and all of it delivered in its order', async () => {
      const lengths = [5, 0, 16 << 10, 3, 300_000, 1]
      await withUndecided({}, async (connect, decisions, log) => {
        const peer = connect()
        for (const length of lengths) peer.send(frame({ opcode: 2, payload: 'x'.repeat(length), masked: true }))
        peer.send(frame({ opcode: 8, payload: fromHex('03e8'), masked: true }))
        await until(() => decisions.length === 1)
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
        decisions[0]!.decide(undefined)
        await peer.inputEnded
        await until(() => log.at(-1) === 'close')
        assert.deepEqual(log, ['open', ...lengths.map((length) => `message ${length}`), 'close'])
        assert.deepEqual(peer.frames, ['8 03e8'])
      })
    })

    it('and has sent much ahead is refused like any other', async () => {
      await withUndecided({}, async (connect, decisions) => {
        const peer = connect()
        peer.send(frame({ opcode: 2, payload: 'x'.repeat(100_000), masked: true }))
        await until(() => decisions.length === 1)
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
        decisions[0]!.decide({ status: 401, body: 'no' })
        await peer.inputEnded
        assert.match(peer.text, /^HTTP\/1\.1 401 [\s\S]*no$/)
      })
    })

    it('is told of what `open` sends before its own messages are answered', async () => {
      const options: ServeOptions<undefined> = {
        open: (socket) => socket.send('welcome'),
        message: (socket, message) => socket.send(message),
      }
      await withUndecided(options, async (connect, decisions) => {
        const peer = connect()
        peer.send(frame({ opcode: 1, payload: 'early', masked: true }))
        await until(() => decisions.length === 1)
        decisions[0]!.decide(undefined)
        assert.deepEqual(await peer.framesOf(2), [`1 ${toHex(utf8('welcome'))}`, `1 ${toHex(utf8('early'))}`])
      })
    })
  })
}

describe('WaitingPeer', () => {
  it('reads no further from 16 KiB on, until it is released', () => {
    for (const [length, calls] of [
      [(16 << 10) - 1, []],
      [16 << 10, ['pause', 'resume']],
      [(16 << 10) + 1, ['pause', 'resume']],
    ] as const) {
      const transport = new RecordingTransport()
      const peer = new WaitingPeer(transport, webPayload, new ReceiveBudget(1 << 20), {
        left: assert.fail,
        noRoom: assert.fail,
      })
      peer.received(new Uint8Array(length), 0, length)
      assert.equal(peer.release()?.length, length)
      assert.deepEqual(transport.calls, calls)
    }
  })
})

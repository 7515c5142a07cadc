import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { frame } from 'twoway-testing/bytes.js'
import { StillNetwork } from 'twoway-testing/harnesses/still-network.js'
import { handshakeRequest } from 'twoway-testing/peers/handshake-request.js'
import { Trace } from '../../core/observing/trace.js'
import type { ServeOptions } from '../handler-types.js'
import { startServer } from '../listening-server.js'
import type { ServerTraces } from '../server-diagnostics.js'

const kinds = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
const text = (payload: string): Uint8Array => frame({ opcode: 1, payload, masked: true })

type Context = Record<string, unknown>
type Told = readonly [kind: string, context: Context]

/** Listens to the five channels of an operation, until the test ends. */
function listenTo(name: string): Told[] {
  const told: Told[] = []
  for (const kind of kinds) {
    const full = `tracing:${name}:${kind}`
    const listener = (context: unknown): void => {
      told.push([kind, context as Context])
    }
    subscribe(full, listener)
    undo.push(() => unsubscribe(full, listener))
  }
  return told
}

const undo: (() => void)[] = []
beforeEach(() => undo.splice(0))
afterEach(() => {
  for (const each of undo) each()
})

const diagnostics = { channel }

describe('Trace', () => {
  it('tells of the start and the end of a call, with its result', () => {
    const told = listenTo('test:call')
    const context: Context = { mine: 1 }
    const result = new Trace(diagnostics, 'test:call').run(context, () => {
      assert.deepEqual(
        told.map(([kind]) => kind),
        ['start'],
      )
      return 5
    })
    assert.equal(result, 5)
    assert.deepEqual(told, [
      ['start', context],
      ['end', context],
    ])
    assert.deepEqual(context, { mine: 1, result: 5 })
  })

  it('tells of a call that throws, and throws the same', () => {
    const told = listenTo('test:throw')
    const error = new Error('boom')
    const context: Context = {}
    const run = () =>
      new Trace(diagnostics, 'test:throw').run(context, () => {
        throw error
      })
    assert.throws(run, error)
    assert.deepEqual(
      told.map(([kind]) => kind),
      ['start', 'error', 'end'],
    )
    assert.deepEqual(context, { error })
  })

  it('tells of a promise when it is settled, after the end of its call', async () => {
    const told = listenTo('test:promise')
    const trace = new Trace(diagnostics, 'test:promise')
    assert.equal(await trace.run({}, async () => 'yes'), 'yes')
    const error = new Error('boom')
    await assert.rejects(trace.run({}, () => Promise.reject(error)) as Promise<unknown>, error)
    assert.deepEqual(
      told.map(([kind, { result, error: failure }]) => [kind, result ?? failure]),
      [
        ['start', 'yes'],
        ['end', 'yes'],
        ['asyncStart', 'yes'],
        ['asyncEnd', 'yes'],
        ['start', error],
        ['end', error],
        ['error', error],
        ['asyncStart', error],
        ['asyncEnd', error],
      ],
    )
  })

  it('has subscribers where only one of the five channels has', () => {
    const trace = new Trace(diagnostics, 'test:one')
    assert.equal(trace.hasSubscribers, false)
    for (const kind of kinds) {
      const listener = (): void => {}
      subscribe(`tracing:test:one:${kind}`, listener)
      assert.equal(trace.hasSubscribers, true, kind)
      unsubscribe(`tracing:test:one:${kind}`, listener)
    }
    assert.equal(trace.hasSubscribers, false)
  })
})

/** A server of these handlers, and a peer that sends messages after its handshake. */
async function play(options: ServeOptions<unknown>, ...messages: readonly string[]): Promise<void> {
  const network = new StillNetwork({ diagnostics })
  const server = await startServer({ port: 0, error() {}, ...options }, network.ports)
  const peer = network.connect(server.port, handshakeRequest('/path'))
  await network.settle()
  for (const message of messages) peer.send(text(message))
  await network.settle()
  for (const socket of server.connections) socket.terminate()
  peer.destroy()
  await network.settle()
  await server.close()
}

describe('a server', () => {
  it('traces each handler, with its argument', async () => {
    const told = listenTo('twoway:handler')
    await play(
      {
        upgrade: () => ({ data: 1 }),
        open() {},
        message: async (socket, message) => void socket.send(message),
        close() {},
      },
      'hi',
    )
    const contexts = [...new Set(told.map(([, context]) => context))] as unknown as ServerTraces['twoway:handler'][]
    assert.deepEqual(
      contexts.map(({ handler }) => handler),
      ['upgrade', 'open', 'message', 'close'],
    )
    const [upgrade, open, message] = contexts
    assert.match((upgrade!.argument as { url: string }).url, /\/path$/)
    assert.equal(upgrade!.socket, undefined)
    assert.equal(message!.argument, 'hi')
    assert.equal(message!.socket, open!.socket)
    assert.deepEqual(
      told.filter(([, context]) => context === (message as unknown)).map(([kind]) => kind),
      ['start', 'end', 'asyncStart', 'asyncEnd'],
    )
  })

  it('traces handlers that throw and that reject', async () => {
    const told = listenTo('twoway:handler')
    await play({ message: () => Promise.reject(new Error('later')) }, 'hi')
    await play(
      {
        message() {
          throw new Error('now')
        },
      },
      'hi',
    )
    assert.deepEqual(
      told.map(([kind, { error }]) => `${kind} ${(error as Error).message}`),
      [
        ...['start later', 'end later', 'error later', 'asyncStart later', 'asyncEnd later'],
        ...['start now', 'error now', 'end now'],
      ],
    )
  })

  const answers: readonly (readonly [ServeOptions<unknown>['upgrade'], kinds: readonly string[], status: number])[] = [
    [undefined, ['start', 'end'], 101],
    [() => undefined, ['start', 'end'], 101],
    [async () => undefined, ['start', 'end', 'asyncStart', 'asyncEnd'], 101],
    [async () => ({ status: 401 }), ['start', 'end', 'asyncStart', 'asyncEnd'], 401],
    [() => Promise.reject(new Error('boom')), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'], 500],
    [
      () => {
        throw new Error('boom')
      },
      ['start', 'error', 'end'],
      500,
    ],
  ]
  for (const [upgrade, expected, status] of answers) {
    it(`traces a handshake that is answered ${status}: ${expected.join(', ')}`, async () => {
      const told = listenTo('twoway:handshake')
      await play(upgrade === undefined ? {} : { upgrade })
      assert.deepEqual(
        told.map(([kind]) => kind),
        expected,
      )
      assert.equal(new Set(told.map(([, context]) => context)).size, 1)
      const [, context] = told[0]!
      assert.equal(context.status, status)
      assert.match((context.request as { url: string }).url, /\/path$/)
    })
  }

  it('traces a handshake that is refused before it is read', async () => {
    const told = listenTo('twoway:handshake')
    const network = new StillNetwork({ diagnostics })
    const server = await startServer({ port: 0 }, network.ports)
    const withoutVersion = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
    const peer = network.connect(server.port, new TextEncoder().encode(withoutVersion))
    await network.settle()
    peer.destroy()
    await network.settle()
    await server.close()
    assert.deepEqual(
      told.map(([kind, { status, request }]) => [kind, status, request]),
      [
        ['start', 426, undefined],
        ['end', 426, undefined],
      ],
    )
  })

  it('runs handlers in the stores that are bound to the start of their traces', async () => {
    const handshakes = new AsyncLocalStorage<string>()
    const handlers = new AsyncLocalStorage<string>()
    const [ofHandshake, ofHandler] = ['handshake', 'handler'].map((name) => channel(`tracing:twoway:${name}:start`))
    ofHandshake!.bindStore(handshakes, () => 'a handshake')
    ofHandler!.bindStore(handlers, (context) => (context as ServerTraces['twoway:handler']).handler)
    undo.push(
      () => ofHandshake!.unbindStore(handshakes),
      () => ofHandler!.unbindStore(handlers),
    )
    const seen: unknown[] = []
    const see = (): void => {
      seen.push([handshakes.getStore(), handlers.getStore()])
    }
    await play(
      {
        upgrade: async () => {
          await null
          see()
          return undefined
        },
        async message() {
          await null
          see()
        },
      },
      'hi',
    )
    assert.deepEqual(seen, [
      ['a handshake', 'upgrade'],
      [undefined, 'message'],
    ])
  })
})

describe('measureHandlers', () => {
  it('has a histogram of the time of each handler, with the promise that it returns', async () => {
    const network = new StillNetwork()
    const { clock } = network
    let finish: () => void = () => {}
    const server = await startServer(
      {
        port: 0,
        measureHandlers: true,
        open: () => void clock.advance(30),
        message: (_, message) => {
          if (message === 'throw') throw new Error('boom')
          return new Promise<void>((resolve) => {
            finish = resolve
          })
        },
        error() {},
      },
      network.ports,
    )
    const peer = network.connect(server.port, handshakeRequest('/'))
    await network.settle()
    peer.send(text('wait'))
    await network.settle()
    assert.deepEqual(Object.keys(server.metrics().histograms.handlerMs), ['open'])
    clock.advance(200)
    finish()
    await network.settle()
    peer.send(text('throw'))
    await network.settle()
    const { open, message } = server.metrics().histograms.handlerMs
    assert.equal(open!.sum, 30)
    assert.equal(message!.sum, 200)
    assert.equal(
      message!.counts.reduce((one, other) => one + other),
      2,
    )
    peer.destroy()
    await network.settle()
    await server.close()
  })
})

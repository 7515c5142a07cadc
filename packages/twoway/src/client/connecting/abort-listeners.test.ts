import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { acceptance } from 'twoway-testing/peers/acceptance.js'
import { listenOnLoopback, readHead } from 'twoway-testing/peers/loopback.js'
import { networks } from 'twoway-testing/peers/networks.js'
import { openClientSocket } from '../stream/client-stream-socket.js'
import { defineWebSocketStream } from '../stream/websocket-stream.js'
import { defineWebSocket } from '../websocket/websocket.js'
import { onAbort } from './abort-listeners.js'

const { clientPorts } = networks.find(({ name }) => name === 'TCP')!
const WebSocket = defineWebSocket(clientPorts)
const WebSocketStream = defineWebSocketStream(openClientSocket(clientPorts))

/** A server that accepts handshakes, refuses those for /no, and lets those for /wait wait. */
async function server(context: TestContext) {
  const onSocket = async (socket: Socket): Promise<void> => {
    const head = await readHead(socket)
    if (head.startsWith('GET /no ')) socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')
    else if (!head.startsWith('GET /wait ')) socket.write(acceptance(head))
    socket.resume()
  }
  const { port, sockets } = await listenOnLoopback(context, (socket) => onSocket(socket).catch(() => {}))
  return { url: `ws://127.0.0.1:${port}`, sockets }
}

function ended(socket: object): Promise<unknown> {
  return once(socket as EventTarget, 'close')
}

/** The ways in which connecting ends; each resolves once it has. */
const ends: Readonly<Record<string, (url: string, signal: AbortSignal, context: TestContext) => Promise<unknown>>> = {
  'a WebSocket that opens': async (url, signal, context) => {
    const socket = new WebSocket(url, { signal })
    context.after(() => socket.close())
    await once(socket as unknown as EventTarget, 'open')
  },
  'a WebSocket that is refused': (url, signal) => ended(new WebSocket(`${url}/no`, { signal })),
  'a WebSocket that can not connect': (_, signal) => ended(new WebSocket('ws://127.0.0.1:1', { signal })),
  'a WebSocket that is closed before it opens': (url, signal) => {
    const socket = new WebSocket(url, { signal })
    socket.close()
    return ended(socket)
  },
  'a WebSocket that runs out of time': (url, signal) =>
    ended(new WebSocket(`${url}/wait`, { signal, handshakeTimeoutMs: 20 })),
  'a WebSocketStream that opens': async (url, signal, context) => {
    const stream = new WebSocketStream(url, { signal })
    context.after(() => stream.close())
    await stream.opened
  },
  'a WebSocketStream that is refused': (url, signal) =>
    new WebSocketStream(`${url}/no`, { signal }).closed.catch(() => {}),
  'a WebSocketStream that is closed before it opens': (url, signal) => {
    const stream = new WebSocketStream(`${url}/wait`, { signal })
    stream.close()
    return stream.closed.catch(() => {})
  },
}

describe('a signal that many share', () => {
  for (const [what, end] of Object.entries(ends)) {
    it(`is listened to once, and no more after ${what}`, async (context) => {
      const { url } = await server(context)
      const { signal } = new AbortController()
      const warnings: Error[] = []
      const onWarning = (warning: Error): void => void warnings.push(warning)
      process.on('warning', onWarning)
      context.after(() => process.off('warning', onWarning))
      const all = Array.from({ length: 30 }, () => end(url, signal, context))
      assert.equal(getEventListeners(signal, 'abort').length, 1)
      await Promise.all(all)
      assert.equal(getEventListeners(signal, 'abort').length, 0)
      // Node warns in a later turn.
      await new Promise((resolve) => setImmediate(resolve))
      assert.deepEqual(warnings, [])
    })
  }

  it('ends all clients that still connect, and leaves nothing behind', async (context) => {
    const { url } = await server(context)
    const controller = new AbortController()
    const { signal } = controller
    await ends['a WebSocket that is refused']!(url, signal, context)
    const open = new WebSocket(url, { signal })
    context.after(() => open.close())
    await once(open as unknown as EventTarget, 'open')
    const sockets = Array.from({ length: 20 }, () => ended(new WebSocket(`${url}/wait`, { signal })))
    const streams = Array.from({ length: 20 }, () => new WebSocketStream(`${url}/wait`, { signal }))
    controller.abort(new Error('enough'))
    assert.equal(getEventListeners(signal, 'abort').length, 0)
    await Promise.all(sockets)
    for (const stream of streams) await assert.rejects(stream.opened, /enough/)
    assert.equal(open.readyState, open.OPEN)
  })
})

describe('the events of a socket whose caller aborts connecting', () => {
  const aborted = AbortSignal.abort(new Error('enough'))

  const ways: Readonly<Record<string, (url: string) => InstanceType<typeof WebSocket>>> = {
    'by a signal that is aborted already': (url) => new WebSocket(url, { signal: aborted }),
    'by a signal, over TLS': (url) => {
      const controller = new AbortController()
      const socket = new WebSocket(url.replace('ws:', 'wss:'), { signal: controller.signal })
      controller.abort(new Error('enough'))
      return socket
    },
    'by a signal': (url) => {
      const controller = new AbortController()
      const socket = new WebSocket(url, { signal: controller.signal })
      controller.abort(new Error('enough'))
      return socket
    },
    'by a signal, where a proxy is to be asked': (url) => {
      const controller = new AbortController()
      const socket = new WebSocket(url, { signal: controller.signal, proxy: url.replace('ws:', 'http:') })
      controller.abort(new Error('enough'))
      return socket
    },
    'by close()': (url) => {
      const socket = new WebSocket(url)
      socket.close()
      return socket
    },
  }

  for (const [what, giveUp] of Object.entries(ways)) {
    it(`come in tasks of their own, behind all promises: ${what}`, async (context) => {
      const { url } = await server(context)
      const socket = giveUp(url)
      const log: string[] = []
      for (const type of ['error', 'close']) socket.addEventListener(type, () => log.push(type))
      // In Node ticks run between promises.
      for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => process.nextTick(resolve))
      assert.deepEqual(log, [])
      await ended(socket)
      assert.deepEqual(log, ['error', 'close'])
    })
  }

  it('come without a connection if the signal was aborted before', async (context) => {
    const { url, sockets } = await server(context)
    const socket = new WebSocket(url, { signal: aborted })
    const [event] = (await once(socket as unknown as EventTarget, 'error')) as [{ error: Error }]
    assert.equal(event.error.cause, aborted.reason)
    await assert.rejects(new WebSocketStream(url, { signal: aborted }).opened, /enough/)
    await ends['a WebSocket that opens']!(url, new AbortController().signal, context)
    assert.equal(sockets.length, 1)
  })
})

describe('onAbort', () => {
  it('calls back each remaining listener once', () => {
    const controller = new AbortController()
    const log: number[] = []
    const stops = [0, 1, 2, 3].map((number) => onAbort(controller.signal, () => log.push(number)))
    stops[1]!()
    stops[1]!()
    controller.abort()
    assert.deepEqual(log, [0, 2, 3])
    for (const stop of stops) stop()
  })

  it('forgets a listener that leaves while others are called', () => {
    const controller = new AbortController()
    const log: string[] = []
    onAbort(controller.signal, () => stop())
    const stop = onAbort(controller.signal, () => log.push('called'))
    controller.abort()
    assert.deepEqual(log, [])
  })

  it('listens again after its last listener has left', () => {
    const controller = new AbortController()
    onAbort(controller.signal, () => {})()
    let calls = 0
    onAbort(controller.signal, () => calls++)
    controller.abort()
    assert.equal(calls, 1)
  })
})

import { once } from 'node:events'
import type * as Ws from 'ws'
import { called, closeOf, inner, received, thrown, withPair, withServer } from './harness.js'
import type { Module, Row } from './row.js'

/** The members of an open connection, its Pings, its end and its events. */
export const connectionRows: readonly Row[] = [
  // Members of an open connection
  {
    name: 'protocol, extensions, url, readyState, binaryType, isPaused, bufferedAmount of a client',
    result: ['a', '', '/path?query', 1, 'nodebuffer', false, 0],
    run: (W) =>
      withPair(
        W,
        ({ client }) => [
          client.protocol,
          client.extensions,
          client.url.replace(/^ws:..[^/]*/, ''),
          client.readyState,
          client.binaryType,
          client.isPaused,
          client.bufferedAmount,
        ],
        {},
        {},
        ['a', 'b'],
      ),
  },
  {
    name: 'the same of a server',
    result: ['a', 'permessage-deflate', 1],
    run: (W) =>
      withPair(
        W,
        ({ remote }) => [remote.protocol, remote.extensions, remote.readyState],
        { perMessageDeflate: true },
        {},
        ['a'],
      ),
  },
  {
    name: 'an unknown binaryType is ignored',
    result: 'nodebuffer',
    run: (W) =>
      withPair(W, ({ client }) => {
        client.binaryType = 'x' as 'nodebuffer'
        return client.binaryType
      }),
  },
  {
    name: 'clients and instanceof',
    result: [1, true, true],
    run: (W) =>
      withPair(W, ({ server, remote }) => [server.clients.size, server.clients.has(remote), remote instanceof W]),
  },

  // ping, pong, pause
  {
    name: 'ping and its pong',
    result: ['a', 'a'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([once(remote, 'ping'), once(client, 'pong')])
        client.ping('a')
        return (await events).map(([data]) => String(data))
      }),
  },
  {
    name: 'a pong that answers nothing',
    result: 'b',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const arrived = once(remote, 'pong')
        client.pong('b')
        return String((await arrived)[0])
      }),
  },
  {
    name: 'ping with data that is too long',
    result: ['RangeError', 'The data size must not be greater than 125 bytes'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.ping(Buffer.alloc(126)))),
  },
  {
    name: 'ping with a number',
    result: '7',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const arrived = once(remote, 'ping')
        client.ping(7)
        return String((await arrived)[0])
      }),
  },
  {
    name: 'the callback of ping',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.ping('', true, done))),
  },
  {
    name: 'autoPong: false',
    result: 'message',
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const first = Promise.race([
            once(client, 'pong').then(() => 'pong'),
            once(client, 'message').then(() => 'message'),
          ])
          remote.on('ping', () => remote.send('a'))
          client.ping()
          return first
        },
        { autoPong: false },
      ),
  },
  {
    name: 'pause and resume',
    result: [true, 0, false, 1],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        let count = 0
        client.on('message', () => {
          count += 1
        })
        client.pause()
        const wasPaused = client.isPaused
        await called((done) => remote.send('a', done))
        await new Promise((resolve) => setTimeout(resolve, 50))
        const before = count
        const arrived = once(client, 'message')
        client.resume()
        await arrived
        return [wasPaused, before, client.isPaused, count]
      }),
  },

  // Closing
  ...(
    [
      ['close()', [], [1005, '', 1005, '']],
      ['close(code)', [1000], [1000, '', 1000, '']],
      ['close(code, reason)', [4000, 'bye'], [4000, 'bye', 4000, 'bye']],
      ['close(code, Buffer)', [4999, Buffer.from('bye')], [4999, 'bye', 4999, 'bye']],
    ] as const
  ).map(([name, values, result]) => ({
    name,
    result,
    run: (W: Module) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([closeOf(client), closeOf(remote)])
        client.close(...(values as unknown as [number, string]))
        const [[code, reason], [otherCode, otherReason]] = (await events) as [[number, Buffer], [number, Buffer]]
        return [code, String(reason), otherCode, String(otherReason)]
      }),
  })),
  {
    name: 'close with an invalid code',
    result: ['TypeError', 'First argument must be a valid error code number'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.close(1006))),
  },
  {
    name: 'close with a long reason',
    result: ['RangeError', 'The message must not be greater than 123 bytes'],
    run: (W) => withPair(W, ({ client }) => thrown(() => client.close(1000, 'a'.repeat(124)))),
  },
  {
    name: 'terminate',
    result: [2, 1006, 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const events = Promise.all([closeOf(client), closeOf(remote)])
        client.terminate()
        const state = client.readyState
        const [[code], [otherCode]] = await events
        return [state, code, otherCode]
      }),
  },
  ...(['close', 'terminate'] as const).map((method) => ({
    name: `${method} while connecting`,
    result: ['WebSocket was closed before the connection was established', 1006, 3],
    run: (W: Module) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const error = new Promise<Error>((resolve) => client.on('error', resolve))
        const closed = new Promise<number>((resolve) => client.on('close', resolve))
        client[method]()
        return [(await error).message, await closed, client.readyState]
      }),
  })),
  {
    name: 'a connection that the network loses: no error',
    result: [1006, 0],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        let errors = 0
        remote.on('error', () => {
          errors += 1
        })
        const closed = closeOf(remote)
        inner(client)._socket.resetAndDestroy()
        return [(await closed)[0], errors]
      }),
  },

  // EventTarget
  {
    name: 'addEventListener: types and data',
    result: ['open undefined', 'message a', 'close 4000 bye true'],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        server.on('connection', (ws) => {
          ws.send('a')
          ws.on('message', () => ws.close(4000, 'bye'))
        })
        const client = new W(`ws://127.0.0.1:${port}`)
        const log: string[] = []
        client.addEventListener('open', (event) => log.push(`${event.type} ${(event as { data?: unknown }).data}`))
        client.addEventListener('message', (event) => {
          log.push(`${event.type} ${event.data}`)
          event.target.send('b')
        })
        await new Promise<void>((resolve) =>
          client.addEventListener('close', (event) => {
            log.push(`close ${event.code} ${event.reason} ${event.wasClean}`)
            resolve()
          }),
        )
        return log
      }),
  },
  {
    name: 'once, handleEvent, the same handler twice, removeEventListener',
    result: ['once', 'object', 'object'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log: string[] = []
        const removed = (): unknown => log.push('removed')
        const object = { handleEvent: () => log.push('object') }
        client.addEventListener('message', () => log.push('once'), { once: true })
        client.addEventListener('message', object as never)
        client.addEventListener('message', object as never)
        client.addEventListener('message', removed)
        client.removeEventListener('message', removed)
        await received(client, () => remote.send('a'))
        await received(client, () => remote.send('b'))
        return log
      }),
  },
  {
    name: 'onmessage is one at a time',
    result: ['second', true, true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log: unknown[] = []
        const second = (): unknown => log.push('second')
        const none = client.onmessage === null
        client.onmessage = () => log.push('first')
        client.onmessage = second
        await received(client, () => remote.send('a'))
        return [...log, client.onmessage === second, none]
      }),
  },
  {
    name: 'the error event',
    result: ['error', 'Unexpected server response: 400', true],
    run: (W) =>
      withServer(W, { path: '/x' }, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const event = await new Promise<Ws.ErrorEvent>((resolve) => {
          client.onerror = resolve
        })
        return [event.type, event.message, event.error instanceof Error]
      }),
  },
]

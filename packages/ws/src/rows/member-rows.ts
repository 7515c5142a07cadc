import { once } from 'node:events'
import { closeOf, inner, received, thrown, withPair, withServer } from './harness.js'
import type { Module, Row, Socket } from './row.js'

/** The payload of a Ping or a Pong. */
const payloads: readonly (readonly [string, unknown, readonly number[]])[] = [
  ['a string', 'ä', [195, 164]],
  ['a Buffer', Buffer.from([1, 2]), [1, 2]],
  ['an array', [1, 2], [1, 2]],
  ['an ArrayBuffer', Uint8Array.of(1, 2).buffer, [1, 2]],
  ['a DataView', new DataView(Uint8Array.of(1, 2).buffer, 1), [2]],
  ['a Float64Array', new Float64Array(1), [0, 0, 0, 0, 0, 0, 0, 0]],
  ['a Blob', new Blob(['ab']), [97, 98]],
  ['nothing', undefined, []],
]

/** The other members of a WebSocket. */
export const memberRows: readonly Row[] = [
  ...(['ping', 'pong'] as const).flatMap((method) =>
    payloads.map(([name, data, result]) => ({
      name: `${method} with ${name}`,
      result: [...result],
      run: (W: Module) =>
        withPair(W, async ({ client, remote }) => {
          const arrived = once(remote, method)
          client[method](data)
          return [...((await arrived)[0] as Buffer)]
        }),
    })),
  ),
  {
    name: 'the callback of pong, in each place',
    result: [1, 2, 3],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const log: number[] = []
        await new Promise<void>((resolve) => {
          client.pong(() => log.push(1))
          client.pong('a', (() => log.push(2)) as never)
          client.pong('a', true, () => {
            log.push(3)
            resolve()
          })
        })
        return log
      }),
  },
  {
    name: 'send with mask: true of a client',
    result: ['Buffer', [97], false],
    run: (W) => withPair(W, ({ client, remote }) => received(remote, () => client.send('a', { mask: true }))),
  },
  {
    name: 'send an object that Buffer.from does not take',
    result: ['TypeError', 'TypeError'],
    run: (W) =>
      withPair(W, ({ client }) =>
        [{}, true].map((value) => (thrown(() => client.send(value as never)) as [string])[0]),
      ),
  },
  {
    name: 'ping and pong after close: the callback gets an error',
    result: Array(2).fill('WebSocket is not open: readyState 3 (CLOSED)'),
    run: (W) =>
      withPair(W, async ({ client }) => {
        client.terminate()
        await closeOf(client)
        return Promise.all(
          (['ping', 'pong'] as const).map(
            (method) => new Promise((resolve) => client[method]('a', true, (error) => resolve(error.message))),
          ),
        )
      }),
  },
  {
    name: 'open',
    result: [1, 1],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const states: number[] = []
        client.on('open', () => states.push(client.readyState))
        client.onopen = ({ target }) => states.push(target.readyState)
        await once(client, 'open')
        client.terminate()
        return states
      }),
  },
  {
    name: 'onclose and onerror',
    result: [
      ['error', 'Unexpected server response: 400'],
      ['close', 1006, '', false],
    ],
    run: (W) =>
      withServer(
        W,
        { path: '/x' },
        (_server, port) =>
          new Promise((resolve) => {
            const client = new W(`ws://127.0.0.1:${port}`)
            const log: unknown[] = []
            client.onerror = ({ type, message }) => log.push([type, message])
            client.onclose = ({ type, code, reason, wasClean }) => {
              log.push([type, code, reason, wasClean])
              resolve(log)
            }
          }),
      ),
  },
  {
    name: 'addEventListener of another type does nothing',
    result: [0, 0],
    run: (W) =>
      withPair(W, ({ client }) => {
        client.addEventListener('ping' as 'open', () => {})
        client.addEventListener('upgrade' as 'open', () => {})
        return [client.listenerCount('ping'), client.listenerCount('upgrade')]
      }),
  },
  {
    name: 'removeEventListener leaves listeners of on and onmessage',
    result: [2, 'function'],
    run: (W) =>
      withPair(W, ({ client }) => {
        const listener = (): void => {}
        client.on('message', listener)
        client.onmessage = listener
        client.removeEventListener('message', listener)
        return [client.listenerCount('message'), typeof client.onmessage]
      }),
  },
  {
    name: 'url of a server',
    result: 'undefined',
    run: (W) => withPair(W, ({ remote }) => typeof remote.url),
  },
  {
    name: 'bufferedAmount while the peer does not read, and after it does',
    result: [true, 0],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        remote.pause()
        const sent = new Promise((resolve) => client.send(Buffer.alloc(20_000_000), resolve))
        const isWaiting = client.bufferedAmount > 0
        remote.resume()
        await sent
        return [isWaiting, client.bufferedAmount]
      }),
  },
  {
    name: 'pause and resume while connecting, and after the end, do nothing',
    result: [false, false],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        client.pause()
        const before = client.isPaused
        client.resume()
        await once(client, 'open')
        client.terminate()
        await closeOf(client)
        client.pause()
        return [before, client.isPaused]
      }),
  },
  {
    name: 'a paused connection sees its end after it is resumed',
    result: [['a'], 1000],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const all: string[] = []
        client.on('message', (data) => all.push(String(data)))
        client.pause()
        remote.send('a')
        remote.close(1000)
        await new Promise((resolve) => setTimeout(resolve, 50))
        const closed = closeOf(client)
        client.resume()
        return [all, (await closed)[0]]
      }),
  },
  {
    name: 'binaryType that changes between messages',
    result: [
      ['ArrayBuffer', [1], true],
      ['Buffer', [2], true],
    ],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        client.binaryType = 'arraybuffer'
        const first = await received(client, () => remote.send(Buffer.from([1])))
        client.binaryType = 'nodebuffer'
        return [first, await received(client, () => remote.send(Buffer.from([2])))]
      }),
  },
  {
    name: 'close twice, and after the end',
    result: [1000, 3],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const closed = closeOf(client)
        client.close(1000)
        client.close(4000)
        const { 0: code } = await closed
        client.close()
        client.terminate()
        return [code, client.readyState]
      }),
  },
  {
    name: 'terminate after close',
    result: 1006,
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        remote.pause()
        const closed = closeOf(client)
        client.close(1000)
        client.terminate()
        return (await closed)[0]
      }),
  },
  {
    name: 'the end of the peer without a Close',
    result: [1006, ''],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const closed = closeOf(remote)
        inner(client)._socket.end()
        const { 0: code, 1: reason } = await closed
        return [code, String(reason)]
      }),
  },
  {
    name: 'readyState within the events of the end',
    result: [3, 3, false],
    run: (W) =>
      withPair(W, async ({ client, remote, server }) => {
        const states: unknown[] = []
        const both = [client, remote].map(
          (ws: Socket) =>
            new Promise<void>((resolve) => ws.on('close', () => resolve(void states.push(ws.readyState)))),
        )
        client.close()
        await Promise.all(both)
        return [...states, server.clients.has(remote)]
      }),
  },
]

import { once } from 'node:events'
import { createServer } from 'node:http'
import net from 'node:net'
import { closeOf, inner, type Pair, received, withPair } from '../harness.js'
import type { Row } from '../row.js'

/** The socket of a connection, which programs reach by `_socket`. */
export const socketRows: readonly Row[] = [
  {
    name: '_socket is a net.Socket',
    result: [true, true],
    run: (W) =>
      withPair(W, ({ client, remote }) => [client, remote].map((ws) => inner(ws)._socket instanceof net.Socket)),
  },
  {
    name: '_socket is the socket of the request, and keeps the properties that a program gives it',
    result: [true, true, true, 'mine', 'mine', '127.0.0.1'],
    run: (W) =>
      withPair(W, ({ remote, request }) => {
        const { socket } = request
        Object.assign(socket, { mine: 'mine' })
        const { _socket: own } = inner(remote) as unknown as { _socket: { mine: string } }
        const { mine } = request.socket as unknown as { mine: string }
        const { remoteAddress } = request.socket
        return [
          (own as unknown) === socket,
          request.socket === socket,
          request.connection === socket,
          own.mine,
          mine,
          remoteAddress,
        ]
      }),
  },
  {
    name: '_socket: addresses, while it is open and after it has closed',
    result: ['127.0.0.1', true, 'IPv4', '127.0.0.1', true, '127.0.0.1'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const near = inner(client)._socket
        const far = inner(remote)._socket
        const { remoteAddress, remoteFamily, localAddress } = far
        const areSame = [far.remotePort === near.localPort, near.remotePort === far.localPort]
        client.terminate()
        await closeOf(remote)
        return [remoteAddress, areSame[0], remoteFamily, localAddress, areSame[1], far.remoteAddress]
      }),
  },
  {
    name: '_socket: setNoDelay, setKeepAlive, ref and unref return it',
    result: [true, true, true, true],
    run: (W) =>
      withPair(W, ({ remote }) => {
        const { _socket: socket } = inner(remote)
        return [socket.setNoDelay(false), socket.setKeepAlive(true, 1000), socket.unref(), socket.ref()].map(
          (result) => result === socket,
        )
      }),
  },
  {
    name: '_socket: states',
    result: ['open', false, true, true, false],
    run: (W) =>
      withPair(W, ({ remote }) => {
        const { readyState, destroyed, readable, writable, connecting } = inner(remote)._socket
        return [readyState, destroyed, readable, writable, connecting]
      }),
  },
  {
    name: '_socket: bytesRead and bytesWritten grow by the frames, also when it has closed',
    result: [9, 7, true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const { _socket: socket } = inner(remote)
        const { bytesRead, bytesWritten } = socket
        await received(remote, () => client.send('abc'))
        const read = socket.bytesRead - bytesRead
        await received(client, () => remote.send('abcde'))
        const written = socket.bytesWritten - bytesWritten
        client.terminate()
        await closeOf(remote)
        return [read, written, socket.bytesRead >= bytesRead + 9]
      }),
  },
  {
    name: '_socket.write sends bytes between messages',
    result: ['one', 'two', 'three', 'four', 'five'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const { _socket: socket } = inner(remote)
        const heard: string[] = []
        client.on('message', (data: Buffer) => heard.push(String(data)))
        const all = new Promise<void>((resolve) => client.on('ping', () => resolve()))
        await new Promise<void>((resolve) => remote.send('one', () => resolve()))
        await new Promise<void>((resolve) => socket.write(Buffer.from('\x81\x03two', 'latin1'), () => resolve()))
        socket.cork()
        socket.write('\x81\x05three', 'latin1')
        socket.write(Buffer.from('\x81\x04four', 'latin1'))
        socket.uncork()
        await new Promise((resolve) => setImmediate(resolve))
        remote.send('five')
        remote.ping()
        await all
        return heard
      }),
  },
  {
    name: '_socket.pause stops the messages, _socket.resume lets them go on',
    result: [true, 0, false, 'a'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const { _socket: socket } = inner(remote)
        let count = 0
        const heard = new Promise((resolve) =>
          remote.on('message', (data) => {
            count += 1
            resolve(String(data))
          }),
        )
        socket.pause()
        const isPaused = socket.isPaused()
        client.send('a')
        const answered = once(client, 'message')
        remote.send('b')
        await answered
        await new Promise((resolve) => setTimeout(resolve, 20))
        const before = count
        socket.resume()
        return [isPaused, before, socket.isPaused(), await heard]
      }),
  },
  {
    name: '_socket.setTimeout tells of silence',
    result: [true, 50],
    run: (W) =>
      withPair(W, async ({ remote }) => {
        const { _socket: socket } = inner(remote)
        let callbacks = 0
        socket.setTimeout(50, () => {
          callbacks += 1
        })
        await once(socket, 'timeout')
        const { timeout } = socket
        socket.setTimeout(0)
        return [callbacks === 1, timeout]
      }),
  },
  {
    name: '_socket: events of an orderly end',
    result: [true, ['finish'], 1000],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const { _socket: socket } = inner(remote)
        const log: string[] = []
        const finished = once(socket, 'finish').then(() => log.push('finish'))
        const closed = once(socket, 'close')
        const ended = closeOf(remote)
        client.close(1000)
        await Promise.all([finished, closed])
        return [socket.destroyed, log, (await ended)[0]]
      }),
  },
  {
    name: "_socket emits 'end' when the peer ends",
    result: ['end', 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const ended = once(inner(remote)._socket, 'end')
        const closed = closeOf(remote)
        inner(client)._socket.end()
        await ended
        return ['end', (await closed)[0]]
      }),
  },
  {
    name: "_socket emits 'error' and 'close' for a reset",
    result: ['ECONNRESET', true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const { _socket: socket } = inner(remote)
        const failed = once(socket, 'error')
        const closed = once(socket, 'close').catch(() => {})
        inner(client)._socket.resetAndDestroy()
        const code = ((await failed) as unknown as [NodeJS.ErrnoException]).at(0)
        await closed
        return [(code as NodeJS.ErrnoException).code, socket.destroyed]
      }),
  },
  {
    name: '_socket.destroy closes the connection, and calls back on both sides',
    result: [1006, 1006, true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const codes = [closeOf(client), closeOf(remote)]
        const closed = once(inner(remote)._socket, 'close')
        inner(remote)._socket.destroy()
        await closed
        const [near, far] = await Promise.all(codes)
        return [near![0], far![0], inner(remote)._socket.destroyed]
      }),
  },
  {
    name: '_socket.destroySoon ends both sides',
    result: 1006,
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const closed = closeOf(client)
        inner(remote)._socket.destroySoon()
        return (await closed)[0]
      }),
  },
  {
    name: 'a listener of the HTTP server that reads the socket gets the bytes of the frames',
    result: ['a', 7],
    run: async (W) => {
      const http = createServer().listen(0, '127.0.0.1')
      let bytes = 0
      http.on('connection', (socket) => {
        socket.on('data', (chunk) => {
          bytes += chunk.length
        })
      })
      const use = async ({ client, remote }: Pair): Promise<unknown> => {
        bytes = 0
        const heard = once(remote, 'message')
        client.send('a')
        return [String((await heard)[0]), bytes]
      }
      try {
        return await withPair(W, use, { port: undefined, host: undefined, server: http } as object)
      } finally {
        http.close()
      }
    },
  },
]

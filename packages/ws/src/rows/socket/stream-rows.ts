import { type EventEmitter, once } from 'node:events'
import type { Duplex } from 'node:stream'
import { closeOf, withPair, withServer } from '../harness.js'
import type { Module, Row } from '../row.js'

/** createWebSocketStream. */
export const streamRows: readonly Row[] = [
  {
    name: 'createWebSocketStream: encoding, and texts as strings with readableObjectMode',
    result: ['ä', 'string', 'object'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const decoded = W.createWebSocketStream(client, { encoding: 'utf8' })
        const first = once(decoded, 'data')
        remote.send('ä')
        const { 0: text } = (await first) as [string]
        const objects = W.createWebSocketStream(remote, { readableObjectMode: true })
        const second = once(objects, 'data')
        client.send('a')
        const kinds = [typeof (await second)[0]]
        const third = once(objects, 'data')
        client.send(Buffer.from('a'))
        kinds.push(typeof (await third)[0])
        return [text, ...kinds]
      }),
  },
  {
    name: 'createWebSocketStream: writes before the connection is open',
    result: 'early',
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const connected = once(server, 'connection')
        const stream = W.createWebSocketStream(new W(`ws://127.0.0.1:${port}`))
        stream.on('error', () => {})
        stream.write('early')
        const { 0: remote } = await connected
        const { 0: data } = await once(remote, 'message')
        stream.destroy()
        return String(data)
      }),
  },
  {
    name: 'createWebSocketStream: a handshake that fails destroys the stream',
    result: ['Unexpected server response: 400', true],
    run: (W) =>
      withServer(W, { path: '/x' }, async (_server, port) => {
        const stream = W.createWebSocketStream(new W(`ws://127.0.0.1:${port}`))
        const { 0: error } = (await once(stream, 'error')) as [Error]
        return [error.message, stream.destroyed]
      }),
  },
  {
    name: 'createWebSocketStream: destroy terminates the connection',
    result: [1006, 1006, true],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const ends = Promise.all([closeOf(client), closeOf(remote)])
        const stream = W.createWebSocketStream(client)
        const closed = new Promise((resolve) => stream.on('close', () => resolve(true)))
        stream.destroy()
        const [[code], [other]] = await ends
        return [code, other, await closed]
      }),
  },
  {
    name: 'createWebSocketStream: destroy with an error',
    result: ['mine', true],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const stream = W.createWebSocketStream(client)
        const failed = once(stream, 'error') as Promise<[Error]>
        const closed = new Promise((resolve) => stream.on('close', () => resolve(true)))
        stream.destroy(new Error('mine'))
        return [(await failed)[0].message, await closed]
      }),
  },
  {
    name: 'createWebSocketStream: the end of the peer ends the stream',
    result: ['end', 'finish', 'close'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const stream = W.createWebSocketStream(client)
        const log: string[] = []
        for (const event of ['end', 'finish', 'close']) stream.on(event, () => log.push(event))
        const closed = once(stream, 'close')
        stream.resume()
        remote.close()
        await once(stream, 'end')
        stream.end()
        await closed
        return log
      }),
  },
  {
    name: 'createWebSocketStream: an invalid frame of the peer',
    result: ['RangeError', 'WS_ERR_INVALID_OPCODE', 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const closed = closeOf(remote)
        const stream = W.createWebSocketStream(remote)
        const failed = once(stream, 'error') as Promise<[NodeJS.ErrnoException]>
        const { _socket: socket } = client as unknown as { _socket: Duplex }
        socket.write(Buffer.from([0x85, 0x80, 0, 0, 0, 0]))
        const { 0: error } = await failed
        return [error.name, error.code, (await closed)[0]]
      }),
  },
  {
    name: 'createWebSocketStream: a stream that is not read pauses the connection',
    result: [true, 3_000_000, false],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const stream = W.createWebSocketStream(remote)
        stream.on('error', () => {})
        for (let at = 0; at < 30; at += 1) client.send(Buffer.alloc(100_000))
        while (!remote.isPaused) await new Promise((resolve) => setImmediate(resolve))
        const wasPaused = remote.isPaused
        let length = 0
        for await (const chunk of stream) {
          length += (chunk as Buffer).length
          if (length === 3_000_000) break
        }
        return [wasPaused, length, remote.readyState === remote.OPEN]
      }),
  },
  ...(['conclude', 'close'] as const).map((event) => ({
    name: `createWebSocketStream: a write ${event === 'close' ? 'after the end' : "after the peer's Close"}`,
    result: [`WebSocket is not open: readyState ${event === 'close' ? '3 (CLOSED)' : '2 (CLOSING)'}`, true],
    run: (W: Module) =>
      withPair(W, async ({ client, remote }) => {
        const stream = W.createWebSocketStream(client)
        const failed = once(stream, 'error') as Promise<[Error]>
        const closed = new Promise((resolve) => stream.on('close', () => resolve(true)))
        const source = event === 'close' ? client : (client as unknown as { _receiver: EventEmitter })._receiver
        source.on(event, () => stream.write('a'))
        remote.close()
        return [(await failed)[0].message, await closed]
      }),
  })),
  {
    name: 'createWebSocketStream: chunks of one turn are sent before a later one destroys the stream',
    result: ['a', 'b', 'c', 'd'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log: string[] = []
        client.on('message', (data) => log.push(String(data)))
        const closed = closeOf(client)
        const stream = W.createWebSocketStream(remote)
        stream.cork()
        for (const text of ['a', 'b', 'c', 'd']) stream.write(text)
        process.nextTick(() => stream.uncork())
        setImmediate(() => stream.destroy())
        await closed
        return log
      }),
  },
  {
    name: 'the callback of send comes before the next turn',
    result: ['callback', 'turn'],
    run: (W) =>
      withPair(W, async ({ client }) => {
        await new Promise((resolve) => setImmediate(resolve))
        const log: string[] = []
        client.send('a', () => log.push('callback'))
        await new Promise<void>((resolve) =>
          setImmediate(() => {
            log.push('turn')
            resolve()
          }),
        )
        return log
      }),
  },
  {
    name: 'createWebSocketStream: end while connecting',
    result: ['finish', 'end', 'close'],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const stream = W.createWebSocketStream(new W(`ws://127.0.0.1:${port}`))
        const log: string[] = []
        for (const event of ['end', 'finish', 'close']) stream.on(event, () => log.push(event))
        const closed = once(stream, 'close')
        stream.resume()
        stream.end()
        await closed
        return log
      }),
  },
  {
    name: 'createWebSocketStream: end after the connection has ended',
    result: ['finish', 'end', 'close'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const stream = W.createWebSocketStream(client)
        const log: string[] = []
        for (const event of ['end', 'finish', 'close']) stream.on(event, () => log.push(event))
        const closed = once(stream, 'close')
        stream.on('finish', () => stream.resume())
        client.on('close', () => stream.end())
        remote.send('a')
        remote.close()
        await closed
        return log
      }),
  },
]

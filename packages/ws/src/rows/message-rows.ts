import { once } from 'node:events'
import { called, closeOf, received, receives, sends, thrown, withPair, withServer } from './harness.js'
import type { Row } from './row.js'

/** Messages in both directions, and the stream of them. */
export const messageRows: readonly Row[] = [
  // send
  { name: 'send a string', result: ['Buffer', [195, 164], false], run: sends('ä') },
  { name: 'send a Buffer', result: ['Buffer', [1, 2], true], run: sends(Buffer.from([1, 2])) },
  { name: 'send an ArrayBuffer', result: ['Buffer', [1, 2], true], run: sends(Uint8Array.of(1, 2).buffer) },
  { name: 'send a view', result: ['Buffer', [2, 3], true], run: sends(Uint8Array.of(1, 2, 3).subarray(1)) },
  { name: 'send a DataView', result: ['Buffer', [2], true], run: sends(new DataView(Uint8Array.of(1, 2).buffer, 1)) },
  { name: 'send a Blob', result: ['Buffer', [97, 98], true], run: sends(new Blob(['ab'])) },
  {
    name: 'send a Blob of another class',
    result: ['Buffer', [97, 98], true],
    run: sends({
      size: 2,
      type: '',
      arrayBuffer: async () => Uint8Array.of(97, 98).buffer,
      stream: () => {},
      [Symbol.toStringTag]: 'Blob',
    }),
  },
  { name: 'send a number', result: ['Buffer', [52, 50], false], run: sends(42) },
  { name: 'send an array', result: ['Buffer', [1, 2], true], run: sends([1, 2]) },
  { name: 'send an empty string', result: ['Buffer', [], false], run: sends('') },
  { name: 'send undefined', result: ['Buffer', [], true], run: sends(undefined) },
  { name: 'send bytes as a text', result: ['Buffer', [97], false], run: sends(Buffer.from('a'), { binary: false }) },
  { name: 'send a string as bytes', result: ['Buffer', [97], true], run: sends('a', { binary: true }) },
  { name: 'send with compress: false', result: ['Buffer', [97], false], run: sends('a', { compress: false }) },
  {
    name: 'send fragments',
    result: ['Buffer', [97, 98], false],
    run: (W) =>
      withPair(W, ({ client, remote }) =>
        received(remote, () => {
          client.send('a', { fin: false })
          client.send('b', { fin: true })
        }),
      ),
  },
  {
    name: 'messages after a Blob wait for it',
    result: ['a', 'b'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const all: string[] = []
        const done = new Promise<void>((resolve) =>
          remote.on('message', (data) => {
            all.push(String(data))
            if (all.length === 2) resolve()
          }),
        )
        client.send(new Blob(['a']))
        client.send('b')
        await done
        return all
      }),
  },
  {
    name: 'the callback of send',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.send('a', done))),
  },
  {
    name: 'the callback of send with options',
    result: 'done',
    run: (W) => withPair(W, ({ client }) => called((done) => client.send('a', {}, done))),
  },
  {
    name: 'callbacks come in order',
    result: [1, 2, 3],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const order: number[] = []
        client.send('a', () => order.push(1))
        client.ping('b', undefined, () => order.push(2))
        await called((done) => client.send(Buffer.alloc(100_000), done))
        return [...order, 3]
      }),
  },
  {
    name: 'send, ping and pong while connecting',
    result: Array(3).fill(['Error', 'WebSocket is not open: readyState 0 (CONNECTING)']),
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const all = [thrown(() => client.send('a')), thrown(() => client.ping()), thrown(() => client.pong())]
        await once(client, 'open')
        return all
      }),
  },
  {
    name: 'send after close: the callback, and bufferedAmount',
    result: ['WebSocket is not open: readyState 2 (CLOSING)', 3, 'WebSocket is not open: readyState 3 (CLOSED)'],
    run: (W) =>
      withPair(W, async ({ client }) => {
        client.close()
        const closing = await called((done) => client.send('abc', done))
        await closeOf(client)
        return [closing, client.bufferedAmount, await called((done) => client.send('', done))]
      }),
  },

  // Received messages
  { name: 'receive as nodebuffer', result: ['Buffer', [1], true], run: receives('nodebuffer', Buffer.from([1])) },
  {
    name: 'receive as arraybuffer',
    result: ['ArrayBuffer', [1], true],
    run: receives('arraybuffer', Buffer.from([1])),
  },
  { name: 'receive as fragments', result: ['fragments', [1], true], run: receives('fragments', Buffer.from([1])) },
  { name: 'receive as blob', result: ['Blob', [1], true], run: receives('blob', Buffer.from([1])) },
  {
    name: 'a text is a Buffer with every binaryType',
    result: ['Buffer', [97], false],
    run: receives('arraybuffer', 'a'),
  },
  {
    name: 'a compressed message',
    result: ['Buffer', 5_000],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const [kind, bytes] = (await received(remote, () => client.send('a'.repeat(5_000)))) as [string, number[]]
          return [kind, bytes.length]
        },
        { perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 3 } } },
      ),
  },
  {
    name: 'a message between our Close and the answer',
    result: ['late'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const all: string[] = []
        client.on('message', (data) => all.push(String(data)))
        remote.pause()
        client.close()
        remote.send('late')
        remote.resume()
        await closeOf(client)
        return all
      }),
  },

  // The stream
  {
    name: 'createWebSocketStream',
    result: ['to server', 'to client', 1005],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const [near, far] = [W.createWebSocketStream(client), W.createWebSocketStream(remote)]
        near.on('error', () => {})
        far.on('error', () => {})
        const closed = closeOf(remote)
        const both = Promise.all([once(far, 'data'), once(near, 'data')])
        near.write('to server')
        far.write('to client')
        const data = (await both).map(([chunk]) => String(chunk))
        near.end()
        far.resume()
        return [...data, (await closed)[0]]
      }),
  },
]

import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { acceptFor, closeOf, inner, received, withHttp, withPair } from '../harness.js'
import type { Row } from '../row.js'

/** Two streams, each of which reads what is written to the other. */
function streamPair(): [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk)
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const near: Duplex = end(() => far)
  const far: Duplex = end(() => near)
  return [near, far]
}

/** Private members that packages use. */
export const privateRows: readonly Row[] = [
  {
    name: '_socket',
    result: ['127.0.0.1', 'number', true],
    run: (W) =>
      withPair(W, ({ remote }) => {
        const { _socket: socket } = inner(remote)
        socket.setKeepAlive(true)
        socket.cork()
        socket.uncork()
        return [
          socket.remoteAddress,
          typeof socket.remotePort,
          (socket as { encrypted?: boolean }).encrypted === undefined,
        ]
      }),
  },
  {
    name: '_socket.destroy',
    result: 1006,
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const closed = closeOf(client)
        inner(remote)._socket.destroy()
        return (await closed)[0]
      }),
  },
  {
    name: '_sender.sendFrame',
    result: ['Buffer', [104, 105], false],
    run: (W) =>
      withPair(W, ({ client, remote }) =>
        received(client, () =>
          inner(remote)._sender.sendFrame(
            W.Sender.frame(Buffer.from('hi'), { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false }),
          ),
        ),
      ),
  },
  {
    name: 'setSocket',
    result: ['Buffer', [97], false],
    run: (W) =>
      withHttp(
        (request, socket) => {
          const ws = new W(null as never, undefined as never, {} as never)
          const accept = acceptFor(request.headers['sec-websocket-key']!)
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          )
          inner(ws).setSocket(socket, Buffer.alloc(0), { maxPayload: 0 })
          ws.send('a')
        },
        async (url) => {
          const client = new W(url)
          const result = await received(client, () => {})
          client.terminate()
          return result
        },
      ),
  },
  {
    name: 'setSocket of a stream that flows loses nothing',
    result: ['a', 'b'],
    run: async (W) => {
      const { 0: near, 1: far } = streamPair()
      const ws = new W(null as never, undefined as never, {} as never)
      const log: string[] = []
      const done = new Promise<void>((resolve) =>
        ws.on('message', (data) => {
          if (log.push(String(data)) === 2) resolve()
        }),
      )
      near.once('data', () => inner(ws).setSocket(near, Buffer.alloc(0), { maxPayload: 0 }))
      far.write('the head of the handshake')
      far.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 97]))
      far.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 98]))
      await done
      ws.terminate()
      return log
    },
  },
  {
    name: '_receiver',
    result: 'a',
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const heard = once(inner(remote)._receiver, 'message')
        client.send('a')
        return String((await heard)[0])
      }),
  },
]

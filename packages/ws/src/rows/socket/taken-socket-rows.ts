import { once } from 'node:events'
import { closeOf, inner, type Pair, withPair, withTlsPair } from '../harness.js'
import type { Module, Row, Socket } from '../row.js'

type Ends = Pick<Pair, 'client' | 'remote'>

/** Opens a connection over one of two transports. */
const ways: Readonly<Record<string, (W: Module, use: (ends: Ends) => unknown) => Promise<unknown>>> = {
  TCP: (W, use) => withPair(W, use),
  TLS: (W, use) => withTlsPair(W, use),
}

/** The messages that a WebSocket receives, in a list that grows. */
function logOf(ws: Socket): string[] {
  const log: string[] = []
  ws.on('message', (data) => log.push(String(data)))
  return log
}

/** A frame of a server, with a short text. */
const frameOf = (text: string): Buffer => Buffer.from([0x81, text.length, ...Buffer.from(text)])

const sent = (ws: Socket, text: string): Promise<unknown> => new Promise((resolve) => ws.send(text, resolve))

/** Rows that run over both transports. */
const both: readonly { readonly name: string; readonly result: unknown; run(ends: Ends): Promise<unknown> }[] = [
  {
    name: '_socket.setTimeout whose listener destroys it ends the connection',
    result: [1006, 1006, true],
    async run({ client, remote }) {
      const codes = [closeOf(client), closeOf(remote)]
      const { _socket: socket } = inner(remote)
      socket.setTimeout(20, () => socket.destroy())
      const [near, far] = await Promise.all(codes)
      return [near![0], far![0], socket.destroyed]
    },
  },
  {
    name: '_socket.setTimeout(0) removes the listener',
    result: [1, 0, 0],
    async run({ remote }) {
      const { _socket: socket } = inner(remote)
      const listener = (): void => {}
      const before = socket.listenerCount('timeout')
      socket.setTimeout(1_000_000, listener)
      const during = socket.listenerCount('timeout') - before
      socket.setTimeout(0, listener)
      return [during, socket.listenerCount('timeout') - before, socket.timeout]
    },
  },
  {
    name: '_socket has no timeout of the HTTP server',
    result: [0, 0],
    run: async ({ client, remote }) => [client, remote].map((ws) => inner(ws)._socket.timeout ?? 0),
  },
  {
    name: '_socket.end after messages: the peer gets them, and both ends close',
    result: [['a', 'b'], 1006, 1006],
    async run({ client, remote }) {
      const log = logOf(client)
      const codes = [closeOf(client), closeOf(remote)]
      remote.send('a')
      await sent(remote, 'b')
      inner(remote)._socket.end()
      const [near, far] = await Promise.all(codes)
      return [log, near![0], far![0]]
    },
  },
  {
    name: '_socket.end with bytes and a callback: the bytes arrive, and the socket finishes',
    result: [['a', 'b'], true, true],
    async run({ client, remote }) {
      const log = logOf(client)
      const closed = closeOf(client)
      await sent(remote, 'a')
      const { _socket: socket } = inner(remote)
      const ended = new Promise<void>((resolve) => socket.end(frameOf('b'), () => resolve()))
      await Promise.all([ended, closed])
      return [log, socket.writableEnded, socket.writableFinished]
    },
  },
  {
    name: 'send after _socket.end: the callback gets an error, and the connection ends',
    result: [true, 1006],
    async run({ remote }) {
      const closed = closeOf(remote)
      inner(remote)._socket.end()
      const error = await sent(remote, 'a')
      return [error instanceof Error, (await closed)[0]]
    },
  },
  {
    name: '_socket.write of a long frame: the message arrives, and the callback comes',
    result: [1 << 18, 'called'],
    async run({ client, remote }) {
      const bytes = 1 << 18
      const header = Buffer.alloc(10)
      header.set([0x82, 127])
      header.writeBigUInt64BE(BigInt(bytes), 2)
      const heard = once(client, 'message') as Promise<[Buffer]>
      const called = new Promise((resolve) =>
        inner(remote)._socket.write(Buffer.concat([header, Buffer.alloc(bytes)]), () => resolve('called')),
      )
      return [(await heard)[0].length, await called]
    },
  },
]

/** The writes, ends and timeouts of the socket of a connection, which `_socket` keeps after its handle was taken. */
export const takenSocketRows: readonly Row[] = [
  ...both.flatMap(({ name, result, run }) =>
    Object.entries(ways).map(([way, within]) => ({
      name: `${name}, over ${way}`,
      result,
      run: (W: Module) => within(W, run),
    })),
  ),
  // Over TLS, calls of `_socket` overtake messages of the same turn, as docs/how-to/ws.md says.
  {
    name: '_socket.end writes the messages of the turn before it',
    result: [['a', 'b'], 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log = logOf(client)
        const closed = closeOf(client)
        remote.send('a')
        remote.send('b')
        inner(remote)._socket.end()
        return [log, (await closed)[0]]
      }),
  },
  {
    name: '_socket.write comes after the messages of the turn before it, and before the later ones',
    result: ['a', 'b', 'c'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log = logOf(client)
        const all = once(client, 'ping')
        remote.send('a')
        inner(remote)._socket.write(frameOf('b'))
        remote.send('c')
        remote.ping()
        await all
        return log
      }),
  },
  {
    name: '_socket.destroy writes the messages of the turn before it',
    result: [['a'], 1006],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log = logOf(client)
        const closed = closeOf(client)
        remote.send('a')
        inner(remote)._socket.destroy()
        return [log, (await closed)[0]]
      }),
  },
]

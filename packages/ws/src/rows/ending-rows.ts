import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeOf, inner, rawPeer, withPair, withServer } from './harness.js'
import type { Row, Socket } from './row.js'

/** The messages that a WebSocket receives, in a list that grows. */
function logOf(ws: Socket): string[] {
  const log: string[] = []
  ws.on('message', (data) => log.push(String(data)))
  return log
}

/** Messages and callbacks at the end of a connection. */
export const endingRows: readonly Row[] = [
  {
    name: 'messages before the end of a peer that sends no Close are delivered',
    result: [['a', 'b', 'c'], 1006],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const log = logOf(client)
          const closed = closeOf(client)
          remote.send('a')
          remote.send('b')
          remote.send('c', () => inner(remote)._socket.end())
          return [log, (await closed)[0]]
        },
        { perMessageDeflate: { threshold: 0 } },
      ),
  },
  {
    name: 'close waits for what was sent before it, compressed or not',
    result: [['a', 'b', 'c'], 1005, 3],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const log = logOf(client)
          const closed = closeOf(client)
          let calls = 0
          for (const text of ['a', 'b', 'c']) {
            remote.send(text, { compress: text !== 'b' }, (error) => {
              if (!error) calls += 1
            })
          }
          remote.close()
          remote.close()
          const { 0: code } = await closed
          return [log, code, calls]
        },
        { perMessageDeflate: { threshold: 0 } },
      ),
  },
  {
    name: 'messages that are being compressed when a Close arrives are sent',
    result: [['a', 'b', 'c'], 1000],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const log = logOf(remote)
          const closed = closeOf(remote)
          for (const text of ['a', 'b', 'c']) client.send(text)
          remote.close(1000)
          return [log, (await closed)[0]]
        },
        { perMessageDeflate: true },
        { perMessageDeflate: { threshold: 0 } },
      ),
  },
  {
    name: 'callbacks of messages that terminate drops get an error, in order',
    result: [1, 2],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const log: unknown[] = []
        const closed = closeOf(client)
        client.send(new Blob(['a']), (error) => log.push(error instanceof Error && 1))
        client.send('b')
        client.send('c', (error) => log.push(error instanceof Error && 2))
        client.terminate()
        await closed
        while (log.length < 2) await new Promise((resolve) => setImmediate(resolve))
        return log
      }),
  },
  {
    name: 'messages before terminate are sent',
    result: ['a', 'b'],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log = logOf(remote)
        const closed = closeOf(remote)
        client.send('a')
        client.send('b')
        client.terminate()
        await closed
        return log
      }),
  },
  {
    name: 'Blobs before close are sent',
    result: [['a', 'b'], 1000],
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const log = logOf(remote)
        const closed = closeOf(remote)
        client.send(new Blob(['a']))
        client.send(new Blob(['b']))
        client.close(1000)
        return [log, (await closed)[0]]
      }),
  },
  {
    name: 'a Blob that can not be read: the callback, error and close',
    result: ['callback NotReadableError', 'error NotReadableError', 'close 1006'],
    run: (W) =>
      withPair(W, async ({ client }) => {
        const blob = await unreadableBlob()
        const log: string[] = []
        client.on('error', (error) => log.push(`error ${error.name}`))
        client.send(blob, (error) => log.push(`callback ${error?.name}`))
        const { 0: code } = await closeOf(client)
        return [...log, `close ${code}`]
      }),
  },
  {
    name: 'both ends break a rule at once',
    result: Array(2).fill(['WS_ERR_INVALID_OPCODE', 1006]),
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const ends = Promise.all(
          [client, remote].map(async (ws) => {
            const failed = new Promise<string | undefined>((resolve) =>
              ws.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
            )
            const { 0: code } = await closeOf(ws)
            return [await failed, code]
          }),
        )
        for (const ws of [client, remote]) inner(ws)._socket.write(Buffer.from([0x85, 0]))
        return ends
      }),
  },
  {
    name: 'an invalid frame while a Close is on its way',
    result: Array(2).fill(['WS_ERR_INVALID_OPCODE', 1006]),
    run: (W) =>
      withPair(W, async ({ client, remote }) => {
        const ends = Promise.all(
          [client, remote].map(async (ws) => {
            const failed = new Promise<string | undefined>((resolve) =>
              ws.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
            )
            const { 0: code } = await closeOf(ws)
            return [await failed, code]
          }),
        )
        for (const ws of [client, remote]) {
          inner(ws)._socket.write(Buffer.from([0x85, 0]))
          ws.close()
        }
        return ends
      }),
  },
  {
    name: 'messages after a Close are ignored',
    result: [['a'], 1000],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const raw = rawPeer(port)
        const { ws } = await raw.connected(server)
        const log = logOf(ws)
        const closed = closeOf(ws)
        const text = (letter: string) => [0x81, 0x81, 0, 0, 0, 0, letter.charCodeAt(0)]
        raw.socket.write(Buffer.from([...text('a'), 0x88, 0x82, 0, 0, 0, 0, 3, 232, ...text('b')]))
        const answer = await raw.read(4)
        raw.socket.end()
        return [log, (await closed)[0] === answer.readUInt16BE(2) && answer.readUInt16BE(2)]
      }),
  },
  {
    name: 'a Close without a code is answered without one',
    result: [0x88, 0],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const raw = rawPeer(port)
        await raw.connected(server)
        raw.socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))
        const answer = await raw.read(2)
        raw.socket.destroy()
        return [...answer]
      }),
  },
]

/** A Blob of a file that has changed since. */
async function unreadableBlob(): Promise<Blob> {
  const folder = mkdtempSync(join(tmpdir(), 'ws-rows-'))
  const path = join(folder, 'blob')
  writeFileSync(path, 'a'.repeat(64))
  const blob = await openAsBlob(path)
  rmSync(folder, { recursive: true })
  return blob
}

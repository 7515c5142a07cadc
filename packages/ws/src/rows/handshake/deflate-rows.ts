import { called, rawPeer, received, withPair, withServer } from '../harness.js'
import type { Module, Row } from '../row.js'

/** The parameters that a server with an option answers to an offer; undefined if it refuses the handshake. */
function answersTo(options: object, offer: string): (W: Module) => Promise<unknown> {
  return (W) =>
    withServer(W, { perMessageDeflate: options }, (_server, port) => {
      const { socket } = rawPeer(port)
      socket.write(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: ${offer}\r\n\r\n`,
      )
      return new Promise((resolve) => {
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk.toString('latin1')
          if (!text.includes('\r\n\r\n')) return
          socket.destroy()
          const value = /sec-websocket-extensions: (.*)\r\n/i.exec(text)?.[1]
          resolve([Number(/ (\d+)/.exec(text)?.[1]), value?.split('; ').sort()])
        })
      })
    })
}

const deflate = 'permessage-deflate'

/** The parts of the option perMessageDeflate. */
export const deflateRows: readonly Row[] = [
  ...(
    [
      [{}, deflate, 101, [deflate]],
      [{}, `${deflate}; client_max_window_bits`, 101, [deflate]],
      [{}, `${deflate}; server_no_context_takeover`, 101, [deflate, 'server_no_context_takeover']],
      [{}, `${deflate}; client_no_context_takeover`, 101, ['client_no_context_takeover', deflate]],
      [{}, `${deflate}; server_max_window_bits=12`, 101, [deflate, 'server_max_window_bits=12']],
      [{}, `${deflate}; client_max_window_bits=12`, 101, ['client_max_window_bits=12', deflate]],
      [{ serverNoContextTakeover: true }, deflate, 101, [deflate, 'server_no_context_takeover']],
      [{ clientNoContextTakeover: true }, deflate, 101, ['client_no_context_takeover', deflate]],
      [{ serverMaxWindowBits: 10 }, deflate, 101, [deflate, 'server_max_window_bits=10']],
      [{ clientMaxWindowBits: 11 }, `${deflate}; client_max_window_bits`, 101, ['client_max_window_bits=11', deflate]],
      [{ clientMaxWindowBits: 11 }, deflate, 400, undefined],
      [{ clientMaxWindowBits: 11 }, `${deflate}; client_max_window_bits=10`, 400, undefined],
      [{ clientMaxWindowBits: false }, `${deflate}; client_max_window_bits=12`, 101, [deflate]],
      [{ serverMaxWindowBits: 11 }, `${deflate}; server_max_window_bits=10`, 400, undefined],
      [{ serverMaxWindowBits: false }, `${deflate}; server_max_window_bits=10`, 400, undefined],
      [{ serverNoContextTakeover: false }, `${deflate}; server_no_context_takeover`, 400, undefined],
      [{ serverNoContextTakeover: false }, `${deflate}; server_no_context_takeover, ${deflate}`, 101, [deflate]],
      [{}, `${deflate}; server_max_window_bits=7`, 400, undefined],
      [{}, `${deflate}; server_max_window_bits=16`, 400, undefined],
      [{}, `${deflate}; server_max_window_bits`, 400, undefined],
      [{}, `${deflate}; client_no_context_takeover=1`, 400, undefined],
      [{}, `${deflate}; client_no_context_takeover; client_no_context_takeover`, 400, undefined],
    ] as const
  ).map(([options, offer, status, parameters]) => ({
    name: `perMessageDeflate ${JSON.stringify(options)} and the offer ${offer}`,
    result: [status, parameters && [...parameters].sort()],
    run: answersTo(options, offer),
  })),
  ...(
    [
      [{ clientMaxWindowBits: false }, deflate],
      [{ clientMaxWindowBits: true }, `${deflate}; client_max_window_bits`],
      [{ clientMaxWindowBits: 12 }, `${deflate}; client_max_window_bits=12`],
      [{ serverMaxWindowBits: 12 }, `${deflate}; server_max_window_bits=12; client_max_window_bits`],
      [{ serverNoContextTakeover: true }, `${deflate}; server_no_context_takeover; client_max_window_bits`],
    ] as const
  ).map(([options, result]) => ({
    name: `the offer of a client with perMessageDeflate ${JSON.stringify(options)}`,
    result,
    run: (W: Module) =>
      withPair(
        W,
        ({ request }) => request.headers['sec-websocket-extensions'],
        { perMessageDeflate: true },
        { perMessageDeflate: options },
      ),
  })),
  ...(
    [
      ['threshold', { threshold: 100, serverNoContextTakeover: true }, 'a'.repeat(99), false],
      ['threshold', { threshold: 100, serverNoContextTakeover: true }, 'a'.repeat(100), true],
      ['threshold: 0', { threshold: 0, serverNoContextTakeover: true }, 'a'.repeat(20), true],
    ] as const
  ).map(([name, options, message, result]) => ({
    name: `${name}: a message of ${message.length} bytes`,
    result,
    run: (W: Module) =>
      withServer(W, { perMessageDeflate: options }, async (server, port) => {
        const raw = rawPeer(port, [`Sec-WebSocket-Extensions: ${deflate}`])
        const { ws } = await raw.connected(server)
        ws.send(message)
        const { 0: first } = await raw.read(1)
        raw.socket.destroy()
        return (first! & 0x40) !== 0
      }),
  })),
  {
    name: 'compress: false of a message',
    result: [false, true],
    run: (W) =>
      withServer(W, { perMessageDeflate: { threshold: 0 } }, async (server, port) => {
        const raw = rawPeer(port, [`Sec-WebSocket-Extensions: ${deflate}`])
        const { ws } = await raw.connected(server)
        ws.send('a'.repeat(20), { compress: false })
        const plain = await raw.read(22)
        ws.send('a'.repeat(20), { compress: true })
        const { 0: first } = await raw.read(1)
        raw.socket.destroy()
        return [(plain[0]! & 0x40) !== 0, (first! & 0x40) !== 0]
      }),
  },
  {
    name: 'the callback of a long message that is compressed',
    result: ['done', 'done', 0],
    run: (W) =>
      withPair(
        W,
        async ({ client, remote }) => [
          await called((done) => client.send('a'.repeat(300_000), done)),
          await called((done) => remote.send('a'.repeat(300_000), done)),
          client.bufferedAmount,
        ],
        { perMessageDeflate: { threshold: 0 } },
      ),
  },
  ...[
    { zlibDeflateOptions: { level: 9, memLevel: 9, chunkSize: 1024 } },
    { zlibInflateOptions: { chunkSize: 1024 } },
    { concurrencyLimit: 2 },
    { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { serverNoContextTakeover: true, clientNoContextTakeover: true },
  ].map((options) => ({
    name: `messages with perMessageDeflate ${JSON.stringify(options)}`,
    result: [true, true, true],
    run: (W: Module) =>
      withPair(
        W,
        async ({ client, remote }) => {
          const results: boolean[] = []
          for (const length of [1, 5_000, 300_000]) {
            const { 1: bytes } = (await received(remote, () => client.send(Buffer.alloc(length, 'abc')))) as [
              string,
              number[],
            ]
            const { 1: back } = (await received(client, () => remote.send(Buffer.from(bytes)))) as [string, number[]]
            results.push(Buffer.alloc(length, 'abc').equals(Buffer.from(back)))
          }
          return results
        },
        { perMessageDeflate: { threshold: 0, ...options } },
        { perMessageDeflate: { threshold: 0, ...options } },
      ),
  })),
]

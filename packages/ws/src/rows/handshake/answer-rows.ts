import { once } from 'node:events'
import type http from 'node:http'
import net from 'node:net'
import { acceptFor, closeOf, failure, withHttp, withServer } from '../harness.js'
import type { Module, Row, Socket } from '../row.js'

/** The answer to a client's handshake: redirects, extensions, subprotocols. */
export const answerRows: readonly Row[] = [
  {
    name: 'redirect: its arguments, and credentials that stay with listeners of it',
    result: [true, 'Basic dTpw', 'kept'],
    run: (W) =>
      withServer(W, {}, (server, port) =>
        withHttp(
          (_request, socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`),
          async (url) => {
            const connected = once(server, 'connection') as Promise<[Socket, http.IncomingMessage]>
            const client = new W(url, { followRedirects: true, auth: 'u:p', headers: { Cookie: 'kept' } })
            client.on('error', () => {})
            const { 0: target, 1: request } = (await once(client, 'redirect')) as [string, http.ClientRequest]
            const { 1: asked } = await connected
            client.terminate()
            return [
              target === `ws://127.0.0.1:${port}/` && request.getHeader('host') !== undefined,
              asked.headers.authorization,
              asked.headers.cookie,
            ]
          },
        ),
      ),
  },
  {
    name: 'a redirect to another host drops credentials',
    result: ['undefined', 'undefined', 'stays'],
    run: (W) =>
      withServer(W, {}, (server, port) =>
        withHttp(
          (_request, socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${port}/\r\n\r\n`),
          async (url) => {
            const connected = once(server, 'connection') as Promise<[Socket, http.IncomingMessage]>
            const headers = { Authorization: 'secret', Cookie: 'secret', 'X-Other': 'stays' }
            const client = new W(url, { followRedirects: true, headers })
            client.on('error', () => {})
            const { 1: asked } = await connected
            client.terminate()
            const { authorization, cookie } = asked.headers
            return [String(authorization), String(cookie), asked.headers['x-other']]
          },
        ),
      ),
  },
  {
    name: 'an answer with extensions that the client did not ask for',
    result: ['Server sent a Sec-WebSocket-Extensions header but no extension was requested', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: permessage-deflate', { perMessageDeflate: false }),
  },
  {
    name: 'an answer with another extension',
    result: ['Server indicated an extension that was not requested', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: other'),
  },
  {
    name: 'an answer with an unknown parameter of compression',
    result: ['Invalid Sec-WebSocket-Extensions header', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: permessage-deflate; other'),
  },
  {
    name: 'an answer with another extension beside compression',
    result: ['Server indicated an extension that was not requested', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: permessage-deflate, other'),
  },
  {
    name: 'an answer with an invalid parameter of compression',
    result: ['Invalid Sec-WebSocket-Extensions header', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7'),
  },
  {
    name: 'an answer with a malformed extension of another name',
    result: ['Invalid Sec-WebSocket-Extensions header', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: other;='),
  },
  {
    name: 'an answer with an empty subprotocol',
    result: ['Server sent an invalid subprotocol', 1006, 3],
    run: answeredWith('Sec-WebSocket-Protocol:', {}, ['a']),
  },
  {
    name: 'an answer that is no HTTP',
    result: ['HPE_INVALID_CONSTANT', 1006],
    run: async (W) => {
      const server = net
        .createServer((socket) => socket.on('error', () => {}).end('no HTTP\r\n'))
        .listen(0, '127.0.0.1')
      await once(server, 'listening')
      const client = new W(`ws://127.0.0.1:${(server.address() as net.AddressInfo).port}`)
      const failed = new Promise<string | undefined>((resolve) =>
        client.on('error', (error: NodeJS.ErrnoException) => {
          client.close()
          resolve(error.code)
        }),
      )
      const { 0: code } = await closeOf(client)
      server.close()
      return [await failed, code]
    },
  },
  {
    name: 'close within redirect',
    result: ['WebSocket was closed before the connection was established', 1006, 3],
    run: (W) =>
      withHttp(
        (_request, socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /other\r\n\r\n'),
        async (url) => {
          const client = new W(url, { followRedirects: true })
          const log: unknown[] = []
          client.on('redirect', () => client.close())
          client.on('error', (error) => log.push(error.message))
          const { 0: code } = await closeOf(client)
          return [...log, code, client.readyState]
        },
      ),
  },
  ...(
    [
      ['ws://', 'SyntaxError: Invalid URL: ws://'],
      [
        'other://localhost',
        'SyntaxError: The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
      ],
    ] as const
  ).map(([location, message]) => ({
    name: `a redirect to ${location}`,
    result: [message, 1006],
    run: (W: Module) =>
      withHttp(
        (_request, socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\n\r\n`),
        async (url) => {
          const client = new W(url, { followRedirects: true })
          const log: unknown[] = []
          client.on('error', (error) => log.push(String(error)))
          const { 0: code } = await closeOf(client)
          return [...log, code]
        },
      ),
  })),
  {
    name: 'the body of an unexpected answer, and a close after it',
    result: ['no', 'WebSocket was closed before the connection was established', 1006],
    run: (W) =>
      withHttp(
        (_request, socket) => socket.write('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno'),
        async (url) => {
          const client = new W(url)
          const log: unknown[] = []
          client.on('error', (error) => log.push(error.message))
          client.on('unexpected-response', async (_request, response) => {
            for await (const chunk of response) log.push(String(chunk))
            client.close()
          })
          const { 0: code } = await closeOf(client)
          return [...log, code]
        },
      ),
  },
  {
    name: 'an answer with a malformed Sec-WebSocket-Extensions',
    result: ['Invalid Sec-WebSocket-Extensions header', 1006, 3],
    run: answeredWith('Sec-WebSocket-Extensions: permessage-deflate; a=;'),
  },
  {
    name: 'an answer with a subprotocol that the client did not ask for',
    result: ['Server sent a subprotocol but none was requested', 1006, 3],
    run: answeredWith('Sec-WebSocket-Protocol: a'),
  },
  {
    name: 'an answer with another subprotocol',
    result: ['Server sent an invalid subprotocol', 1006, 3],
    run: answeredWith('Sec-WebSocket-Protocol: b', {}, ['a']),
  },
  {
    name: 'close within upgrade',
    result: ['WebSocket was closed before the connection was established', 1006, 3],
    run: (W) =>
      withServer(W, {}, async (_server, port) => {
        const client = new W(`ws://127.0.0.1:${port}`)
        const log: unknown[] = []
        client.on('upgrade', () => client.close())
        client.on('error', (error) => log.push(error.message))
        const { 0: code } = await closeOf(client)
        return [...log, code, client.readyState]
      }),
  },
]

/** The failure of a client whose handshake is accepted with this field. */
function answeredWith(field: string, options: object = {}, protocols: string[] = []): (W: Module) => Promise<unknown> {
  return (W) =>
    withHttp(
      (request, socket) => {
        socket.on('error', () => {})
        const accept = acceptFor(request.headers['sec-websocket-key']!)
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${field}\r\n\r\n`,
        )
      },
      (url) => failure(W, url, options, protocols),
    )
}

import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfSignedCertificate } from 'twoway-testing/peers/certificate.js'
import { failure, received, withServer } from '../harness.js'
import type { Module, Row, Server, Socket } from '../row.js'

/** The forms of an address, TLS, pipes, and the options of node:http. */
export const addressRows: readonly Row[] = [
  {
    name: 'a URL object',
    result: ['/a?b', true],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const url = new URL(`ws://127.0.0.1:${port}/a?b`)
        const { client, request } = await opened(W, server, url)
        client.terminate()
        return [request.url, client.url === url.href]
      }),
  },
  {
    name: 'an address with http:',
    result: 'ws:',
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const { client } = await opened(W, server, `http://127.0.0.1:${port}/`)
        client.terminate()
        return new URL(client.url).protocol
      }),
  },
  {
    name: 'wss: with a certificate that is trusted, and one that is not',
    result: [
      ['Buffer', [97], false],
      ['wss:', true, true],
      ['DEPTH_ZERO_SELF_SIGNED_CERT', 1006],
    ],
    run: async (W) => {
      const identity = await selfSignedCertificate()
      const app = https.createServer(identity).listen(0, '127.0.0.1')
      await once(app, 'listening')
      let isSecure = false
      const server = new W.WebSocketServer({
        server: app,
        verifyClient: ({ secure }: { secure: boolean }) => {
          isSecure = secure
          return true
        },
      })
      const url = `wss://127.0.0.1:${(app.address() as AddressInfo).port}`
      const { client, remote } = await opened(W, server, url, { ca: identity.cert })
      const message = await received(client, () => remote.send('a'))
      const { encrypted } = (client as unknown as { _socket: { encrypted?: boolean } })._socket
      client.terminate()
      const refused = new W(url)
      const log: unknown[] = []
      refused.on('error', (error: NodeJS.ErrnoException) => log.push(error.code))
      await new Promise<void>((resolve) =>
        refused.on('close', (code) => {
          log.push(code)
          resolve()
        }),
      )
      server.close()
      app.close()
      app.closeAllConnections()
      return [message, [new URL(client.url).protocol, isSecure, encrypted], log]
    },
  },
  {
    name: 'ws+unix: a pipe, with and without a path',
    result: ['/a?b', '/', true],
    run: async (W) => {
      const path =
        process.platform === 'win32' ? `\\\\.\\pipe\\ws-${process.pid}` : join(tmpdir(), `ws-${process.pid}.sock`)
      const app = http.createServer().listen(path)
      await once(app, 'listening')
      const server = new W.WebSocketServer({ server: app })
      const first = await opened(W, server, `ws+unix:${path}:/a?b`)
      const second = await opened(W, server, `ws+unix:${path}`)
      first.client.terminate()
      second.client.terminate()
      const address = server.address() as unknown
      server.close()
      app.close()
      return [first.request.url, second.request.url, address === path]
    },
  },
  {
    name: 'a pipe that is not there',
    result: ['connect ENOENT', 1006, 3],
    run: async (W) => {
      const { 0: message, ...rest } = (await failure(W, 'ws+unix:/missing/pipe:/')) as unknown as [string]
      return [message.split(' ').slice(0, 2).join(' '), ...Object.values(rest)]
    },
  },
  {
    name: 'options of http.request: auth, localAddress, lookup',
    result: ['Basic dTpw', '127.0.0.1', 'name.example'],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        let asked = ''
        const { client, request } = await opened(W, server, `ws://name.example:${port}`, {
          auth: 'u:p',
          localAddress: '127.0.0.1',
          lookup: (name: string, { all }: { all?: boolean }, done: (...values: unknown[]) => void) => {
            asked = name
            if (all) done(null, [{ address: '127.0.0.1', family: 4 }])
            else done(null, '127.0.0.1', 4)
          },
        })
        const { remoteAddress } = request.socket
        client.terminate()
        return [request.headers.authorization, remoteAddress, asked]
      }),
  },
  {
    name: 'options of http.request that the address decides',
    result: ['GET', '/'],
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const { client, request } = await opened(W, server, `ws://127.0.0.1:${port}`, {
          host: 'missing.example',
          port: 1,
          path: '/other',
          method: 'POST',
          socketPath: '/missing',
        })
        client.terminate()
        return [request.method, request.url]
      }),
  },
  {
    name: 'a name and a password of the address with characters that are no escapes',
    result: `Basic ${Buffer.from('a%:b c').toString('base64')}`,
    run: (W) =>
      withServer(W, {}, async (server, port) => {
        const { client, request } = await opened(W, server, `ws://a%:b%20c@127.0.0.1:${port}`)
        client.terminate()
        return request.headers.authorization
      }),
  },
]

interface Opened {
  readonly client: Socket
  readonly remote: Socket
  readonly request: http.IncomingMessage
}

/** Connects to a server. */
async function opened(W: Module, server: Server, url: string | URL, options: object = {}): Promise<Opened> {
  const connected = once(server, 'connection') as Promise<[Socket, http.IncomingMessage]>
  const client = new W(url, options)
  await once(client, 'open')
  const { 0: remote, 1: request } = await connected
  return { client, remote, request }
}

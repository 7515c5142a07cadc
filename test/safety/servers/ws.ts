import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type WebSocket, WebSocketServer } from 'ws'
import { authenticationMs, counts, identity, mode, sendMuch, serveCommands } from './commands.js'

/** Servers as in the README of ws: standalone, or one or two beside an app, with or without TLS. */
const http = appServer()
const paths = mode === 'two' ? ['/a', '/b'] : ['/']
const servers =
  http === undefined
    ? [new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: mode === 'compress' })]
    : paths.map((path) => new WebSocketServer({ server: http, path }))
const listener = http ?? servers[0]!

for (const server of servers) {
  server.on('connection', async (socket: WebSocket) => {
    // Without this listener one malformed frame ends the process. Another row measures that.
    if (mode !== 'unguarded') socket.on('error', () => {})
    socket.on('close', () => {
      counts.told += 1
    })
    if (mode === 'authenticate') await sleep(authenticationMs)
    socket.on('message', (message, isBinary) => {
      counts.messages += 1
      if (!isBinary && String(message) === 'close') socket.close(1000)
      else socket.send(message, { binary: isBinary })
    })
    if (mode !== 'send') return
    sendMuch((message) => {
      if (socket.readyState !== socket.OPEN) return 'closed'
      socket.send(message)
      return 'taken'
    })
  })
}

http?.listen(0, '127.0.0.1')
await once(listener, 'listening')
serveCommands((listener.address() as AddressInfo).port, () =>
  Promise.all([...servers, ...(http === undefined ? [] : [http])].map((each) => promisify(each.close.bind(each))())),
)

function appServer() {
  if (mode === 'tls') return createTlsServer(identity)
  return mode === 'two' || mode === 'app' ? createServer((_, response) => response.end('app')) : undefined
}

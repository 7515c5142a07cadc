/** The server under test: ws. */

import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type * as Ws from 'ws'
import { listening, readServerOrder } from './server-order.js'

const { does, tls, compresses, rivals } = readServerOrder()
const { WebSocketServer } = createRequire(join(rivals, 'package.json'))('ws') as typeof Ws

const https = tls === undefined ? undefined : createServer(tls).listen(0, '127.0.0.1')
const server = new WebSocketServer({
  ...(https === undefined ? { port: 0, host: '127.0.0.1' } : { server: https }),
  ...(compresses && { perMessageDeflate: { threshold: 0 } }),
})
server.on('connection', (socket) => {
  socket.on('error', () => {})
  socket.on('message', (data, isBinary) => {
    if (does === 'echo') socket.send(data, { binary: isBinary })
    else for (const each of server.clients) each.send(data, { binary: isBinary })
  })
})
server.on('listening', () => listening((server.address() as AddressInfo).port))

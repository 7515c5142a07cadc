/** The server under test: ws, or another module with its API. */

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { loadWs } from './load-ws.js'
import { listening, readServerOrder } from './server-order.js'

const order = readServerOrder()
const { does, tls, compresses } = order
const { WebSocketServer } = await loadWs(order)

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

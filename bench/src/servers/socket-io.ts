/** The server under test: Socket.IO with its own protocol, on ws or another module with the API of ws. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { loadWs } from './load-ws.js'
import { listening, readServerOrder } from './server-order.js'

interface IoSocket {
  join(room: string): void
  on(event: string, listener: (text: string, answer: (text: string) => void) => void): void
}

interface IoServer {
  readonly httpServer: { address(): { readonly port: number } }
  on(event: 'connection', listener: (socket: IoSocket) => void): void
  to(room: string): { emit(event: string, text: string): void }
}

const order = readServerOrder()
const { Server } = createRequire(join(order.rivals, 'package.json'))('socket.io') as {
  readonly Server: new (port: number, options: object) => IoServer
}

const { WebSocketServer: wsEngine } = await loadWs(order)
const server = new Server(0, { transports: ['websocket'], wsEngine })
server.on('connection', (socket) => {
  socket.join('all')
  socket.on('say', (text) => server.to('all').emit('say', text))
  socket.on('echo', (text, answer) => answer(text))
})
listening(server.httpServer.address().port)

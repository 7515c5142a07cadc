/** The server under test: Deno's own. */

import { listening, readServerOrder } from './server-order.js'

declare const Deno: {
  serve(
    options: { port: number; hostname: string; cert?: string; key?: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Response,
  ): unknown
  upgradeWebSocket(request: Request): { socket: WebSocket; response: Response }
}

const { does, tls } = readServerOrder()
const sockets = new Set<WebSocket>()

Deno.serve({ port: 0, hostname: '127.0.0.1', ...tls, onListen: ({ port }) => listening(port) }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => sockets.add(socket)
  socket.onclose = () => sockets.delete(socket)
  socket.onerror = () => {}
  socket.onmessage = ({ data }) => {
    if (does === 'echo') socket.send(data)
    else for (const each of sockets) each.send(data)
  }
  return response
})

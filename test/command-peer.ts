import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/** A server of ws for tests of the commands: it echoes, with different behaviour on some paths. */
export async function startCommandPeer(): Promise<{ server: WebSocketServer; port: number }> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }, decide) => decide(req.url !== '/forbidden', 403, 'no entry'),
  })
  server.on('connection', (socket, request) => {
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    if (request.url === '/headers') socket.send(JSON.stringify(request.headers))
    if (request.url === '/escape') socket.send('a\u001b[31mred\u0007')
    if (request.url === '/three') for (const message of ['1', '2', '3']) socket.send(message)
    if (request.url === '/restarts') socket.close(1012, 'soon')
    if (request.url === '/drops') socket.terminate()
    if (request.url === '/silent') socket.pause()
    if (request.url === '/bytes') socket.send(Buffer.from([0, 255, 16]))
  })
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

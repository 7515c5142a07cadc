/** The server under test: Bun's own. */

import { listening, readServerOrder } from './server-order.js'

interface BunSocket {
  send(message: string | Uint8Array, compress: boolean): number
  subscribe(topic: string): void
}

interface BunServer {
  readonly port: number
  upgrade(request: Request): boolean
  publish(topic: string, message: string | Uint8Array): number
}

declare const Bun: {
  serve(options: {
    port: number
    hostname: string
    tls?: { cert: string; key: string } | undefined
    fetch(request: Request, server: BunServer): Response | undefined
    websocket: {
      perMessageDeflate: boolean
      open(socket: BunSocket): void
      message(socket: BunSocket, message: string | Uint8Array): void
    }
  }): BunServer
}

const { does, tls, compresses = false } = readServerOrder()

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  tls,
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
  websocket: {
    perMessageDeflate: compresses,
    open(socket) {
      if (does !== 'echo') socket.subscribe('all')
    },
    message(socket, message) {
      if (does === 'echo') socket.send(message, compresses)
      else server.publish('all', message)
    },
  },
})
listening(server.port)

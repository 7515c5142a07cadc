import { setTimeout as sleep } from 'node:timers/promises'
import { authenticationMs, counts, identity, mode, sendMuch, serveCommands } from './commands.js'

interface BunSocket {
  /** Returns the number of bytes sent, -1 if they wait, 0 if they were dropped. */
  send(message: string | Uint8Array): number
  close(code: number): void
  readonly readyState: number
}

interface BunServer {
  readonly port: number
  upgrade(request: Request): boolean
  stop(): Promise<void>
}

declare const Bun: { serve(options: object): BunServer }

/** A server as in Bun's documentation. */
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  ...(mode === 'tls' ? { tls: identity } : {}),
  async fetch(request: Request, bun: BunServer) {
    if (mode === 'authenticate') await sleep(authenticationMs)
    return bun.upgrade(request) ? undefined : new Response('a WebSocket is spoken here', { status: 426 })
  },
  websocket: {
    perMessageDeflate: mode === 'compress',
    open(socket: BunSocket) {
      if (mode !== 'send') return
      sendMuch((message) => {
        if (socket.readyState !== 1) return 'closed'
        return socket.send(message) === 0 ? 'refused' : 'taken'
      })
    },
    message(socket: BunSocket, message: string | Uint8Array) {
      counts.messages += 1
      if (message === 'close') socket.close(1000)
      else socket.send(message)
    },
    close() {
      counts.told += 1
    },
  },
})

serveCommands(server.port, () => server.stop())

import { readFileSync } from 'node:fs'
import { type HttpAnswer, type IncomingRequest, type Server, serve, type TlsServerOptions } from 'twoway/server'

/** 16 MiB. */
const longestEcho = 16 << 20

/**
 * Starts a server that sends every message back as it came, to pages of any origin and by any name, and shows a page to try it with.
 * Of the subprotocols that a client offers it chooses the first, as some clients insist on one.
 */
export function startEchoService(address: { port: number; host: string; tls?: TlsServerOptions }): Promise<Server> {
  const page = readFileSync(new URL('../assets/echo.html', import.meta.url), 'utf8')
  return serve({
    ...address,
    origin: 'any',
    hosts: 'any',
    maxMessageBytes: longestEcho,
    upgrade: ({ protocols }) => ({ protocol: protocols[0] }),
    // Who sends without reading is not read from until the echoes have gone: nothing piles up here.
    message(socket, message) {
      if (socket.send(message) === 'buffered') socket.pause()
    },
    drain: (socket) => socket.resume(),
    request: (request) => answer(request, page),
  })
}

function answer({ method, url }: IncomingRequest, page: string): HttpAnswer {
  const { protocol, host, pathname } = new URL(url)
  const body = `This is an echo service for WebSocket: connect to ${protocol.replace('http', 'ws')}//${host}${pathname}, or open / in a browser for a page that does.\n`
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { Allow: 'GET, HEAD' }, body }
  if (pathname !== '/') return { status: 404, body }
  return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: page }
}

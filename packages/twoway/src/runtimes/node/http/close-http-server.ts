import type { Server } from 'node:http'

/** Milliseconds between looks for connections that have become idle: node:http keeps those for the next request. */
const lookEveryMs = 50

/** The part of an HTTP server that closing needs; one of node:http2 can't close idle connections. */
type ClosableServer = Pick<Server, 'close'> & Partial<Pick<Server, 'closeIdleConnections'>>

/**
 * Has an HTTP server listen no more, and resolves when all of its connections are gone, upgraded ones too. Requests are
 * answered first.
 */
export function closeHttpServer(server: ClosableServer): Promise<void> {
  return new Promise((resolve) => {
    const looking = setInterval(() => server.closeIdleConnections?.(), lookEveryMs)
    // Also called, with an error, if it does not listen.
    server.close(() => {
      clearInterval(looking)
      resolve()
    })
  })
}

import type { Server } from 'node:http'
import { startTimer, type Timer } from '../internals/genuine-timers.js'

/** Milliseconds between checks for connections that have become idle: node:http keeps those for the next request. */
const checkIntervalMs = 50

/** The part of an HTTP server that closing needs; one of node:http2 can't close its connections. */
export type ClosableServer = Pick<Server, 'close' | 'listening'> &
  Partial<Pick<Server, 'closeIdleConnections' | 'closeAllConnections'>>

const closings = new WeakMap<ClosableServer, Promise<void>>()

/**
 * Has an HTTP server listen no more, and resolves when all of its connections are gone, upgraded ones too. Requests are
 * answered first. A call meanwhile returns the same promise.
 */
export function closeHttpServer(server: ClosableServer): Promise<void> {
  const known = closings.get(server)
  if (known !== undefined && !server.listening) return known
  const closing = new Promise<void>((resolve) => {
    let timer: Timer
    const checkLater = (): void => {
      timer = startTimer(() => {
        checkLater()
        server.closeIdleConnections?.()
      }, checkIntervalMs)
    }
    checkLater()
    // Node also calls back, with an error, if the server does not listen.
    server.close(() => {
      timer.close()
      resolve()
    })
  })
  closings.set(server, closing)
  return closing
}

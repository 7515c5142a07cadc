import type { Server } from 'node:http'
import process from 'node:process'
import { startTimer, type Timer } from '../internals/genuine-timers.js'

/** Milliseconds between checks for connections that have become idle: node:http keeps those for the next request. */
const checkIntervalMs = 50

/**
 * Milliseconds before the first check. For Node from 25 on, a connection is idle before its first request too. This is the time
 * that a request has which is on its way.
 */
const firstCheckMs = Number.parseInt(process.versions.node, 10) >= 25 ? 1000 : checkIntervalMs

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
    const checkLater = (delayMs: number): void => {
      timer = startTimer(() => {
        checkLater(checkIntervalMs)
        server.closeIdleConnections?.()
      }, delayMs)
    }
    checkLater(firstCheckMs)
    // Node also calls back, with an error, if the server does not listen.
    closeButIdle(server, () => {
      timer.close()
      resolve()
    })
  })
  closings.set(server, closing)
  return closing
}

/** Calls `close`, which would close idle connections at once by a call of the other method. */
function closeButIdle(server: ClosableServer, closed: () => void): void {
  const { closeIdleConnections: method } = server
  if (method === undefined) {
    server.close(closed)
    return
  }
  const isOwn = Object.hasOwn(server, 'closeIdleConnections')
  server.closeIdleConnections = () => {}
  try {
    server.close(closed)
  } finally {
    if (isOwn) server.closeIdleConnections = method
    else delete server.closeIdleConnections
  }
}

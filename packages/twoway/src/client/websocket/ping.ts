import { UsageError } from '../../core/usage-error.js'

/** The key of the method that sends a Ping. The standard's interfaces have no such method. */
export const sendPing = Symbol('sendPing')

/** A WebSocket or WebSocketStream of this package, on a runtime that lets it send a Ping. */
export interface Pinging {
  [sendPing](): Promise<number> | undefined
}

/**
 * Sends a Ping, RFC 6455 §5.5.2, and resolves to the milliseconds until its Pong, which every living peer sends. Rejects
 * with a TransportError if the connection is not open or closes first, and with a UsageError for any other value than a
 * WebSocket or WebSocketStream of this package.
 *
 * In a browser, where pages can't send Pings, the type accepts no socket and a call rejects.
 */
export function ping(socket: object): Promise<number> {
  return (socket as Partial<Pinging> | undefined)?.[sendPing]?.() ?? Promise.reject(cannotPing())
}

function cannotPing(): UsageError {
  return new UsageError(
    'pingImpossible',
    'this socket can send no Ping: pass a WebSocket or a WebSocketStream of this package; pages in browsers can send none',
  )
}

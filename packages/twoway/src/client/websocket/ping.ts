import { UsageError } from '../../core/errors.js'

/** The key of a method that sends a Ping; the standard's interfaces have no name for one. */
export const sendPing = Symbol('sendPing')

/** A WebSocket or WebSocketStream of this package, on a runtime that lets it send a Ping. */
export interface Pinging {
  [sendPing](): Promise<number> | undefined
}

/**
 * Sends a Ping, RFC 6455 §5.5.2, and resolves to the milliseconds until its Pong: every living peer answers, whatever
 * it makes of messages. Rejects with a TransportError where the connection is not open, or closes before, and with a
 * UsageError for what is no WebSocket or WebSocketStream of this package.
 *
 * A browser lets no page send a Ping: there the type takes nothing, and a call rejects.
 */
export function ping(socket: object): Promise<number> {
  return (socket as Partial<Pinging> | undefined)?.[sendPing]?.() ?? Promise.reject(cannotPing())
}

function cannotPing(): UsageError {
  return new UsageError(
    'pingImpossible',
    'this socket can send no Ping: pass a WebSocket or a WebSocketStream of this package; a browser lets no page ping',
  )
}

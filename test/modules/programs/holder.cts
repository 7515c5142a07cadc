import { HandshakeError, type WebSocket } from 'twoway'
import type { Server } from 'twoway/server'

/** Takes what the half of the program that is an ES module has made. */
export function holds(server: Server<number>, socket: WebSocket, error: unknown): boolean {
  return server.connections.size === 0 && socket.readyState === 0 && error instanceof HandshakeError
}

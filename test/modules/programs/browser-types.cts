import { HandshakeError, type WebSocket } from 'twoway'

/** A page's own class is the platform's. */
export function withPlatform(socket: WebSocket): globalThis.WebSocket {
  return socket
}

if (typeof HandshakeError === 'function') console.log('echoed')

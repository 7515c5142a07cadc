import { extension, subprotocol } from './header-values.js'
import { Sender } from './sender.js'
import { createWebSocketStream } from './stream.js'
import { WebSocket } from './websocket.js'
import { WebSocketServer } from './websocket-server.js'

/** The export of the CommonJS module, which ws gives the other names as properties. */
export const exported: typeof WebSocket = Object.assign(WebSocket, {
  createWebSocketStream,
  extension,
  Sender,
  Server: WebSocketServer,
  subprotocol,
  WebSocket,
  WebSocketServer,
})

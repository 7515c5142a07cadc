// One copy of the classes, however a program loads them: `instanceof` holds for both.
import WebSocket from './dist/index.cjs'

const { createWebSocketStream, extension, Sender, subprotocol, WebSocketServer } = WebSocket

export { createWebSocketStream, extension, Sender, subprotocol, WebSocket, WebSocketServer }
export default WebSocket

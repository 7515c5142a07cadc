import { defineWebSocket } from '../client/websocket.js'
import type { WebSocketConstructor, WebSocket as WebSocketInterface } from '../client/websocket-types.js'
import { ScratchPool } from '../core/scratch-pool.js'
import { nodeClock } from '../runtimes/node/clock.js'
import { nodeConnector } from '../runtimes/node/connector.js'
import { nodePayload } from '../runtimes/node/payload.js'
import { nodeRandom } from '../runtimes/node/random.js'

export type { WebSocketConstructor, WebSocketEvents, WebSocketOptions } from '../client/websocket-types.js'
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'

/** The WHATWG standard's WebSocket, on Node. */
export const WebSocket: WebSocketConstructor = defineWebSocket({
  payload: nodePayload,
  random: nodeRandom,
  clock: nodeClock,
  connector: nodeConnector,
  negotiators: [],
  scratchPool: new ScratchPool(nodePayload),
})
export interface WebSocket extends WebSocketInterface {}

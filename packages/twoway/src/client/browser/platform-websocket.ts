import * as platform from '../platform.js'
import type { WebSocketConstructor, WebSocket as WebSocketInterface } from '../websocket/websocket-types.js'

/** The members of the constructor, without its call signature. */
type StaticMembers = Pick<WebSocketConstructor, keyof WebSocketConstructor>

/** The constructor of the standard. A browser's class takes no options object. */
export interface PlatformWebSocketConstructor extends StaticMembers {
  /**
   * Starts connecting. Throws a SyntaxError DOMException for a URL that is not ws, wss, http or https, or that has a
   * fragment, and for subprotocols that are no tokens or not distinct.
   * @param protocols the subprotocols, the preferred first
   */
  new (url: string | { toString(): string }, protocols?: string | readonly string[]): WebSocketInterface
}

/** The platform's own class. */
export const WebSocket = platform.WebSocket as unknown as PlatformWebSocketConstructor
export interface WebSocket extends WebSocketInterface {}

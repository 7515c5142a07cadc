import type {
  PlatformCloseEvent,
  PlatformCloseEventClass,
  PlatformErrorEvent,
  PlatformErrorEventClass,
} from '../client/browser/platform-types.js'
import { ping as pingSocket } from '../client/websocket/ping.js'

export type { PlatformWebSocketConstructor } from '../client/browser/platform-websocket.js'
export { WebSocket } from '../client/browser/platform-websocket.js'
export type { PlatformWebSocketStreamConstructor } from '../client/browser/platform-websocket-stream.js'
export { WebSocketError, WebSocketStream } from '../client/browser/platform-websocket-stream.js'
export type {
  StandardStreamOptions,
  WebSocketCloseInfo,
  WebSocketErrorConstructor,
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
} from '../client/stream/websocket-stream-types.js'
export type { WebSocketEvents } from '../client/websocket/websocket-types.js'
export { describeCloseCode } from '../core/closing/close-code.js'
// The classes of the other entries, so that a program that checks the class of an error runs here too.
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
export { type PrintableOptions, printable } from '../core/printable.js'

/** Rejects with a UsageError, because pages in browsers can't send Pings. Exported so that one program links everywhere. */
export const ping: (socket: never) => Promise<never> = pingSocket as (socket: object) => Promise<never>

/** The platform's own classes. */
export const CloseEvent: PlatformCloseEventClass = (
  globalThis as unknown as { readonly CloseEvent: PlatformCloseEventClass }
).CloseEvent
export type CloseEvent = PlatformCloseEvent
export const ErrorEvent: PlatformErrorEventClass = (
  globalThis as unknown as { readonly ErrorEvent: PlatformErrorEventClass }
).ErrorEvent
export type ErrorEvent = PlatformErrorEvent

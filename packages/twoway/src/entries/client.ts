import type {
  PlatformCloseEvent,
  PlatformCloseEventClass,
  PlatformErrorEvent,
  PlatformErrorEventClass,
} from '../client/browser/platform-types.js'
import { openClientSocket } from '../client/stream/client-stream-socket.js'
import { defineWebSocketStream } from '../client/stream/websocket-stream.js'
import type {
  WebSocketStreamConstructor,
  WebSocketStream as WebSocketStreamInterface,
} from '../client/stream/websocket-stream-types.js'
import { CloseEvent as PlatformOrOwnCloseEvent } from '../client/websocket/close-event.js'
import { ErrorEvent as PlatformOrOwnErrorEvent } from '../client/websocket/error-event.js'
import { ping as pingSocket } from '../client/websocket/ping.js'
import { defineWebSocket } from '../client/websocket/websocket.js'
import type { WebSocketConstructor, WebSocket as WebSocketInterface } from '../client/websocket/websocket-types.js'
import { clientPorts } from './sockets/connector.js'

export type { CloseEventInit, ErrorEventInit } from '../client/browser/platform-types.js'
export type {
  StandardStreamOptions,
  WebSocketCloseInfo,
  WebSocketErrorConstructor,
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
  WebSocketStreamOptions,
} from '../client/stream/websocket-stream-types.js'
export { WebSocketError } from '../client/websocket/websocket-error.js'
export type { WebSocketConstructor, WebSocketEvents, WebSocketOptions } from '../client/websocket/websocket-types.js'
export { describeCloseCode } from '../core/closing/close-code.js'
export { HandshakeError, ProtocolError, TransportError, UsageError } from '../core/errors.js'
export type { PerMessageDeflateOptions } from '../core/extensions/permessage-deflate/deflate-options.js'
export type { HeaderFields } from '../core/http/header-fields.js'
export { type PrintableOptions, printable } from '../core/printable.js'
export type {
  CreateConnection,
  CreateConnectionOptions,
  DuplexStream,
  EncryptedKey,
  EncryptedPfx,
  LookupCallback,
  LookupOptions,
  PeerCertificate,
  Pem,
  TlsVersion,
} from '../ports/connector.js'
export type { HeadersLike } from '../ports/platform-types.js'
export type { TransportPath, TransportReport } from '../ports/transport-report.js'
export type { ClientDiagnostics } from '../runtimes/node/connect/publish-connection.js'

/** The WHATWG standard's WebSocket, on Node, Bun and Deno. */
export const WebSocket: WebSocketConstructor = defineWebSocket(clientPorts)
export interface WebSocket extends WebSocketInterface {}

/** The platform's CloseEvent, or ours if it has none: Node before 23. */
export const CloseEvent: PlatformCloseEventClass = PlatformOrOwnCloseEvent as unknown as PlatformCloseEventClass
export type CloseEvent = PlatformCloseEvent

/** The platform's ErrorEvent, or ours if it has none. A socket fires a plain Event, as the standard says. */
export const ErrorEvent: PlatformErrorEventClass = PlatformOrOwnErrorEvent as unknown as PlatformErrorEventClass
export type ErrorEvent = PlatformErrorEvent

/** The WebSocketStream of the proposal for the standard, with backpressure both ways. */
export const WebSocketStream: WebSocketStreamConstructor = defineWebSocketStream(openClientSocket(clientPorts))
export interface WebSocketStream extends WebSocketStreamInterface {}

/**
 * Sends a Ping, RFC 6455 §5.5.2, and resolves to the milliseconds until its Pong, which every living peer sends. Rejects
 * with a TransportError if the connection is not open or closes first. Beyond the standard: in a browser, where pages can't
 * send Pings, the type accepts no socket and a call rejects.
 */
export const ping: (socket: WebSocketInterface | WebSocketStreamInterface) => Promise<number> = pingSocket

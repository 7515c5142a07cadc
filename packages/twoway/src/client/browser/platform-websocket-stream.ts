import * as platform from '../platform.js'
import { defineWebSocketStream } from '../stream/websocket-stream.js'
import type {
  StandardStreamOptions,
  WebSocketErrorConstructor,
  WebSocketError as WebSocketErrorInterface,
  WebSocketStreamConstructor,
  WebSocketStream as WebSocketStreamInterface,
} from '../stream/websocket-stream-types.js'
import { WebSocketError as ErrorOfOurs } from '../websocket/websocket-error.js'
import { openPlatformSocket } from './platform-stream-socket.js'

/** The proposal's constructor; Chromium gives binary messages as ArrayBuffers, as an older text of the proposal had it. */
export type PlatformWebSocketStreamConstructor = WebSocketStreamConstructor<
  StandardStreamOptions,
  Uint8Array | ArrayBuffer
>

interface Platform {
  readonly WebSocketStream?: PlatformWebSocketStreamConstructor
  readonly WebSocketError?: WebSocketErrorConstructor
}

const globals = globalThis as Platform

/**
 * The platform's own class if it has one, as Chromium does; else ours on top of its WebSocket. That one can't stop
 * reading, so messages gather in memory while `readable` is not read.
 */
export const WebSocketStream: PlatformWebSocketStreamConstructor =
  globals.WebSocketStream ??
  (defineWebSocketStream(openPlatformSocket(platform.WebSocket)) as PlatformWebSocketStreamConstructor)
export interface WebSocketStream extends WebSocketStreamInterface<Uint8Array | ArrayBuffer> {}

/** The error class that belongs to the class above. */
export const WebSocketError: WebSocketErrorConstructor =
  globals.WebSocketStream === undefined ? ErrorOfOurs : globals.WebSocketError!
export interface WebSocketError extends WebSocketErrorInterface {}

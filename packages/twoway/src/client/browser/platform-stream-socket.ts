import * as platform from '../platform.js'
import type { OpenStreamSocket } from '../stream/stream-socket.js'

/** Bytes waiting for the network above which a write waits, and the interval at which they are checked. */
const highWaterMarkBytes = 64 << 10
const pollMs = 10

/** The part of a WHATWG WebSocket that is used, the platform's own or another. */
interface WhatwgWebSocket {
  readonly url: string
  readonly protocol: string
  readonly extensions: string
  readonly readyState: number
  readonly bufferedAmount: number
  binaryType: 'blob' | 'arraybuffer'
  onopen: unknown
  onmessage: unknown
  onclose: unknown
  send(message: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

/**
 * A WebSocketStream's socket on top of a class WebSocket, in a browser that has no WebSocketStream of its own.
 *
 * Such a class can't stop reading: messages gather in memory while `readable` is not read. A write does wait for the
 * network, by polling `bufferedAmount`. The reason why a connection failed is not known.
 */
export function openPlatformSocket(
  WebSocket: new (url: string, protocols: string[]) => WhatwgWebSocket,
): OpenStreamSocket {
  return (url, { protocols = [] }, events) => {
    const socket = new WebSocket(url, [...protocols])
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => events.open()
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) =>
      events.message(typeof data === 'string' ? data : new Uint8Array(data))
    socket.onclose = (result: { code: number; reason: string; wasClean: boolean }) => events.close(result)
    const hasRoom = () => socket.bufferedAmount <= highWaterMarkBytes
    const poll = (): void => {
      if (hasRoom()) events.drain()
      else if (socket.readyState < 3) platform.setTimeout(poll, pollMs)
    }
    return {
      url: socket.url,
      get protocol() {
        return socket.protocol
      },
      get extensions() {
        return socket.extensions
      },
      get isOpen() {
        return socket.readyState === 1
      },
      get hasRoom() {
        return hasRoom()
      },
      send(message) {
        socket.send(message as string | Uint8Array<ArrayBuffer>)
        if (!hasRoom()) platform.setTimeout(poll, pollMs)
      },
      pause() {},
      resume() {},
      // Chromium takes an undefined code in front of a reason for 0.
      close: (code, reason) => (code === undefined ? socket.close() : socket.close(code, reason)),
    }
  }
}

import { settleClient } from '../connecting/client-settings.js'
import { checkProtocols } from '../connecting/subprotocols.js'
import { parseWebSocketUrl } from '../connecting/url.js'
import { type ClientPorts, ClientSocket, ReadyState } from '../websocket/client-socket.js'
import type { OpenStreamSocket } from './stream-socket.js'

/** The socket of a WebSocketStream on the ports of a runtime. It stops reading while `readable` is not read. */
export function openClientSocket(ports: ClientPorts): OpenStreamSocket {
  return (text, { protocols = [], signal, ...options }, events) => {
    const url = parseWebSocketUrl(text)
    // The stream handles its signal itself, because the proposal wants the signal's own reason in the rejection. With a
    // signal that is already aborted, no connection is tried.
    const socket = new ClientSocket(
      ports,
      url,
      checkProtocols(protocols),
      settleClient({ ...options, signal: signal?.aborted ? signal : undefined }),
      {
        atOnce: true,
        open: events.open,
        message: (message) => events.message(typeof message === 'string' ? message : plainBytes(message)),
        drain: events.drain,
        close: events.close,
      },
    )
    return {
      url: url.href,
      get protocol() {
        return socket.protocol
      },
      get extensions() {
        return socket.extensions
      },
      get isOpen() {
        return socket.readyState === ReadyState.open
      },
      get hasRoom() {
        return socket.hasRoom
      },
      send: (message) => socket.send(message),
      ping: () => socket.ping(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: (code, reason = '') => socket.close(code, reason),
    }
  }
}

/** A plain Uint8Array, if the runtime delivers a class of its own, such as a Buffer. */
function plainBytes({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

import { type ClientSettings, settleClient } from '../connecting/client-settings.js'
import { negotiatorsOf } from '../connecting/connecting.js'
import { parseWebSocketUrl } from '../connecting/url.js'
import { type ClientPorts, ClientSocket } from './client-socket.js'

type Handler<Event> = ((event: Event) => void) | null

/** The part of WebSocket that calls handlers, without events, listeners and tasks of their own. */
export interface HandlerSocket {
  /** Has no effect. */
  binaryType: string
  readonly protocol: string
  onopen: Handler<object>
  onmessage: Handler<{ readonly data: string | ArrayBuffer }>
  onerror: Handler<{ readonly error: unknown }>
  onclose: Handler<{ readonly code: number; readonly reason: string }>
  send(data: string | Uint8Array): void
  close(code?: number, reason?: string): void
}

/**
 * Defines a class for code of our own that needs no more of WebSocket: an event and its dispatch take longer than all other
 * work on a short message (benchmark row `link-receives`). Bytes are ArrayBuffers. A handler's error does not disturb the
 * connection, and becomes an uncaught one, as with WebSocket.
 */
export function defineHandlerSocket(ports: ClientPorts): new (url: string, protocols: string[]) => HandlerSocket {
  let settings: ClientSettings | undefined
  const call = <Event>(handler: Handler<Event>, event: Event): void => {
    try {
      handler?.(event)
    } catch (error) {
      ports.clock.defer(() => {
        throw error
      })
    }
  }

  return class implements HandlerSocket {
    binaryType = 'arraybuffer'
    onopen: HandlerSocket['onopen'] = null
    onmessage: HandlerSocket['onmessage'] = null
    onerror: HandlerSocket['onerror'] = null
    onclose: HandlerSocket['onclose'] = null
    readonly #socket: ClientSocket

    constructor(url: string, protocols: string[]) {
      settings ??= sharedSettings(ports)
      this.#socket = new ClientSocket(ports, parseWebSocketUrl(url), protocols, settings, {
        atOnce: true,
        open: () => call(this.onopen, {}),
        message: (message) => {
          // The bytes have a buffer of their own.
          call(this.onmessage, { data: typeof message === 'string' ? message : (message.buffer as ArrayBuffer) })
        },
        failed: (error) => call(this.onerror, { error }),
        close: (result) => call(this.onclose, result),
      })
    }

    get protocol(): string {
      return this.#socket.protocol
    }

    send(data: string | Uint8Array): void {
      this.#socket.send(data)
    }

    close(code?: number, reason = ''): void {
      this.#socket.close(code, reason)
    }
  }
}

/** The settings of all sockets of a class. */
function sharedSettings(ports: ClientPorts): ClientSettings {
  const settings = settleClient({})
  return { ...settings, negotiators: negotiatorsOf(settings.perMessageDeflate, ports) }
}

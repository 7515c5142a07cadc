import { longestCloseReason } from '../core/closing/close-payload.js'
import { areDistinctTokens, isToken } from '../core/handshake/field-syntax.js'
import { type ClientPorts, ClientSocket, ReadyState } from './client-socket.js'
import { CloseEvent } from './close-event.js'
import { parseWebSocketUrl } from './url.js'
import type { WebSocketConstructor, WebSocketOptions } from './websocket-types.js'

type EventHandler = ((event: Event) => unknown) | null

/**
 * The class WebSocket of the WHATWG standard over a runtime's ports: https://websockets.spec.whatwg.org/#websocket
 * Converts what it is given as WebIDL says, and turns what happens into events.
 */
export function defineWebSocket(ports: ClientPorts): WebSocketConstructor {
  class WebSocket extends EventTarget {
    readonly #url: URL
    readonly #socket: ClientSocket
    readonly #handlers = new Map<string, EventHandler>()
    #binaryType: 'blob' | 'arraybuffer' = 'blob'

    constructor(url: string | { toString(): string }, options: string | readonly string[] | WebSocketOptions = []) {
      super()
      this.#url = parseWebSocketUrl(String(url))
      const given: WebSocketOptions = isProtocols(options) ? { protocols: options } : options
      this.#socket = new ClientSocket(ports, this.#url, checkedProtocols(given.protocols), given, {
        open: () => this.dispatchEvent(new Event('open')),
        message: (message) => {
          const data = typeof message === 'string' ? message : this.#binaryData(message)
          this.dispatchEvent(new MessageEvent('message', { data, origin: this.#url.origin }))
        },
        close: (result, error) => {
          if (error !== undefined) this.dispatchEvent(errorEvent(error))
          this.dispatchEvent(new CloseEvent('close', result))
        },
      })
    }

    get url(): string {
      return this.#url.href
    }

    get readyState(): ReadyState {
      return this.#socket.readyState
    }

    get bufferedAmount(): number {
      return this.#socket.bufferedAmount
    }

    get extensions(): string {
      return this.#socket.extensions
    }

    get protocol(): string {
      return this.#socket.protocol
    }

    get binaryType(): 'blob' | 'arraybuffer' {
      return this.#binaryType
    }

    /** WebIDL ignores a value that the enumeration does not have. */
    set binaryType(type: 'blob' | 'arraybuffer') {
      if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type
    }

    send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
      if (this.readyState === ReadyState.connecting) {
        throw new DOMException(
          'the connection is not open yet: send() once the open event has come',
          'InvalidStateError',
        )
      }
      this.#socket.send(messageOf(data))
    }

    close(code?: number, reason?: string): void {
      const status = code === undefined ? undefined : toUnsignedShort(code)
      if (status !== undefined && status !== 1000 && (status < 3000 || status > 4999)) {
        throw new DOMException(
          `close() takes the code 1000 or one from 3000 to 4999, not ${status}`,
          'InvalidAccessError',
        )
      }
      const text = reason === undefined ? '' : String(reason)
      if (ports.payload.byteLength(text) > longestCloseReason) {
        throw new DOMException(
          `a close reason takes at most ${longestCloseReason} octets of UTF-8: shorten it`,
          'SyntaxError',
        )
      }
      // A Close can't carry a reason without a code.
      this.#socket.close(status ?? (text === '' ? undefined : 1000), text)
    }

    get onopen(): EventHandler {
      return this.#handler('open')
    }

    set onopen(handler: EventHandler) {
      this.#setHandler('open', handler)
    }

    get onmessage(): EventHandler {
      return this.#handler('message')
    }

    set onmessage(handler: EventHandler) {
      this.#setHandler('message', handler)
    }

    get onerror(): EventHandler {
      return this.#handler('error')
    }

    set onerror(handler: EventHandler) {
      this.#setHandler('error', handler)
    }

    get onclose(): EventHandler {
      return this.#handler('close')
    }

    set onclose(handler: EventHandler) {
      this.#setHandler('close', handler)
    }

    #handler(type: string): EventHandler {
      return this.#handlers.get(type) ?? null
    }

    /** A handler keeps the place among the listeners at which it was first set. */
    #setHandler(type: string, handler: EventHandler): void {
      const callback = typeof handler === 'function' ? handler : null
      if (callback !== null && !this.#handlers.has(type)) {
        this.addEventListener(type, (event) => this.#handlers.get(type)?.call(this, event))
      }
      if (callback !== null || this.#handlers.has(type)) this.#handlers.set(type, callback)
    }

    #binaryData(bytes: Uint8Array): Blob | ArrayBuffer {
      // The bytes came with a buffer of their own.
      const buffer = bytes.buffer as ArrayBuffer
      return this.#binaryType === 'blob' ? new Blob([buffer]) : buffer
    }
  }

  for (const [name, value] of constants) {
    const descriptor = { value, enumerable: true, writable: false, configurable: false }
    Object.defineProperty(WebSocket, name, descriptor)
    Object.defineProperty(WebSocket.prototype, name, descriptor)
  }
  return WebSocket as unknown as WebSocketConstructor
}

const constants = [
  ['CONNECTING', ReadyState.connecting],
  ['OPEN', ReadyState.open],
  ['CLOSING', ReadyState.closing],
  ['CLOSED', ReadyState.closed],
] as const

function isProtocols(options: string | readonly string[] | WebSocketOptions): options is string | readonly string[] {
  return typeof options === 'string' || Symbol.iterator in Object(options)
}

function checkedProtocols(protocols: string | readonly string[] = []): readonly string[] {
  const list = typeof protocols === 'string' ? [protocols] : Array.from(protocols, String)
  if (areDistinctTokens(list)) return list
  const wrong = list.find((protocol) => !isToken(protocol))
  throw new DOMException(
    wrong === undefined
      ? 'a subprotocol is listed twice'
      : `"${wrong}" is not a subprotocol's name: it must be a token`,
    'SyntaxError',
  )
}

function messageOf(data: unknown): string | Uint8Array | Blob {
  if (data instanceof Blob) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return String(data)
}

/** WebIDL's `[Clamp] unsigned short`. */
function toUnsignedShort(value: number): number {
  const clamped = Math.min(Math.max(Number(value), 0), 65535)
  const rounded = Math.round(clamped)
  if (Number.isNaN(rounded)) return 0
  return rounded - clamped === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** The standard's plain event, with the reason beside it. */
function errorEvent(error: Error): Event {
  return Object.defineProperty(new Event('error'), 'error', { value: error, enumerable: true })
}

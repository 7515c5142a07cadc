import { longestCloseReason } from '../../core/closing/close-payload.js'
import type { CloseResult } from '../../core/connection-types.js'
import { TransportError, UsageError } from '../../core/errors.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { showAs } from '../../core/inspection.js'
import { type MessagePipe, openPipe, type Pipeable, type PipeEvents } from '../../core/message-pipe.js'
import { settleClient } from '../connecting/client-settings.js'
import { checkProtocols } from '../connecting/subprotocols.js'
import { parseWebSocketUrl } from '../connecting/url.js'
import { withoutCredentials } from '../connecting/without-credentials.js'
import { textsOf } from '../elements-of.js'
import * as platform from '../platform.js'
import { refuseThirdOptions } from '../refuse-third-options.js'
import { type ClientPorts, ClientSocket, ReadyState } from './client-socket.js'
import { CloseEvent } from './close-event.js'
import { shapeAsInterface } from './interface-shape.js'
import { bytesOf, isBlob } from './message-data.js'
import { type MessageData, messageEvent } from './message-event.js'
import { sendPing } from './ping.js'
import type { WebSocketConstructor, WebSocketOptions } from './websocket-types.js'

/** The value of an event handler attribute: HTML takes any object, and calls it if it is callable. */
type EventHandler = ((event: Event) => unknown) | object | null

/** An event handler that is set. Its listener keeps its position when the handler is replaced. */
interface ActiveHandler {
  handler: object
  readonly listener: (event: Event) => void
}

/**
 * The class WebSocket of the WHATWG standard over a runtime's ports: https://websockets.spec.whatwg.org/
 * Converts arguments as WebIDL says, and fires events. Numbers in comments are the standard's steps.
 */
export function defineWebSocket(ports: ClientPorts): WebSocketConstructor {
  class WebSocket extends platform.EventTarget implements Pipeable {
    readonly #url: string
    readonly #origin: string
    readonly #socket: ClientSocket
    readonly #handlers = new Map<string, ActiveHandler>()
    #binaryType: 'blob' | 'arraybuffer' = 'blob'
    /** Takes the messages in place of the event. */
    #pipe: PipeEvents | undefined

    constructor(
      url: string | { toString(): string },
      protocols: string | readonly string[] | WebSocketOptions | undefined = undefined,
    ) {
      // biome-ignore lint/complexity/noArguments: WebIDL tells an argument that is missing from one that is undefined
      if (arguments.length === 0) throw new TypeError('a WebSocket takes a URL: write one such as ws://localhost:8080/')
      super()
      // biome-ignore lint/complexity/noArguments: WebIDL ignores further arguments, so they have no names
      refuseThirdOptions(arguments[2], 'WebSocket')
      const text = `${url}`
      const options = toOptions(protocols)
      // 1. to 7. The URL is parsed; the base URL of 1. is the page's, so there is none here.
      const record = parseWebSocketUrl(text)
      // 8. and 9. The subprotocols must be distinct tokens.
      checkProtocols(options.protocols)
      // 10. The URL is kept.
      this.#url = record.href
      this.#origin = record.origin
      // 12. The connection is established in parallel.
      this.#socket = new ClientSocket(ports, record, options.protocols, settleClient(options), {
        open: (headers) => {
          super.dispatchEvent(openEvent(headers))
          this.#pipe?.open()
        },
        message: (message) => {
          if (this.#pipe !== undefined) this.#pipe.message(message)
          else super.dispatchEvent(this.#messageEvent(message))
        },
        drain: () => this.#pipe?.drain(),
        failed: (error) => super.dispatchEvent(errorEvent(error)),
        close: (result, error) => {
          super.dispatchEvent(closeEvent(result))
          this.#pipe?.closed(result, error && (() => error))
        },
      })
    }

    get url(): string {
      return this.#url
    }

    get readyState(): ReadyState {
      return this.#socket.readyState
    }

    get bufferedAmount(): number {
      return this.#socket.bufferedAmount
    }

    get onopen(): EventHandler {
      return this.#handler('open')
    }

    set onopen(handler: EventHandler) {
      this.#setHandler('open', handler)
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

    get extensions(): string {
      return this.#socket.extensions
    }

    get protocol(): string {
      return this.#socket.protocol
    }

    close(code: number | undefined = undefined, reason: string | undefined = undefined): void {
      const socket = this.#socket
      const status = code === undefined ? undefined : toClampedUnsignedShort(code)
      const text = reason === undefined ? '' : `${reason}`
      // 1. A code must be 1000, or one from 3000 to 4999.
      if (status !== undefined && status !== 1000 && (status < 3000 || status > 4999)) {
        throw new platform.DOMException(
          `close() takes the code 1000 or one from 3000 to 4999, not ${status}`,
          'InvalidAccessError',
        )
      }
      // 2. A reason takes at most 123 bytes of UTF-8.
      if (ports.payload.byteLength(text) > longestCloseReason) {
        throw new platform.DOMException(
          `a close reason takes at most ${longestCloseReason} bytes of UTF-8: shorten it`,
          'SyntaxError',
        )
      }
      // 3. The state decides. A Close can't carry a reason without a code.
      socket.close(status ?? (text === '' ? undefined : 1000), text)
    }

    get onmessage(): EventHandler {
      return this.#handler('message')
    }

    set onmessage(handler: EventHandler) {
      this.#setHandler('message', handler)
    }

    get binaryType(): 'blob' | 'arraybuffer' {
      return this.#binaryType
    }

    set binaryType(type: 'blob' | 'arraybuffer') {
      const before = this.#binaryType
      const text = `${type}`
      // WebIDL: a value that the enumeration does not have is ignored.
      this.#binaryType = text === 'blob' || text === 'arraybuffer' ? text : before
    }

    send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
      const socket = this.#socket
      // biome-ignore lint/complexity/noArguments: WebIDL tells an argument that is missing from one that is undefined
      if (arguments.length === 0) throw new TypeError('send() takes a message: give one')
      const message = typeof data === 'string' ? data : toMessage(data)
      // 1. Nothing can be sent while connecting.
      if (socket.readyState === ReadyState.connecting) {
        throw new platform.DOMException(
          'the connection is not open yet: send() once the open event has come',
          'InvalidStateError',
        )
      }
      // 2. It is sent where the connection is open, and counts in any case.
      socket.send(message)
    }

    [sendPing](): Promise<number> {
      return this.#socket.ping()
    }

    [openPipe](events: PipeEvents): MessagePipe {
      const socket = this.#socket
      if (this.#pipe !== undefined) throw new UsageError('streamImpossible', 'this WebSocket is a stream already')
      if (socket.readyState > ReadyState.open) {
        throw new UsageError('streamImpossible', 'this WebSocket is closing or closed')
      }
      this.#pipe = events
      return {
        isOpen: socket.readyState === ReadyState.open,
        send(message) {
          if (socket.readyState !== ReadyState.open) throw new TransportError('the message is not sent: closed')
          const bytes = typeof message === 'string' ? message : bytesOf(message)
          if (bytes === undefined) throw new TypeError('a stream of messages takes strings and bytes')
          socket.send(bytes)
          return socket.hasRoom
        },
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        close() {
          socket.close(1000, '')
          socket.resume()
        },
        terminate: () => socket.terminate(),
      }
    }

    #handler(type: string): EventHandler {
      return this.#handlers.get(type)?.handler ?? null
    }

    /** HTML's setter of an event handler: null, like any value that is no object, removes it. */
    #setHandler(type: string, value: unknown): void {
      const active = this.#handlers.get(type)
      if (!isObject(value)) {
        if (active === undefined) return
        this.#handlers.delete(type)
        super.removeEventListener(type, active.listener)
      } else if (active !== undefined) {
        active.handler = value
      } else {
        const activated: ActiveHandler = { handler: value, listener: (event) => this.#process(activated, event) }
        this.#handlers.set(type, activated)
        super.addEventListener(type, activated.listener)
      }
    }

    /** HTML's event handler processing algorithm: an event is cancelled by returning false. */
    #process({ handler }: ActiveHandler, event: Event): void {
      if (typeof handler === 'function' && handler.call(this, event) === false) event.preventDefault()
    }

    /** §4, "a WebSocket message has been received", 2. and 3. */
    #messageEvent(message: string | Uint8Array): MessageEvent {
      let data: MessageData
      if (typeof message === 'string') {
        data = message
      } else {
        // The bytes have a buffer of their own.
        const buffer = message.buffer as ArrayBuffer
        data = this.#binaryType === 'blob' ? new platform.Blob([buffer]) : buffer
      }
      return messageEvent(data, this.#origin)
    }
  }

  shapeAsInterface(WebSocket)
  showAs(WebSocket.prototype, ({ url, readyState, protocol, extensions, bufferedAmount, binaryType }) => ({
    url: withoutCredentials(url),
    readyState: constants[readyState][0],
    protocol,
    extensions,
    bufferedAmount,
    binaryType,
  }))
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

function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}

/**
 * The union `DOMString or sequence<DOMString>`, and beyond the standard an object of options, which there would become
 * the string "[object Object]".
 */
function toOptions(given: unknown): WebSocketOptions & { readonly protocols: readonly string[] } {
  if (given === undefined) return { protocols: [] }
  if (typeof given !== 'object' || given === null) return { protocols: toProtocols(given) }
  if (Symbol.iterator in given) return { protocols: toProtocols(given) }
  const options: WebSocketOptions = given
  return { ...options, protocols: options.protocols === undefined ? [] : toProtocols(options.protocols) }
}

function toProtocols(given: unknown): readonly string[] {
  if (isObject(given) && Symbol.iterator in given) return textsOf(given as Iterable<unknown>)
  return [`${given}`]
}

/** The union `BufferSource or Blob or USVString`. */
function toMessage(data: unknown): string | Uint8Array | Blob {
  if (isBlob(data)) return data
  return bytesOf(data) ?? `${data}`
}

/** WebIDL's `[Clamp] unsigned short`: the nearest one; of two that are equally near, the even one. */
function toClampedUnsignedShort(value: unknown): number {
  const clamped = Math.min(Math.max(+(value as number), 0), 65535)
  const rounded = Math.round(clamped)
  if (Number.isNaN(rounded)) return 0
  return rounded - clamped === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** The standard's plain event, with the header fields of the server's answer added. */
function openEvent(headers: HeaderFields): Event {
  return showing(new platform.Event('open'), { headers })
}

/** The standard's plain event, with the reason added in `error` and `message`, so that logs show it. */
function errorEvent(error: Error): Event {
  return showing(new platform.Event('error'), { message: error.message, error })
}

function closeEvent(result: CloseResult): Event {
  return showAs(new CloseEvent('close', result), ({ type, code, reason, wasClean }) => ({
    type,
    code,
    reason,
    wasClean,
  }))
}

/** An event with further members, which `console.log` shows on Node, Bun and Deno. */
function showing(event: Event, members: Readonly<Record<string, unknown>>): Event {
  Object.keys(members).forEach((name) => {
    Object.defineProperty(event, name, { value: members[name], enumerable: true })
  })
  return showAs(event, ({ type }) => ({ type, ...members }))
}

import type { CloseResult } from '../../core/connection-types.js'
import type { HeaderFields } from '../../core/http/header-fields.js'
import { showAs } from '../../core/inspection.js'
import { onAbort } from '../connecting/abort-listeners.js'
import { withoutCredentials } from '../connecting/without-credentials.js'
import { textsOf } from '../elements-of.js'
import * as platform from '../platform.js'
import { refuseThirdOptions } from '../refuse-third-options.js'
import { shapeAsInterface } from '../websocket/interface-shape.js'
import { bytesOf } from '../websocket/message-data.js'
import { sendPing } from '../websocket/ping.js'
import { checkCloseInfo, connectionFailure, isWebSocketError } from '../websocket/websocket-error.js'
import type { OpenStreamSocket, StreamSocket } from './stream-socket.js'
import type {
  MessageReadable,
  MessageWritable,
  WebSocketCloseInfo,
  WebSocketOpenInfo,
  WebSocketStreamConstructor,
  WebSocketStreamOptions,
} from './websocket-stream-types.js'

/**
 * Bytes of messages that are kept while `readable` is not read. Reading continues when half of them are taken: one read of
 * the network may bring hundreds of messages, and to stop after each would cost more than parsing it.
 */
const highWaterMarkBytes = 64 << 10
/** Bytes that each message counts beyond its length, so that empty messages do not gather without bound. */
const messageOverhead = 64

/**
 * The class WebSocketStream of the proposal for the WHATWG standard, over any function that opens its sockets:
 * https://github.com/whatwg/websockets/pull/48. The steps named in comments are the proposal's.
 */
export function defineWebSocketStream(openSocket: OpenStreamSocket): WebSocketStreamConstructor {
  class WebSocketStream {
    readonly #socket: StreamSocket
    readonly #opened = new Settlement<WebSocketOpenInfo>()
    readonly #closed = new Settlement<{ closeCode: number; reason: string }>()
    #stopListening: (() => void) | undefined
    /** Takes the messages, until the reader cancels. */
    #readable: ReadableStreamDefaultController<string | Uint8Array> | undefined
    #writable: WritableStreamDefaultController | undefined
    /** The write that waits for the network. A stream writes one chunk at a time. */
    #write: Settlement<void> | undefined

    constructor(url: string | { toString(): string }, options: WebSocketStreamOptions = {}) {
      // biome-ignore lint/complexity/noArguments: WebIDL tells an argument that is missing from one that is undefined
      if (arguments.length === 0) throw new TypeError('a WebSocketStream takes a URL: write one such as wss://host/')
      // biome-ignore lint/complexity/noArguments: WebIDL ignores further arguments, so they have no names
      refuseThirdOptions(arguments[2], 'WebSocketStream')
      const text = `${url}`
      const { signal, ...settings } = toDictionary(options)
      this.#socket = openSocket(
        text,
        { ...settings, signal },
        {
          open: (headers) => this.#open(headers),
          message: (message) => this.#receive(message),
          drain: () => this.#write?.resolve(),
          close: (result, error) => this.#finish(result, error),
        },
      )
      if (signal === undefined) return
      /** Constructor, step 8. The promises are rejected here, before the end of the socket would reject them. */
      const abort = (): void => {
        this.#fail(signal.reason)
        this.#socket.close()
      }
      if (signal.aborted) abort()
      else this.#stopListening = onAbort(signal, abort)
    }

    get url(): string {
      return this.#socket.url
    }

    get opened(): Promise<WebSocketOpenInfo> {
      return this.#opened.promise
    }

    get closed(): Promise<{ closeCode: number; reason: string }> {
      return this.#closed.promise
    }

    close(closeInfo: WebSocketCloseInfo = {}): void {
      const { code, reason } = checkCloseInfo(closeInfo)
      this.#socket.close(code, reason)
    }

    [sendPing](): Promise<number> | undefined {
      return this.#socket.ping?.()
    }

    /** "When the WebSocket connection is established". */
    #open(headers: HeaderFields | undefined): void {
      const { protocol, extensions } = this.#socket
      this.#stopListening?.()
      const readable = new platform.ReadableStream<string | Uint8Array>(
        {
          start: (controller) => {
            this.#readable = controller
          },
          pull: ({ desiredSize }) => {
            if (2 * desiredSize! >= highWaterMarkBytes) this.#socket.resume()
          },
          cancel: (reason) => {
            this.#readable = undefined
            this.#closeBecause(reason)
          },
        },
        { highWaterMark: highWaterMarkBytes, size: (message) => message!.length + messageOverhead },
      )
      const writable = new platform.WritableStream<unknown>({
        start: (controller) => {
          this.#writable = controller
          // A stream calls `abort` below only when the current write is done, and the peer may never read.
          controller.signal.addEventListener('abort', () => this.#giveUp(controller.signal.reason))
        },
        write: (chunk) => this.#send(chunk),
        close: () => {
          this.#socket.close()
          return this.#closed.promise.then(() => {})
        },
        abort: (reason) => this.#closeBecause(reason),
      })
      this.#opened.resolve({
        readable: readable as MessageReadable<string | Uint8Array>,
        writable: writable as MessageWritable,
        extensions,
        protocol,
        ...(headers !== undefined && { headers }),
      })
    }

    /** "When a WebSocket message has been received". */
    #receive(message: string | Uint8Array): void {
      const readable = this.#readable
      if (readable === undefined) return
      readable.enqueue(message)
      if (readable.desiredSize! <= 0) this.#socket.pause()
    }

    /** "To write chunk": resolves at once, or once the network has taken enough. */
    #send(chunk: unknown): Promise<void> | undefined {
      const message = bytesOf(chunk) ?? `${chunk}`
      // Beyond the proposal, which drops the message silently.
      if (!this.#socket.isOpen) throw closedError()
      this.#socket.send(message)
      if (this.#socket.hasRoom) return undefined
      this.#write = new Settlement()
      return this.#write.promise
    }

    #giveUp(reason: unknown): void {
      this.#closeBecause(reason)
      this.#write?.reject(reason)
    }

    /** "To close using reason". */
    #closeBecause(reason: unknown): void {
      const closeInfo = isWebSocketError(reason) ? reason : {}
      try {
        this.close(closeInfo)
      } catch {
        // A failed connection has a code that `close` does not accept.
        this.close()
      }
    }

    /** "When the WebSocket connection is closed". */
    #finish({ code, reason, wasClean }: CloseResult, cause: Error | undefined): void {
      if (!wasClean) {
        this.#fail(connectionFailure(code, reason, cause))
        return
      }
      this.#readable?.close()
      // Our Close goes last, so all earlier messages are written.
      this.#write?.resolve()
      this.#writable?.error(closedError())
      this.#closed.resolve({ closeCode: code, reason })
    }

    #fail(error: unknown): void {
      this.#stopListening?.()
      this.#opened.reject(error)
      this.#readable?.error(error)
      this.#write?.reject(error)
      this.#writable?.error(error)
      this.#closed.reject(error)
    }
  }

  shapeAsInterface(WebSocketStream)
  showAs(WebSocketStream.prototype, ({ url }) => ({ url: withoutCredentials(url) }))
  return WebSocketStream
}

/** WebIDL's conversion of the options: of the dictionary, of `sequence<USVString>` and of AbortSignal. */
function toDictionary(given: WebSocketStreamOptions | null): WebSocketStreamOptions {
  const options = given ?? {}
  if (!isObject(options)) throw new TypeError('the options of a WebSocketStream are an object: { protocols, signal }')
  const { protocols, signal } = options
  if (protocols !== undefined && !(isObject(protocols) && Symbol.iterator in protocols)) {
    throw new TypeError('protocols are a list: write one subprotocol as [name]')
  }
  if (signal !== undefined && !(isObject(signal) && 'aborted' in signal)) {
    throw new TypeError('the option signal must be an AbortSignal')
  }
  return { ...options, protocols: protocols && textsOf(protocols) }
}

function isObject(value: unknown): value is object {
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
}

/** A promise with its two functions. Its rejection is never reported as unhandled; callers that await it still get it. */
class Settlement<Value> {
  declare readonly resolve: (value: Value) => void
  declare readonly reject: (reason: unknown) => void
  readonly promise: Promise<Value>

  constructor() {
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }))
    this.promise.catch(() => {})
  }
}

function closedError(): DOMException {
  return new platform.DOMException(
    'the WebSocketStream is closing or closed: nothing can be written to it',
    'InvalidStateError',
  )
}

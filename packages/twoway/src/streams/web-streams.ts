import type { MessagePipe } from '../core/message-pipe.js'
import { pipeOf } from './pipe-of.js'

/** A socket's messages as the platform's streams: text as strings, binary as bytes that the reader owns. */
export interface WebStreams {
  readonly readable: ReadableStream<string | Uint8Array>
  /** Takes strings and bytes. A write is done when at most the socket's high-water mark is queued. */
  readonly writable: WritableStream<string | ArrayBuffer | ArrayBufferView>
}

/** Bytes of messages that are kept while `readable` is not read. */
const highWaterMarkBytes = 64 << 10
/** Bytes that each message counts beyond its length, so that empty messages do not gather without bound. */
const messageOverhead = 64

/**
 * The messages of a socket as a ReadableStream and a WritableStream, with backpressure both ways: a reader that is slow stops
 * the reading of the network, and a write waits for it. The socket is one of a handler of `serve` or `attach`, or a client's
 * WebSocket. Its `message` handler, or event, is called no more.
 *
 * Closing or aborting `writable`, or cancelling `readable`, closes the connection. Its clean end closes both; another fails
 * them with a TransportError. Throws a UsageError for any other object, for a socket that is closed or is a stream already,
 * and for one of `messageStream`.
 */
export function toWebStreams(socket: object): WebStreams {
  let reading: ReadableStreamDefaultController<string | Uint8Array> | undefined
  let writing: WritableStreamDefaultController | undefined
  /** The end of the write that waits for the handshake or the network. */
  let waiting: { readonly resolve: () => void; readonly reject: (reason: unknown) => void } | undefined
  const wait = (): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
  let isClosed: () => void
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve
  })

  const pipe: MessagePipe = pipeOf(socket, {
    open: () => waiting?.resolve(),
    message(message) {
      if (reading === undefined) return
      reading.enqueue(message)
      if (reading.desiredSize! <= 0) pipe.pause()
    },
    drain: () => waiting?.resolve(),
    closed(_result, lost) {
      const error = lost?.()
      if (error === undefined) reading?.close()
      else reading?.error(error)
      waiting?.reject(error ?? new Error('the connection is closed'))
      writing?.error(error ?? new Error('the connection is closed: nothing can be written to it'))
      isClosed()
    },
  })

  const readable = new ReadableStream<string | Uint8Array>(
    {
      start(controller) {
        reading = controller
      },
      // One read of the network may bring hundreds of messages; to stop after each would cost more than parsing it.
      pull({ desiredSize }) {
        if (2 * desiredSize! >= highWaterMarkBytes) pipe.resume()
      },
      cancel() {
        reading = undefined
        pipe.close()
      },
    },
    { highWaterMark: highWaterMarkBytes, size: (message) => message!.length + messageOverhead },
  )
  const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
    async start(controller) {
      writing = controller
      // A stream calls `abort` below only when the current write is done, and the peer may never read.
      controller.signal.addEventListener('abort', () => {
        pipe.terminate()
        waiting?.reject(controller.signal.reason)
      })
      if (!pipe.isOpen) await wait()
    },
    async write(message) {
      if (!pipe.send(message)) await wait()
    },
    close() {
      pipe.close()
      return closed
    },
    abort: () => pipe.terminate(),
  })
  return { readable, writable }
}

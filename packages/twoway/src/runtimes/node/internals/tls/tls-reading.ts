import type { TLSSocket } from 'node:tls'
import { TransportError } from '../../../../core/errors.js'
import { sharedMemory } from '../../payload/shared-memory.js'
import type { StreamReading } from '../../transport/shared-reading.js'
import { withoutStack } from '../../without-stack.js'
import { noteFallback } from '../fallbacks.js'
import { isIdle, peekHandle } from '../socket/take-handle.js'
import type { StreamHandle } from '../stream-handle.js'
import type { StreamWrap } from '../stream-wrap.js'

/** Bytes beyond the written ones: OpenSSL answers some messages itself, such as a KeyUpdate that asks for ours (RFC 8446 §4.6.3). */
const maxOwnAnswersBytes = 1 << 20

type OnRead = (this: unknown, bytes: unknown) => unknown

/**
 * Lets a TLSSocket that Node has made read into the shared memory.
 *
 * The socket keeps its handle. Long after the handshake, Node calls a dozen functions on the handle (renegotiation, sessions,
 * OCSP, keys, errors). They need a TLSSocket, and otherwise throw within a native callback, where nothing catches the error.
 * So this class replaces only `onread`, and handles only the calls that bring bytes. It passes the end of the stream and its
 * errors on to Node.
 */
export class TlsReading implements StreamReading {
  receive: StreamReading['receive'] = () => false
  readonly #socket: TLSSocket
  readonly #handle: StreamHandle

  private constructor(socket: TLSSocket, handle: StreamHandle) {
    this.#socket = socket
    this.#handle = handle
  }

  /** Returns undefined and changes nothing if the socket has buffered bytes, or if its handle has an unknown shape. */
  static of(socket: TLSSocket, wrap: StreamWrap): TlsReading | undefined {
    if (!isIdle(socket)) return undefined
    const handle = peekHandle(socket)
    const ordinary = handle?.onread as OnRead | undefined
    if (handle === undefined || typeof ordinary !== 'function') {
      noteFallback('tls', 'the handle of a TLSSocket has an unknown shape')
      return undefined
    }
    const { streamBaseState, kReadBytesOrError } = wrap
    const reading = new TlsReading(socket, handle)
    const { bytes: shared } = sharedMemory
    reading.stop()
    try {
      handle.useUserBuffer(shared)
    } catch (error) {
      noteFallback('tls', `the handle of a TLSSocket takes no memory to read into: ${(error as Error).message}`)
      return undefined
    }
    socket.setTimeout(0)
    // Node would take a returned value for the memory of the next read.
    handle.onread = function onRead(this: unknown, bytes: unknown): void {
      const length = streamBaseState[kReadBytesOrError]!
      if (length <= 0) {
        ordinary.call(this, bytes)
        return
      }
      if (owesTooMuch(socket, handle)) {
        socket.destroy(withoutStack(answersUnread))
        return
      }
      // Only a handle that reads into its own memory passes bytes as an argument.
      const isShared = bytes === undefined
      if (!isShared) noteFallback('tls', 'the handle of a TLSSocket reads into memory of its own')
      const range = isShared ? shared : new Uint8Array(bytes as ArrayBuffer, 0, length)
      if (!reading.receive(range, 0, length)) reading.stop()
    } satisfies OnRead
    return reading
  }

  start(): void {
    const handle = this.#handle
    if (handle.reading === true || this.#isGone()) return
    handle.reading = true
    handle.readStart()
  }

  stop(): void {
    const handle = this.#handle
    if (handle.reading !== true || this.#isGone()) return
    handle.reading = false
    handle.readStop()
  }

  /** A handle that is closing is no longer the socket's. */
  #isGone(): boolean {
    return (this.#socket as unknown as { readonly _handle: unknown })._handle !== this.#handle
  }
}

/**
 * Whether a peer makes OpenSSL answer and does not read the answers, which Node buffers without a limit. OpenSSL accepts at
 * most 32 KeyUpdates in a row without data, so a check at each read with data is enough. Encryption less than doubles the
 * written bytes.
 */
function owesTooMuch(socket: TLSSocket, handle: StreamHandle): boolean {
  return handle.writeQueueSize > maxOwnAnswersBytes + 2 * socket.writableLength
}

function answersUnread(): TransportError {
  return new TransportError('the peer asked for new keys of TLS again and again, and did not read the answers')
}

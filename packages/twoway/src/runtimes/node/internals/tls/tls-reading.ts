import type { TLSSocket } from 'node:tls'
import { TransportError } from '../../../../core/errors.js'
import { sharedMemory } from '../../payload/shared-memory.js'
import type { StreamReading } from '../../transport/shared-reading.js'
import { withoutStack } from '../../without-stack.js'
import { noteFallback } from '../fallbacks.js'
import type { StreamHandle } from '../stream-handle.js'
import type { StreamWrap } from '../stream-wrap.js'
import { isIdle, peekHandle } from '../take-handle.js'

/** Beyond what was written: what OpenSSL answers by itself, as to each KeyUpdate that asks for ours (RFC 8446 §4.6.3). */
const maxOwnAnswersBytes = 1 << 20

type OnRead = (this: unknown, bytes: unknown) => unknown

/**
 * How a TLSSocket that Node has made reads into the memory that all share.
 *
 * The socket stays the owner of its handle. Node calls a dozen functions on it long after the handshake (renegotiation,
 * sessions, OCSP, keys, errors), which look for a TLSSocket and throw where they find anything else, within a native
 * callback, where nothing catches it. So this replaces `onread` alone, and of that only the calls that bring bytes: the
 * end of the stream and its failures go on to Node.
 */
export class TlsReading implements StreamReading {
  receive: StreamReading['receive'] = () => false
  readonly #socket: TLSSocket
  readonly #handle: StreamHandle

  private constructor(socket: TLSSocket, handle: StreamHandle) {
    this.#socket = socket
    this.#handle = handle
  }

  /**
   * Undefined, with nothing changed, where the socket has something under way, or where Node's way to read is not as
   * known.
   */
  static of(socket: TLSSocket, wrap: StreamWrap): TlsReading | undefined {
    if (!isIdle(socket)) return undefined
    const handle = peekHandle(socket)
    const ordinary = handle?.onread as OnRead | undefined
    if (handle === undefined || typeof ordinary !== 'function') {
      noteFallback('tls', 'the handle of a TLSSocket is not as known of Node')
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
    // What it returns would be taken for the memory to read into next.
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
      // Bytes come as an argument only from a handle that reads into memory of its own.
      const isShared = bytes === undefined
      if (!isShared) noteFallback('tls', 'the handle of a TLSSocket reads into memory of its own')
      const range = isShared ? shared : new Uint8Array(bytes as ArrayBuffer, 0, length)
      if (!reading.receive(range, 0, length)) reading.stop()
    } satisfies OnRead
    return reading
  }

  start(): void {
    const handle = this.#handle
    if (handle.reading === true || this.#isGone) return
    handle.reading = true
    handle.readStart()
  }

  stop(): void {
    const handle = this.#handle
    if (handle.reading !== true || this.#isGone) return
    handle.reading = false
    handle.readStop()
  }

  /** A handle that is closing is no longer the socket's. */
  get #isGone(): boolean {
    return (this.#socket as unknown as { readonly _handle: unknown })._handle !== this.#handle
  }
}

/**
 * Whether a peer has OpenSSL answer and reads none of it. Node holds the answers without a limit. OpenSSL takes at most
 * 32 KeyUpdates in a row without data, so that a look at each read with data is enough. Encryption makes less than
 * twice the bytes of what was written.
 */
function owesTooMuch(socket: TLSSocket, handle: StreamHandle): boolean {
  return handle.writeQueueSize > maxOwnAnswersBytes + 2 * socket.writableLength
}

function answersUnread(): TransportError {
  return new TransportError('the peer asked for new keys of TLS again and again, and did not read the answers')
}

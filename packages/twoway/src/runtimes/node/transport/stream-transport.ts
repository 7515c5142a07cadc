import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { TransportError } from '../../../core/errors.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../../ports/transport.js'
import type { TransportPath } from '../../../ports/transport-report.js'
import { dropped, explainDrop } from '../connect/explain-failure.js'
import { queueMicrotask } from '../internals/genuine-timers.js'
import { tlsParentOf } from '../internals/tls/tls-parent.js'
import { withoutStack } from '../without-stack.js'
import type { StreamReading } from './shared-reading.js'

/**
 * The most bytes that the stream gets in one write. A longer write goes in slices, each after the network has taken the
 * previous one, so that `pendingBytes` falls meanwhile.
 */
const sliceBytes = 256 << 10

const nothing = new Uint8Array(0)

export interface TransportOptions {
  /** Bytes that were already read from the stream. They are delivered first. The transport owns them. */
  readonly head?: Uint8Array | undefined
  /** The other end, if the stream does not know it. */
  readonly peer?: TransportPeer | undefined
  /** Makes the error that `closed` gets from the stream's error. */
  readonly explain?: ((cause: Error) => TransportError) | undefined
}

export interface StreamTransportOptions extends TransportOptions {
  /** The way to read from the stream; undefined for 'data' events. */
  readonly reading?: StreamReading | undefined
}

/**
 * A transport over any of Node's duplex streams, in practice a net.Socket or a TLSSocket. The transport owns the stream,
 * which must not have an encoding set.
 */
export class StreamTransport implements RewindableTransport {
  readonly #stream: Duplex
  readonly #explain: (cause: Error) => TransportError
  /**
   * Whether the stream is a socket: a sink may overwrite a socket's chunks, and a socket needs bytes no more once it has
   * written them. Bytes from and to other streams are copied.
   */
  readonly #isSocket: boolean
  readonly #reading: StreamReading | undefined
  #peer: TransportPeer | undefined
  #sink: TransportSink | undefined
  #head: Uint8Array | undefined
  #listening = false
  #paused = false
  #destroyed = false
  /** Events of the stream that are not yet delivered to the sink. */
  #endHeld = false
  #closeHeld = false
  #peerEnded = false
  #error: TransportError | undefined
  /** Written bytes that the stream has not got yet, from `#queueAt` on. */
  #queue: Uint8Array[] = []
  #queueAt = 0
  #queuedBytes = 0
  /** The pending bytes when they were last counted; a destroyed stream no longer knows them. */
  #lastPendingBytes = 0
  #ending = false
  #owesDrained = false

  constructor(stream: Duplex, { head, reading, peer, explain = explainDrop }: StreamTransportOptions = {}) {
    this.#stream = stream
    this.#explain = explain
    this.#isSocket = stream instanceof Socket
    this.#reading = reading
    if (reading !== undefined) reading.receive = this.#onRead
    if (head !== undefined && head.length > 0) this.#head = head
    this.#peer = peer ?? peerOf(stream)
    // A stream that flows already would lose what arrives before `start`.
    if (reading === undefined && stream.readableFlowing === true) stream.pause()
    // Without this, Node ends our side as soon as the peer has ended its own.
    stream.allowHalfOpen = true
    stream.on('end', this.#onEnd)
    stream.on('error', this.#onError)
    stream.on('close', this.#onClose)
  }

  get stream(): Duplex {
    return this.#stream
  }

  /** The methods of the stream control it themselves. */
  controlledBy(): void {}

  get path(): TransportPath {
    return this.#reading === undefined ? 'stream' : 'sharedRead'
  }

  get pendingBytes(): number {
    if (!this.#stream.destroyed) this.#lastPendingBytes = this.#stream.writableLength + this.#queuedBytes
    return this.#lastPendingBytes
  }

  get peer(): TransportPeer {
    this.#peer ??= peerOf(this.#stream)
    return this.#peer ?? { address: undefined, port: undefined, encrypted: isEncrypted(this.#stream) }
  }

  start(sink: TransportSink): void {
    const first = this.#sink === undefined
    this.#sink = sink
    if (first) queueMicrotask(this.#deliver)
  }

  unread(bytes: Uint8Array): void {
    this.#sink = undefined
    if (bytes.length === 0) return
    this.#head = this.#head === undefined ? new Uint8Array(bytes) : Buffer.concat([bytes, this.#head])
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    if (this.#ending) return
    if (this.#isSocket) this.#write(first, second)
    // Another stream may keep the bytes after it has called back, and they change then.
    else this.#write(new Uint8Array(first), second && new Uint8Array(second))
  }

  #write(first: Uint8Array, second?: Uint8Array): void {
    const stream = this.#stream
    const length = second === undefined ? first.length : first.length + second.length
    // If the stream is gone, or fails on this write, these bytes stay pending.
    this.#lastPendingBytes = this.pendingBytes + length
    if (!stream.writable) {
      this.#lose()
      return
    }
    if (length > sliceBytes || this.#queuedBytes > 0) {
      this.#enqueue(first)
      if (second !== undefined) this.#enqueue(second)
      this.#writeQueued()
    } else if (second === undefined) {
      stream.write(first, this.#onWritten)
    } else {
      stream.cork()
      stream.write(first, this.#onWritten)
      stream.write(second, this.#onWritten)
      stream.uncork()
    }
    if (this.pendingBytes > 0) this.#owesDrained = true
  }

  /** After an end by other code, of which the sink does not know, bytes can't be sent: the connection is lost. */
  #lose(): void {
    if (this.#stream.destroyed || !this.#stream.writableEnded) return
    this.#error ??= withoutStack(dropped)
    this.#stream.destroy()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    if (!this.#listening) return
    this.#stream.pause()
    this.#reading?.stop()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    queueMicrotask(this.#deliver)
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    if (this.#queuedBytes === 0) this.#stream.end()
  }

  destroy(reset = false): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#lastPendingBytes = this.pendingBytes
    this.#dropQueue()
    if (reset) resetStream(this.#stream)
    this.#stream.destroy()
    // The stream may have closed before, when the sink could not be told.
    if (this.#closeHeld) queueMicrotask(this.#deliver)
  }

  /** Delivers everything that was held back, in the order of its arrival, and lets the stream flow. */
  readonly #deliver = (): void => {
    const sink = this.#sink
    if (sink === undefined) return
    if (this.#head !== undefined && this.#mayDeliver()) {
      const head = this.#head
      this.#head = undefined
      sink.received(head, 0, head.length)
    }
    if (this.#mayDeliver()) {
      if (!this.#listening) {
        this.#listening = true
        if (this.#reading === undefined) this.#stream.on('data', this.#onData)
      }
      this.#stream.resume()
      this.#reading?.start()
    }
    if (this.#endHeld && this.#mayDeliver()) this.#onEnd()
    if (this.#closeHeld) this.#onClose()
  }

  #mayDeliver(): boolean {
    return !this.#paused && !this.#destroyed && this.#error === undefined
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#destroyed) return
    const bytes = this.#isSocket ? chunk : new Uint8Array(chunk)
    if (this.#sink === undefined) {
      this.#hold(bytes)
      this.#stream.pause()
    } else {
      this.#sink.received(bytes, 0, bytes.length)
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#head = this.#head === undefined ? new Uint8Array(bytes) : Buffer.concat([this.#head, bytes])
  }

  /**
   * Bytes that come before `start` wait as a copy. So do bytes that come after reading was stopped: TLS delivers all
   * records of the last read from the network.
   */
  readonly #onRead = (bytes: Uint8Array, start: number, end: number): boolean => {
    if (this.#destroyed) return false
    if (this.#sink === undefined || this.#paused || this.#head !== undefined) {
      this.#hold(bytes.subarray(start, end))
      return false
    }
    this.#sink.received(bytes, start, end)
    return true
  }

  readonly #onEnd = (): void => {
    this.#peerEnded = true
    // An empty stream reports its end even while it is paused, or not yet read.
    this.#endHeld = this.#sink === undefined || this.#paused || this.#head !== undefined
    if (!this.#endHeld && !this.#destroyed) this.#sink!.ended()
  }

  readonly #onError = (cause: Error): void => {
    this.#error ??= withoutStack(() => this.#explain(cause))
    this.#dropQueue()
  }

  readonly #onClose = (): void => {
    const isOrderly = this.#peerEnded && this.#stream.writableFinished
    if (!isOrderly && !this.#destroyed) {
      this.#error ??= withoutStack(dropped)
    }
    this.#dropQueue()
    const isOpenEnded = this.#error === undefined && !this.#destroyed
    this.#closeHeld = this.#sink === undefined || (isOpenEnded && (this.#endHeld || this.#head !== undefined))
    if (!this.#closeHeld) this.#sink!.closed(this.#error)
  }

  #enqueue(bytes: Uint8Array): void {
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
  }

  #writeQueued(): void {
    const stream = this.#stream
    while (this.#queuedBytes > 0 && stream.writableLength === 0) {
      stream.cork()
      for (let room = sliceBytes; room > 0 && this.#queuedBytes > 0; ) room -= this.#writeSlice(room)
      stream.uncork()
    }
    if (this.#queuedBytes > 0) return
    this.#dropQueue()
    if (this.#ending) stream.end()
  }

  /** Gives the stream at most `room` bytes of the queue's first entry, and returns how many. */
  #writeSlice(room: number): number {
    const bytes = this.#queue[this.#queueAt]!
    const slice = bytes.length > room ? bytes.subarray(0, room) : bytes
    if (slice === bytes) this.#takeFirst()
    else this.#queue[this.#queueAt] = bytes.subarray(room)
    this.#queuedBytes -= slice.length
    this.#stream.write(slice, this.#onWritten)
    return slice.length
  }

  /** Removes written entries in time: a queue that never gets empty must not keep them. */
  #takeFirst(): void {
    this.#queue[this.#queueAt++] = nothing
    if (2 * this.#queueAt < this.#queue.length) return
    this.#queue.splice(0, this.#queueAt)
    this.#queueAt = 0
  }

  #dropQueue(): void {
    if (this.#queue.length > 0) this.#queue = []
    this.#queueAt = 0
    this.#queuedBytes = 0
  }

  readonly #onWritten = (error?: Error | null): void => {
    // For the buffered writes of a failed stream, Node calls back without an error.
    if (error || this.#stream.destroyed) return
    if (this.#queuedBytes > 0) this.#writeQueued()
    if (!this.#owesDrained || this.pendingBytes > 0) return
    this.#owesDrained = false
    this.#sink?.drained()
  }
}

/**
 * Makes TCP send a RST, if there is TCP. A TLSSocket can't do it, but the socket under it can. While the system ends our side, Node
 * refuses a reset, and then never closes the socket: the process could not end.
 */
function resetStream(stream: Duplex): void {
  const isEnding = stream.writableEnded && stream.writableLength === 0 && !stream.writableFinished
  if (isEnding) return
  const socket = stream instanceof TLSSocket ? tlsParentOf(stream) : stream
  try {
    if (socket instanceof Socket && !socket.destroyed) socket.resetAndDestroy()
  } catch {
    // A pipe, for example. It is destroyed without a reset.
  }
}

function peerOf(stream: Duplex): TransportPeer | undefined {
  if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return undefined
  return { address: stream.remoteAddress, port: stream.remotePort, encrypted: isEncrypted(stream) }
}

function isEncrypted(stream: Duplex): boolean {
  return stream instanceof TLSSocket
}

import type { TransportError } from '../../core/errors.js'
import { copyBytes } from '../../core/payload/copy-bytes.js'
import type { Clock } from '../../ports/clock.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../ports/transport.js'
import type { BunSocket, BunSocketEvents } from './bun-sockets.js'

/**
 * The most bytes of a write that are copied to one place first. Bun has no writev: a call of the system for the header alone
 * takes longer than the copy of a payload of this length.
 */
const joinedBytes = 128 << 10

const noAddress = { address: undefined, port: undefined }

let joining: Uint8Array | undefined

/** Shared by all transports of a listener or a connector. */
export interface BunTransportSettings {
  readonly clock: Clock
  readonly encrypted: boolean
  /** Makes the error that `closed` gets. The cause is undefined if Bun gives none. */
  explain(cause: Error | undefined): TransportError
}

/** The sockets' events. A socket has no transport before its TLS handshake is done. */
export type TransportSocketEvents = BunSocketEvents<BunTransport | undefined>

/**
 * A transport over a socket of Bun.listen or Bun.connect, without the sockets, streams and events of node:net. The
 * transport owns the socket. The bytes that the kernel has not taken wait in a queue of the transport.
 */
export class BunTransport implements RewindableTransport {
  static readonly events: TransportSocketEvents = {
    binaryType: 'uint8array',
    data({ data }, bytes) {
      if (data !== undefined) data.#received(bytes)
    },
    drain({ data }) {
      if (data !== undefined) data.#writeQueued()
    },
    end({ data }) {
      if (data !== undefined) data.#ended()
    },
    close({ data }, error) {
      if (data !== undefined) data.#closed(error)
    },
    // After a failure of TLS, the event close follows without an error.
    error({ data }, error) {
      if (data !== undefined) data.#noteError(error)
    },
  }

  readonly #settings: BunTransportSettings
  #socket: BunSocket<BunTransport | undefined> | undefined
  #peer: TransportPeer | undefined
  #sink: TransportSink | undefined
  /** Bytes that arrived and wait for their delivery. */
  #head: Uint8Array | undefined
  #isStopped = false
  #isPaused = false
  #isDestroyed = false
  /** The socket is closed. */
  #isGone = false
  /** Whether a method of the socket runs. It may close the socket before it returns, and the sink is told later then. */
  #isCalling = false
  /** Events that are not yet delivered to the sink. */
  #holdsEnd = false
  #holdsClose = false
  #isTold = false
  #peerHasEnded = false
  #isEnding = false
  #isShutDown = false
  #error: TransportError | undefined
  #pendingBytes = 0
  /** Bytes that the kernel has not taken. Empty while `pendingBytes` is 0. */
  #queue: Uint8Array[] = []

  /** @param socket undefined while it connects; `connected` brings it */
  constructor(settings: BunTransportSettings, socket?: BunSocket<BunTransport | undefined>) {
    this.#settings = settings
    this.#socket = socket
    if (socket !== undefined) socket.data = this
  }

  get path(): 'bun' {
    return 'bun'
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get peer(): TransportPeer {
    const { encrypted } = this.#settings
    if (this.#peer !== undefined || this.#socket === undefined) return this.#peer ?? { ...noAddress, encrypted }
    const { remoteAddress: address, remotePort } = this.#socket
    this.#peer = address === undefined ? { ...noAddress, encrypted } : { address, port: remotePort, encrypted }
    return this.#peer
  }

  /** The socket that was awaited is open. Call it from an event. */
  connected(socket: BunSocket<BunTransport | undefined>): void {
    if (this.#isGone || this.#isDestroyed) {
      socket.terminate()
      return
    }
    this.#socket = socket
    if (this.#isPaused || this.#sink === undefined) this.#stopReading()
    if (this.#pendingBytes > 0) this.#writeQueued()
    else if (this.#isEnding) this.#shutDown()
  }

  /** There will be no socket. Call it from an event. */
  failed(cause: Error): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#noteError(cause)
    this.#tellClose()
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#goOn()
  }

  unread(bytes: Uint8Array): void {
    this.#sink = undefined
    if (bytes.length > 0) this.#head = this.#head === undefined ? new Uint8Array(bytes) : joined(bytes, this.#head)
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    if (this.#isEnding) return
    const length = second === undefined ? first.length : first.length + second.length
    if (this.#isGone || this.#isDestroyed) {
      this.#pendingBytes += length
      return
    }
    if (this.#socket === undefined || this.#pendingBytes > 0) {
      this.#enqueue(first)
      if (second !== undefined) this.#enqueue(second)
      return
    }
    if (second === undefined || length > joinedBytes) {
      const isTaken = this.#writeOrEnqueue(first)
      if (second === undefined) return
      if (isTaken) this.#writeOrEnqueue(second)
      else this.#enqueue(second)
      return
    }
    joining ??= new Uint8Array(joinedBytes)
    copyBytes(first, 0, first.length, joining, 0)
    copyBytes(second, 0, second.length, joining, first.length)
    const taken = this.#writeNow(joining, length)
    if (taken === length) return
    if (taken < first.length) this.#enqueue(first.subarray(taken))
    this.#enqueue(second.subarray(Math.max(0, taken - first.length)))
  }

  pause(): void {
    this.#isPaused = true
    this.#stopReading()
  }

  resume(): void {
    this.#isPaused = false
    this.#goOn()
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (this.#pendingBytes === 0) this.#shutDown()
  }

  destroy(reset = false): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#queue = []
    if (this.#socket === undefined || this.#isGone) {
      this.#isGone = true
      this.#settings.clock.defer(this.#tellClose)
      return
    }
    this.#isCalling = true
    // Under TLS, `close` waits until the peer has read the record that is being written.
    if (reset || (this.#pendingBytes > 0 && this.#settings.encrypted)) this.#socket.terminate()
    else this.#socket.close()
    this.#isCalling = false
    if (!this.#isGone) this.#settings.clock.defer(() => this.#closed(undefined))
  }

  /** Continues to read after the delivery of everything that was held back. */
  #goOn(): void {
    const isHolding = this.#head !== undefined || this.#holdsEnd || this.#holdsClose
    if (isHolding && this.#sink !== undefined) this.#settings.clock.defer(this.#deliver)
    else this.#readOn()
  }

  #readOn(): void {
    if (!this.#isStopped || this.#isGone || this.#socket === undefined || !this.#mayDeliver) return
    this.#isStopped = false
    this.#isCalling = true
    this.#socket.resume()
    this.#isCalling = false
  }

  #stopReading(): void {
    if (this.#isStopped || this.#isGone || this.#isDestroyed || this.#socket === undefined) return
    this.#isStopped = true
    this.#socket.pause()
  }

  /** Delivers everything that was held back, in the order of its arrival. */
  readonly #deliver = (): void => {
    const head = this.#head
    if (head !== undefined && this.#mayDeliver) {
      this.#head = undefined
      this.#sink!.received(head, 0, head.length)
    }
    if (this.#holdsEnd && this.#mayDeliver) this.#tellEnd()
    if (this.#holdsClose) this.#tellClose()
    this.#readOn()
  }

  get #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#isPaused && !this.#isDestroyed && this.#error === undefined
  }

  /** Bun delivers what it has read although the socket was paused meanwhile. */
  #received(bytes: Uint8Array): void {
    if (this.#isDestroyed) return
    if (this.#sink === undefined || this.#isPaused || this.#head !== undefined) {
      this.#head = this.#head === undefined ? bytes : joined(this.#head, bytes)
      this.#stopReading()
    } else {
      this.#sink.received(bytes, 0, bytes.length)
    }
  }

  #ended(): void {
    this.#peerHasEnded = true
    this.#tellEnd()
  }

  #tellEnd(): void {
    this.#holdsEnd = this.#sink === undefined || this.#isPaused || this.#head !== undefined
    if (!this.#holdsEnd && !this.#isDestroyed && this.#error === undefined) this.#sink!.ended()
  }

  #noteError(cause: Error | undefined): void {
    this.#error ??= this.#settings.explain(cause)
  }

  #closed(cause: Error | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#queue = []
    const isInOrder = cause === undefined && this.#isShutDown
    if (!this.#isDestroyed && !isInOrder) this.#noteError(cause ?? (this.#peerHasEnded ? brokenPipe() : undefined))
    if (this.#isCalling) this.#settings.clock.defer(this.#tellAll)
    else this.#tellAll()
  }

  /** After our side has ended, Bun 1.4 closes a TCP socket at the peer's end without the event end. */
  readonly #tellAll = (): void => {
    if (this.#error === undefined && !this.#isDestroyed && !this.#peerHasEnded) this.#ended()
    this.#tellClose()
  }

  readonly #tellClose = (): void => {
    if (this.#isTold) return
    const isInOrder = this.#error === undefined && !this.#isDestroyed
    this.#holdsClose = this.#sink === undefined || (isInOrder && (this.#holdsEnd || this.#head !== undefined))
    if (this.#holdsClose) return
    this.#isTold = true
    this.#sink!.closed(this.#isDestroyed ? undefined : this.#error)
  }

  #enqueue(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#queue.push(bytes)
    this.#pendingBytes += bytes.length
  }

  /** Whether the kernel has taken all bytes. */
  #writeOrEnqueue(bytes: Uint8Array): boolean {
    const taken = bytes.length === 0 ? 0 : this.#writeNow(bytes, bytes.length)
    if (taken === bytes.length) return true
    this.#enqueue(taken === 0 ? bytes : bytes.subarray(taken))
    return false
  }

  /** Writes the first bytes of an array, and returns how many were taken. A socket that is gone takes none. */
  #writeNow(bytes: Uint8Array, length: number): number {
    this.#isCalling = true
    const taken = this.#socket!.write(bytes, 0, length)
    this.#isCalling = false
    return taken < 0 ? 0 : taken
  }

  /** Writes the queue as far as the kernel takes it. */
  #writeQueued(): void {
    if (this.#pendingBytes === 0 || this.#isGone || this.#isDestroyed) return
    while (this.#pendingBytes > 0) {
      const first = this.#queue[0]!
      const isJoined = this.#queue.length > 1 && first.length < joinedBytes
      const length = isJoined ? this.#joinQueue() : first.length
      const taken = this.#writeNow(isJoined ? joining! : first, length)
      this.#dropWritten(taken)
      if (taken < length) return
    }
    if (this.#isEnding) this.#shutDown()
    this.#sink?.drained()
  }

  /**
   * Copies the first entries of the queue to one place. That also keeps a rule of OpenSSL, which has encrypted the bytes of
   * a write that was not taken: the next write must repeat them, and be no shorter.
   */
  #joinQueue(): number {
    joining ??= new Uint8Array(joinedBytes)
    let at = 0
    for (const bytes of this.#queue) {
      const length = Math.min(bytes.length, joinedBytes - at)
      copyBytes(bytes, 0, length, joining, at)
      at += length
      if (at === joinedBytes) break
    }
    return at
  }

  #dropWritten(length: number): void {
    this.#pendingBytes -= length
    let entries = 0
    let rest = length
    while (rest > 0 && this.#queue[entries]!.length <= rest) rest -= this.#queue[entries++]!.length
    if (entries > 0) this.#queue.splice(0, entries)
    if (rest > 0) this.#queue[0] = this.#queue[0]!.subarray(rest)
  }

  #shutDown(): void {
    if (this.#socket === undefined || this.#isGone || this.#isDestroyed) return
    this.#isShutDown = true
    this.#isCalling = true
    this.#socket.shutdown()
    this.#isCalling = false
  }
}

/** Bun closes a Unix socket whose peer has closed, although our side has not ended, and gives no error. */
function brokenPipe(): Error {
  return Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' })
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

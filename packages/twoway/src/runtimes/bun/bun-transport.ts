import type { TransportError } from '../../core/errors.js'
import { copyBytes } from '../../core/payload/copy-bytes.js'
import type { Clock } from '../../ports/clock.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../ports/transport.js'
import type { BunSocket, BunSocketEvents } from './bun-sockets.js'
import { joinedBytes, joiningRoom, WriteQueue } from './write-queue.js'

const noAddress = { address: undefined, port: undefined }

/** The states of a transport; several may apply at once. One number has them all, as each field costs idle memory. */
const Flag = {
  /** The socket does not read. */
  stopped: 1,
  paused: 2,
  destroyed: 4,
  /** The socket is closed, or there will be none. */
  gone: 8,
  /** A method of the socket runs. It may close the socket before it returns, and the sink is told later then. */
  calling: 16,
  /** The peer's end is not yet delivered. */
  holdsEnd: 32,
  /** The close is not yet delivered. */
  holdsClose: 64,
  /** The sink knows of the close. */
  told: 128,
  peerEnded: 256,
  /** Our side ends after the bytes that wait. */
  ending: 512,
  shutDown: 1024,
  /** The TLS handshake of a client is not done. */
  securing: 2048,
} as const

/** The transport neither writes nor reads any more. */
const over = Flag.destroyed | Flag.gone

/** Bytes from which the memory of a read is released at once. Less costs the collector less than the release. */
const releasedFrom = 4 << 10

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

  // An idle connection costs the memory of these fields, so that none is a closure or a list that may stay unused.
  readonly #settings: BunTransportSettings
  #socket: BunSocket<BunTransport | undefined> | undefined
  #peer: TransportPeer | undefined
  #sink: TransportSink | undefined
  /** Bytes that arrived and wait for their delivery. */
  #head: Uint8Array | undefined
  #flags = 0
  #error: TransportError | undefined
  /** Undefined while nothing waits. */
  #queue: WriteQueue | undefined

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
    return this.#queue === undefined ? 0 : this.#queue.bytes
  }

  get peer(): TransportPeer {
    const { encrypted } = this.#settings
    if (this.#peer !== undefined || this.#socket === undefined) return this.#peer ?? { ...noAddress, encrypted }
    const { remoteAddress: address, remotePort } = this.#socket
    this.#peer = address === undefined ? { ...noAddress, encrypted } : { address, port: remotePort, encrypted }
    return this.#peer
  }

  /** The socket that was awaited begins its TLS handshake; `connected` follows. Call it from an event. */
  securing(socket: BunSocket<BunTransport | undefined>): void {
    if (this.#is(over)) {
      socket.terminate()
      return
    }
    this.#socket = socket
    this.#set(Flag.securing)
  }

  /** The socket that was awaited is open, and secured by TLS if it is to be. Call it from an event. */
  connected(socket: BunSocket<BunTransport | undefined>): void {
    if (this.#is(over)) {
      socket.terminate()
      return
    }
    this.#socket = socket
    this.#clear(Flag.securing)
    if (this.#is(Flag.paused) || this.#sink === undefined) this.#stopReading()
    if (this.#queue !== undefined) this.#writeQueued()
    else if (this.#is(Flag.ending)) this.#shutDown()
  }

  /** There will be no socket. Call it from an event. */
  failed(cause: Error | undefined): void {
    if (this.#is(Flag.gone)) return
    this.#set(Flag.gone)
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
    if (this.#is(Flag.ending)) return
    if (this.#socket === undefined || this.#queue !== undefined || this.#is(over | Flag.securing)) {
      this.#enqueue(first)
      if (second !== undefined) this.#enqueue(second)
    } else if (second === undefined) {
      this.#writeOrEnqueue(first)
    } else if (first.length + second.length > joinedBytes) {
      if (this.#writeOrEnqueue(first)) this.#writeOrEnqueue(second)
      else this.#enqueue(second)
    } else {
      this.#writeJoined(first, second)
    }
  }

  pause(): void {
    this.#set(Flag.paused)
    this.#stopReading()
  }

  resume(): void {
    this.#clear(Flag.paused)
    this.#goOn()
  }

  end(): void {
    if (this.#is(Flag.ending)) return
    this.#set(Flag.ending)
    if (this.#queue === undefined) this.#shutDown()
  }

  destroy(reset = false): void {
    if (this.#is(Flag.destroyed)) return
    this.#set(Flag.destroyed)
    this.#queue?.drop()
    if (this.#socket === undefined || this.#is(Flag.gone)) {
      this.#set(Flag.gone)
      this.#settings.clock.defer(() => this.#tellClose())
      return
    }
    this.#set(Flag.calling)
    // Under TLS, `close` waits until the peer has read the record that is being written.
    if (reset || this.#is(Flag.securing) || (this.#queue !== undefined && this.#settings.encrypted))
      this.#socket.terminate()
    else this.#socket.close()
    this.#clear(Flag.calling)
    if (!this.#is(Flag.gone)) this.#settings.clock.defer(() => this.#closed(undefined))
  }

  /** Whether one of the flags is set. */
  #is(flags: number): boolean {
    return (this.#flags & flags) !== 0
  }

  #set(flag: number): void {
    this.#flags |= flag
  }

  #clear(flag: number): void {
    this.#flags &= ~flag
  }

  /** Continues to read after the delivery of everything that was held back. */
  #goOn(): void {
    const isHolding = this.#head !== undefined || this.#is(Flag.holdsEnd | Flag.holdsClose)
    if (isHolding && this.#sink !== undefined) this.#settings.clock.defer(() => this.#deliver())
    else this.#readOn()
  }

  #readOn(): void {
    if (!this.#is(Flag.stopped) || this.#is(Flag.gone) || this.#socket === undefined || !this.#mayDeliver()) return
    this.#clear(Flag.stopped)
    this.#set(Flag.calling)
    this.#socket.resume()
    this.#clear(Flag.calling)
  }

  #stopReading(): void {
    if (this.#is(Flag.stopped | Flag.securing | over) || this.#socket === undefined) return
    this.#set(Flag.stopped)
    this.#socket.pause()
  }

  /** Delivers everything that was held back, in the order of its arrival. */
  #deliver(): void {
    const head = this.#head
    if (head !== undefined && this.#mayDeliver()) {
      this.#head = undefined
      this.#handOver(head)
    }
    if (this.#is(Flag.holdsEnd) && this.#mayDeliver()) this.#tellEnd()
    if (this.#is(Flag.holdsClose)) this.#tellClose()
    this.#readOn()
  }

  #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#is(Flag.paused | Flag.destroyed) && this.#error === undefined
  }

  /** Bun delivers what it has read although the socket was paused meanwhile. */
  #received(bytes: Uint8Array): void {
    if (this.#is(Flag.destroyed)) return
    if (this.#sink === undefined || this.#is(Flag.paused) || this.#head !== undefined) {
      this.#head = this.#head === undefined ? bytes : joined(this.#head, bytes)
      this.#stopReading()
    } else {
      this.#handOver(bytes)
    }
  }

  #handOver(bytes: Uint8Array): void {
    this.#sink!.received(bytes, 0, bytes.length)
    if (bytes.length >= releasedFrom) release(bytes)
  }

  #ended(): void {
    this.#set(Flag.peerEnded)
    this.#tellEnd()
  }

  #tellEnd(): void {
    if (this.#sink === undefined || this.#is(Flag.paused) || this.#head !== undefined) {
      this.#set(Flag.holdsEnd)
      return
    }
    this.#clear(Flag.holdsEnd)
    if (!this.#is(Flag.destroyed) && this.#error === undefined) this.#sink.ended()
  }

  #noteError(cause: Error | undefined): void {
    this.#error ??= this.#settings.explain(cause)
  }

  #closed(cause: Error | undefined): void {
    if (this.#is(Flag.gone)) return
    this.#set(Flag.gone)
    this.#queue?.drop()
    const isInOrder = cause === undefined && this.#is(Flag.shutDown)
    if (!this.#is(Flag.destroyed) && !isInOrder)
      this.#noteError(cause ?? (this.#is(Flag.peerEnded) ? brokenPipe() : undefined))
    if (this.#is(Flag.calling)) this.#settings.clock.defer(() => this.#tellAll())
    else this.#tellAll()
  }

  /** After our side has ended, Bun 1.4 closes a TCP socket at the peer's end without the event end. */
  #tellAll(): void {
    if (this.#error === undefined && !this.#is(Flag.destroyed | Flag.peerEnded)) this.#ended()
    this.#tellClose()
  }

  #tellClose(): void {
    if (this.#is(Flag.told)) return
    const isInOrder = this.#error === undefined && !this.#is(Flag.destroyed)
    if (this.#sink === undefined || (isInOrder && (this.#is(Flag.holdsEnd) || this.#head !== undefined))) {
      this.#set(Flag.holdsClose)
      return
    }
    this.#clear(Flag.holdsClose)
    this.#set(Flag.told)
    this.#sink.closed(this.#is(Flag.destroyed) ? undefined : this.#error)
  }

  #enqueue(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#queue ??= new WriteQueue()
    this.#queue.add(bytes)
    if (this.#is(over)) this.#queue.drop()
  }

  #writeJoined(first: Uint8Array, second: Uint8Array): void {
    const room = joiningRoom()
    const length = first.length + second.length
    copyBytes(first, 0, first.length, room, 0)
    copyBytes(second, 0, second.length, room, first.length)
    const taken = this.#writeNow(room, length)
    if (taken === length) return
    if (taken < first.length) this.#enqueue(first.subarray(taken))
    this.#enqueue(second.subarray(Math.max(0, taken - first.length)))
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
    this.#set(Flag.calling)
    const taken = this.#socket!.write(bytes, 0, length)
    this.#clear(Flag.calling)
    return taken < 0 ? 0 : taken
  }

  /** Writes the queue as far as the kernel takes it. */
  #writeQueued(): void {
    const queue = this.#queue
    if (queue === undefined || this.#is(over | Flag.securing)) return
    while (queue.bytes > 0) {
      const bytes = queue.next()
      const taken = this.#writeNow(bytes, bytes.length)
      // The write may have closed the socket, which drops the queue.
      if (this.#is(over)) return
      queue.taken(taken)
      if (taken < bytes.length) return
    }
    this.#queue = undefined
    if (this.#is(Flag.ending)) this.#shutDown()
    this.#sink?.drained()
  }

  #shutDown(): void {
    if (this.#socket === undefined || this.#is(over | Flag.securing)) return
    this.#set(Flag.shutDown | Flag.calling)
    this.#socket.shutdown()
    this.#clear(Flag.calling)
  }
}

/**
 * Releases the memory of a read that is processed. Bun allocates each read, and the collector frees that memory late, so
 * that long messages would touch fresh pages all the time (`npm run bench`, row `binary-1m`).
 */
function release({ buffer, length }: Uint8Array): void {
  const { transfer } = buffer as ArrayBuffer & { transfer?(length: number): unknown }
  if (length === buffer.byteLength) transfer?.call(buffer, 0)
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

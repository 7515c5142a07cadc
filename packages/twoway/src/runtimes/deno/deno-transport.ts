import type { TransportError } from '../../core/errors.js'
import type { Clock } from '../../ports/clock.js'
import type { RewindableTransport, TransportPeer, TransportSink } from '../../ports/transport.js'
import type { DenoConnection } from './deno-sockets.js'

/** The lengths of a read. A connection has memory for one while it waits, so it begins with the shortest. */
const shortestRead = 2 << 10
const longestRead = 64 << 10

/** The most bytes of a write. `pendingBytes` falls after each. */
const longestWrite = 256 << 10
/** The most bytes of several writes that are copied to one place, because each write takes a turn of the event loop. */
const joinedBytes = 64 << 10

const unknown = { address: undefined, port: undefined, encrypted: true }

export interface DenoTransportSettings {
  readonly clock: Clock
  /** Makes the error that `closed` gets. The cause is undefined if Deno gives none. */
  explain(cause: Error | undefined): TransportError
}

/**
 * A transport over a TLS connection of Deno. It asks for bytes only while it may deliver them, so that backpressure reaches
 * the peer. The transport owns the connection.
 */
export class DenoTransport implements RewindableTransport {
  readonly #settings: DenoTransportSettings
  #connection: DenoConnection | undefined
  #peer: TransportPeer = unknown
  #sink: TransportSink | undefined
  #head: Uint8Array | undefined
  #room = new Uint8Array(shortestRead)
  #isReading = false
  #isPaused = false
  #isDestroyed = false
  /** The connection is closed. */
  #isGone = false
  #isTold = false
  #peerHasEnded = false
  /** The peer's end is not yet delivered. */
  #holdsEnd = false
  #isEnding = false
  #hasEnded = false
  #error: TransportError | undefined
  #isWriting = false
  #pendingBytes = 0
  #queue: Uint8Array[] = []

  /** @param connection undefined while it connects; `connected` brings it */
  constructor(settings: DenoTransportSettings, connection?: DenoConnection) {
    this.#settings = settings
    if (connection !== undefined) this.#take(connection)
  }

  get path(): 'deno' {
    return 'deno'
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  get peer(): TransportPeer {
    return this.#peer
  }

  /** The connection that was awaited is open. Call it from an event. */
  connected(connection: DenoConnection): void {
    if (this.#isDestroyed) {
      connection.close()
      return
    }
    this.#take(connection)
    this.#writeOn()
    this.#readOn()
  }

  /** The connection has failed, or there will be none. Call it from an event. */
  failed(cause: Error | undefined): void {
    if (this.#isGone || this.#isDestroyed) return
    this.#error ??= this.#settings.explain(cause)
    this.#close()
    this.#tellClose()
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#settings.clock.defer(this.#deliver)
  }

  unread(bytes: Uint8Array): void {
    this.#sink = undefined
    if (bytes.length > 0) this.#head = this.#head === undefined ? new Uint8Array(bytes) : joined([bytes, this.#head])
  }

  write(first: Uint8Array, second?: Uint8Array): void {
    if (this.#isEnding) return
    this.#pendingBytes += second === undefined ? first.length : first.length + second.length
    if (this.#isGone || this.#isDestroyed) return
    if (first.length > 0) this.#queue.push(first)
    if (second !== undefined && second.length > 0) this.#queue.push(second)
    this.#writeOn()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#settings.clock.defer(this.#deliver)
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#writeOn()
  }

  /** Deno has no reset. The system sends one if there are bytes that were not read. */
  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#close()
    this.#settings.clock.defer(() => this.#tellClose())
  }

  #take(connection: DenoConnection): void {
    this.#connection = connection
    const { hostname, port } = connection.remoteAddr
    this.#peer = { address: hostname, port, encrypted: true }
  }

  /** Delivers everything that was held back, in the order of its arrival, and reads on. */
  readonly #deliver = (): void => {
    const head = this.#head
    if (head !== undefined && this.#mayDeliver()) {
      this.#head = undefined
      this.#sink!.received(head, 0, head.length)
    }
    if (this.#holdsEnd && this.#mayDeliver()) this.#tellEnd()
    if (this.#isGone) this.#tellClose()
    this.#readOn()
  }

  #mayDeliver(): boolean {
    return this.#sink !== undefined && !this.#isPaused && !this.#isDestroyed && this.#error === undefined
  }

  #readOn(): void {
    if (this.#isReading || this.#peerHasEnded || this.#isGone || this.#connection === undefined) return
    if (this.#head === undefined && this.#mayDeliver()) void this.#read(this.#connection)
  }

  async #read(connection: DenoConnection): Promise<void> {
    this.#isReading = true
    try {
      while (this.#head === undefined && this.#mayDeliver()) {
        const length = await connection.read(this.#room)
        if (this.#isDestroyed || this.#isGone) return
        if (length === null) {
          this.#end()
          return
        }
        this.#received(length)
      }
    } catch (error) {
      // Many peers close TCP without the end of TLS.
      if ((error as Error).name === 'UnexpectedEof') this.#end()
      else this.failed(error as Error)
    } finally {
      this.#isReading = false
    }
    // The transport may have been resumed by the last delivery.
    this.#readOn()
  }

  #received(length: number): void {
    const bytes = this.#room
    if (length === bytes.length && length < longestRead) this.#room = new Uint8Array(4 * length)
    else if (length < shortestRead && bytes.length > shortestRead) this.#room = new Uint8Array(shortestRead)
    if (this.#mayDeliver()) this.#sink!.received(bytes, 0, length)
    else this.#head = bytes.slice(0, length)
  }

  #end(): void {
    this.#peerHasEnded = true
    this.#tellEnd()
    this.#closeIfEnded()
  }

  #tellEnd(): void {
    this.#holdsEnd = this.#sink === undefined || this.#isPaused || this.#head !== undefined
    if (!this.#holdsEnd && !this.#isDestroyed && this.#error === undefined) this.#sink!.ended()
  }

  #writeOn(): void {
    if (!this.#isWriting && !this.#isGone && this.#connection !== undefined) void this.#write(this.#connection)
  }

  async #write(connection: DenoConnection): Promise<void> {
    this.#isWriting = true
    try {
      // All writes of the rest of the turn go out as one.
      await undefined
      const isOwed = this.#queue.length > 0
      while (this.#queue.length > 0) {
        const taken = await connection.write(this.#nextWrite())
        if (this.#isGone) return
        this.#dropWritten(taken)
      }
      if (isOwed) this.#sink?.drained()
      if (this.#isEnding && !this.#hasEnded && this.#queue.length === 0 && !this.#isGone) {
        await connection.closeWrite()
        this.#hasEnded = true
        this.#closeIfEnded()
      }
    } catch (error) {
      this.failed(error as Error)
    } finally {
      this.#isWriting = false
    }
    if (this.#queue.length > 0 || (this.#isEnding && !this.#hasEnded)) this.#writeOn()
  }

  #nextWrite(): Uint8Array {
    const first = this.#queue[0]!
    if (first.length >= joinedBytes || this.#queue.length === 1) return first.subarray(0, longestWrite)
    let count = 0
    for (let length = 0; count < this.#queue.length; count += 1) {
      length += this.#queue[count]!.length
      if (length > joinedBytes) break
    }
    return count < 2 ? first : joined(this.#queue.slice(0, count))
  }

  #dropWritten(length: number): void {
    this.#pendingBytes -= length
    let entries = 0
    let rest = length
    while (rest > 0 && this.#queue[entries]!.length <= rest) rest -= this.#queue[entries++]!.length
    if (entries > 0) this.#queue.splice(0, entries)
    if (rest > 0) this.#queue[0] = this.#queue[0]!.subarray(rest)
  }

  #closeIfEnded(): void {
    if (!this.#hasEnded || !this.#peerHasEnded || this.#isGone) return
    this.#close()
    this.#tellClose()
  }

  #close(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#queue = []
    try {
      this.#connection?.close()
    } catch {
      // Deno has closed it.
    }
  }

  #tellClose(): void {
    if (this.#isTold || this.#sink === undefined) return
    const isInOrder = this.#error === undefined && !this.#isDestroyed
    if (isInOrder && (this.#holdsEnd || this.#head !== undefined)) return
    this.#isTold = true
    this.#sink.closed(this.#isDestroyed ? undefined : this.#error)
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

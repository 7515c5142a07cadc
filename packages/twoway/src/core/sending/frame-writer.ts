import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import type { Random } from '../../ports/random.js'
import type { Transport } from '../../ports/transport.js'
import { copyBytes } from '../payload/copy-bytes.js'
import type { Flushable, JointFlush } from './joint-flush.js'
import type { ScratchPool } from './scratch-pool.js'
import { frameHeaderSize, writeFrameHeader } from './write-frame-header.js'

/** An unmasked payload of this length or more is not copied: header and payload go out in one write. */
export const byReferenceBytes = 8 << 10

/** The owner of a frame writer. An interface rather than a function, which would cost each connection a closure. */
export interface FrameWriterOwner {
  /** A deferred flush has handed bytes to the transport. */
  flushed(): void
}

interface FrameWriterPorts {
  readonly payload: Payload
  readonly clock: Clock
  readonly scratchPool: ScratchPool
}

/**
 * Writes frames to the transport, once per turn: frames sent during a read go out at its end, all others at the end of
 * the turn.
 */
export class FrameWriter implements Flushable {
  readonly transport: Transport
  readonly #random: Random | undefined
  readonly #ports: FrameWriterPorts
  readonly #owner: FrameWriterOwner
  #scratch: Uint8Array | undefined
  /** Bytes that wait here. */
  #used = 0
  /** A whole frame that waits alone, not copied. There is no scratch buffer then. */
  #frame: Uint8Array | undefined
  #appended = 0
  #corked = false
  #scheduled = false
  /** The chunk that the transport may still read from, until `pendingBytes` is 0. */
  #lent: Uint8Array | undefined
  /** Whether the transport may have pending bytes. Once it has none, it is not asked again until the next write. */
  #mayPend = true

  /** @param random source of masking keys: a client's frames are masked, a server's are not (RFC 6455 §5.1) */
  constructor(transport: Transport, ports: FrameWriterPorts, random: Random | undefined, owner: FrameWriterOwner) {
    this.transport = transport
    this.#ports = ports
    this.#random = random
    this.#owner = owner
  }

  // The ports have these two. Fields of our own would cost every connection their memory.
  #payload(): Payload {
    return this.#ports.payload
  }

  #pool(): ScratchPool {
    return this.#ports.scratchPool
  }

  /** Whether frames are masked, as a client's are. Long payloads are copied only then. */
  get masks(): boolean {
    return this.#random !== undefined
  }

  /** Bytes that were framed and not yet handed to the network. */
  get waitingBytes(): number {
    return this.#mayPend ? this.#used + this.#pendingBytes() : this.#used
  }

  /** Bytes that were framed since the start. */
  get appendedBytes(): number {
    return this.#appended
  }

  /** Gathers writes until `uncork`. */
  cork(): void {
    this.#corked = true
  }

  uncork(): void {
    this.#corked = false
    this.flush()
  }

  /**
   * Adds a frame with the payload `bytes[start, end)`. An unmasked long payload is not copied: it must be left
   * unchanged until it is sent.
   * @param first the frame's first byte
   */
  addBytes(first: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#random === undefined && length >= byReferenceBytes) {
      this.#addByReference(first, bytes, start, end)
      return
    }
    const maskingKey = this.#random?.maskingKey()
    const size = frameHeaderSize(length, maskingKey !== undefined) + length
    const target = this.#reserve(size)
    const at = writeFrameHeader(target, this.#used, first, length, maskingKey)
    if (maskingKey === undefined) copyBytes(bytes, start, end, target, at)
    else this.#payload().maskInto(bytes, start, end, target, at, maskingKey)
    this.#added(target, size)
  }

  /** Adds a frame with a text payload and returns the payload's length in bytes. */
  addText(first: number, text: string): number {
    const maskingKey = this.#random?.maskingKey()
    const masked = maskingKey !== undefined
    // Assumes ASCII, the most frequent text, and moves the payload if the header turns out longer.
    const guess = frameHeaderSize(text.length, masked)
    const target = this.#reserve(this.#sizeFor(text, masked))
    const begin = this.#used
    const length = this.#payload().encodeInto(text, target, begin + guess)
    const size = frameHeaderSize(length, masked)
    if (size !== guess) target.copyWithin(begin + size, begin + guess, begin + guess + length)
    writeFrameHeader(target, begin, first, length, maskingKey)
    if (masked) this.#payload().unmask(target, begin + size, begin + size + length, maskingKey, 0)
    this.#added(target, size + length)
    return length
  }

  /**
   * Adds a whole unmasked frame that never changes. It is not copied if it is the only frame of this turn.
   * @param joint flushes this writer together with the others that the same call has written to
   */
  addFrame(frame: Uint8Array, joint?: JointFlush): void {
    if (this.#scratch === undefined && this.#frame === undefined) {
      this.#frame = frame
      this.#used = frame.length
      this.#appended += frame.length
      this.#schedule(joint)
    } else if (frame.length >= byReferenceBytes) {
      this.#appended += frame.length
      this.flush(frame)
    } else {
      copyBytes(frame, 0, frame.length, this.#reserve(frame.length), this.#used)
      this.#added(this.#scratch!, frame.length, joint)
    }
  }

  /**
   * Hands all added frames to the transport.
   * @param last a whole frame that follows them in the same write
   */
  flush(last?: Uint8Array): void {
    const frame = this.#frame
    this.#frame = undefined
    if (this.#scratch !== undefined) {
      this.#write(this.#scratch, last)
    } else if (frame !== undefined) {
      this.#used = 0
      this.#handOn(frame, last)
    }
  }

  /** Ends the transport's sending side after the added frames. */
  end(): void {
    this.flush()
    this.transport.end()
  }

  flushDeferred(): void {
    this.#scheduled = false
    this.flush()
    this.#owner.flushed()
  }

  /** The transport's `pendingBytes` is 0 again. */
  drained(): void {
    if (this.#lent !== undefined) this.#pool().give(this.#lent)
    this.#lent = undefined
  }

  #pendingBytes(): number {
    const pending = this.#mayPend ? this.transport.pendingBytes : 0
    if (pending === 0) this.#mayPend = false
    return pending
  }

  #handOn(first: Uint8Array, second?: Uint8Array): void {
    this.#mayPend = true
    this.transport.write(first, second)
  }

  #addByReference(first: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const target = this.#reserve(frameHeaderSize(length, false))
    const at = writeFrameHeader(target, this.#used, first, length, undefined)
    this.#appended += at - this.#used + length
    this.#used = at
    this.#write(target, start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  }

  /** Writes the scratch buffer, and gives it back unless the transport still reads from it. */
  #write(scratch: Uint8Array, second?: Uint8Array): void {
    const used = this.#used
    this.#scratch = undefined
    this.#used = 0
    if (this.#pendingBytes() > 0) {
      // The write will wait: a copy keeps it from pinning the whole scratch buffer.
      this.#handOn(this.#payload().copy(scratch, 0, used), second)
      this.#pool().give(scratch)
    } else {
      this.#handOn(this.#pool().head(scratch, used), second)
      this.#giveBack(scratch)
    }
  }

  /**
   * The room for a text. Uses the upper bound if that fits the scratch buffer or a long chunk, as computing the exact
   * length takes as long as encoding (`npm run bench`, row `text-1m`). Else the exact length.
   */
  #sizeFor(text: string, masked: boolean): number {
    const { chunkBytes, longestBytes } = this.#pool()
    const most = 3 * text.length
    const header = frameHeaderSize(most, masked)
    const isLong = text.length > chunkBytes && this.#pendingBytes() === 0
    return header + (header + most <= (isLong ? longestBytes : chunkBytes) ? most : this.#payload().byteLength(text))
  }

  /** Gives a chunk back, now or once the transport has read it. Of several such chunks, keeps the latest. */
  #giveBack(chunk: Uint8Array): void {
    if (this.#pendingBytes() > 0) this.#lent = chunk
    else this.#pool().give(chunk)
  }

  /** A buffer with room for `length` bytes from `#used` on: the scratch buffer, or a chunk for longer frames. */
  #reserve(length: number): Uint8Array {
    if (this.#frame !== undefined) this.#joinFrame(this.#frame, length)
    if (this.#scratch !== undefined && this.#used + length > this.#scratch.length) this.flush()
    if (length > this.#pool().chunkBytes) return this.#pool().takeLong(length)
    this.#scratch ??= this.#pool().take()
    return this.#scratch
  }

  /** Moves the waiting frame into a scratch buffer to go out with the next one, or flushes it if both do not fit. */
  #joinFrame(frame: Uint8Array, more: number): void {
    if (frame.length + more > this.#pool().chunkBytes) {
      this.flush()
      return
    }
    this.#frame = undefined
    this.#scratch = this.#pool().take()
    copyBytes(frame, 0, frame.length, this.#scratch, 0)
  }

  #added(target: Uint8Array, length: number, joint?: JointFlush): void {
    this.#appended += length
    if (target !== this.#scratch) {
      this.#handOn(target.length === length ? target : target.subarray(0, length))
      this.#giveBack(target)
      return
    }
    this.#used += length
    this.#schedule(joint)
  }

  #schedule(joint: JointFlush | undefined): void {
    if (this.#corked || this.#scheduled) return
    this.#scheduled = true
    if (joint?.add(this) !== true) this.#flushLater()
  }

  /** A function of its own: V8 allocates a context on each call of a function that contains a closure. */
  #flushLater(): void {
    this.#ports.clock.defer(() => this.flushDeferred())
  }
}

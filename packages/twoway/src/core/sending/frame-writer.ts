import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import type { Random } from '../../ports/random.js'
import type { Transport } from '../../ports/transport.js'
import { copyBytes } from '../payload/copy-bytes.js'
import { frameHeaderSize, writeFrameHeader } from './frame-header.js'
import type { Flushable, JointFlush } from './joint-flush.js'
import type { ScratchPool } from './scratch-pool.js'

/** A payload at least this long is not copied where it need not be masked: header and payload go out in one write. */
export const byReferenceBytes = 8 << 10

/** Who is told of what a frame writer does of itself. An interface and no function, so that a connection needs none of its own. */
export interface FrameWriterOwner {
  /** Bytes were handed to the transport by a flush that nobody asked for. */
  flushed(): void
}

/**
 * Frames what is sent and hands it to the transport, one write a turn: what is sent while a read is being parsed
 * goes out at the read's end, anything else at the end of the current turn.
 */
export class FrameWriter implements Flushable {
  readonly #transport: Transport
  readonly #payload: Payload
  readonly #random: Random | undefined
  readonly #clock: Clock
  readonly #pool: ScratchPool
  readonly #owner: FrameWriterOwner
  #scratch: Uint8Array | undefined
  /** Bytes of what waits here. */
  #used = 0
  /** A whole frame that waits alone and is not copied; then there is no scratch. */
  #frame: Uint8Array | undefined
  #appended = 0
  #corked = false
  #scheduled = false
  /** What the transport may still read from, until `pendingBytes` is 0. */
  #lent: Uint8Array | undefined
  /** Whether the transport may have bytes pending. Once it has none it is not asked again before it is written to. */
  #mayPend = true

  /**
   * @param random where masking keys come from: a client's frames are masked, a server's not (RFC 6455 §5.1)
   */
  constructor(
    transport: Transport,
    { payload, clock, scratchPool }: { payload: Payload; clock: Clock; scratchPool: ScratchPool },
    random: Random | undefined,
    owner: FrameWriterOwner,
  ) {
    this.#transport = transport
    this.#payload = payload
    this.#clock = clock
    this.#pool = scratchPool
    this.#random = random
    this.#owner = owner
  }

  /** Whether frames are masked, as a client's are. Else long payloads are not copied. */
  get masks(): boolean {
    return this.#random !== undefined
  }

  /** Bytes framed and not yet handed to the network. */
  get waitingBytes(): number {
    return this.#mayPend ? this.#used + this.#pendingBytes() : this.#used
  }

  /** Bytes framed since the start. */
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
   * Adds a frame with `bytes[start, end)` for payload. A long payload is not copied where it is not masked:
   * it must be left unchanged until it has gone.
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
    else this.#payload.maskInto(bytes, start, end, target, at, maskingKey)
    this.#added(target, size)
  }

  /** Adds a frame with a text for payload, and returns the length of that in bytes. */
  addText(first: number, text: string): number {
    const maskingKey = this.#random?.maskingKey()
    const masked = maskingKey !== undefined
    // Text is most often ASCII: the header's place is left for that, and the text moves where it was not.
    const guess = frameHeaderSize(text.length, masked)
    const target = this.#reserve(this.#sizeFor(text, masked))
    const begin = this.#used
    const length = this.#payload.encodeInto(text, target, begin + guess)
    const size = frameHeaderSize(length, masked)
    if (size !== guess) target.copyWithin(begin + size, begin + guess, begin + guess + length)
    writeFrameHeader(target, begin, first, length, maskingKey)
    if (masked) this.#payload.unmask(target, begin + size, begin + size + length, maskingKey, 0)
    this.#added(target, size + length)
    return length
  }

  /**
   * Adds a whole frame, not masked, that never changes: it goes out as it is where nothing else does in this turn.
   * @param joint flushes this with others that the same call has filled
   */
  addFrame(frame: Uint8Array, joint?: JointFlush): void {
    if (this.#scratch === undefined && this.#frame === undefined) {
      this.#frame = frame
      this.#used = frame.length
      this.#appended += frame.length
      this.#schedule(joint)
    } else if (frame.length >= byReferenceBytes) {
      this.flush()
      this.#appended += frame.length
      this.#handOn(frame)
    } else {
      copyBytes(frame, 0, frame.length, this.#reserve(frame.length), this.#used)
      this.#added(this.#scratch!, frame.length, joint)
    }
  }

  /** Hands what was added to the transport. */
  flush(): void {
    const frame = this.#frame
    this.#frame = undefined
    if (this.#scratch !== undefined) {
      this.#write(this.#scratch)
    } else if (frame !== undefined) {
      this.#used = 0
      this.#handOn(frame)
    }
  }

  /** Ends the transport's sending side behind what was added. */
  end(): void {
    this.flush()
    this.#transport.end()
  }

  flushDeferred(): void {
    this.#scheduled = false
    this.flush()
    this.#owner.flushed()
  }

  /** The transport's `pendingBytes` is 0 again. */
  drained(): void {
    if (this.#lent !== undefined) this.#pool.give(this.#lent)
    this.#lent = undefined
  }

  #pendingBytes(): number {
    const pending = this.#mayPend ? this.#transport.pendingBytes : 0
    if (pending === 0) this.#mayPend = false
    return pending
  }

  #handOn(first: Uint8Array, second?: Uint8Array): void {
    this.#mayPend = true
    this.#transport.write(first, second)
  }

  #addByReference(first: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const target = this.#reserve(frameHeaderSize(length, false))
    const at = writeFrameHeader(target, this.#used, first, length, undefined)
    this.#appended += at - this.#used + length
    this.#used = at
    this.#write(target, start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end))
  }

  /** Writes what the scratch holds, and gives the scratch back unless the transport still reads from it. */
  #write(scratch: Uint8Array, second?: Uint8Array): void {
    const used = this.#used
    this.#scratch = undefined
    this.#used = 0
    if (this.#pendingBytes() > 0) {
      // It will wait: a copy does not pin the whole scratch meanwhile.
      this.#handOn(this.#payload.copy(scratch, 0, used), second)
      this.#pool.give(scratch)
    } else {
      this.#handOn(this.#pool.head(scratch, used), second)
      this.#giveBack(scratch)
    }
  }

  /**
   * Room for the longest that a text can become, where that is in the scratch or in a long chunk that is used again: to
   * ask for the length takes as long as to write it (1 MiB of ASCII: 0.2 ms of 1.2). Else for what it does become.
   */
  #sizeFor(text: string, masked: boolean): number {
    const { chunkBytes, longestBytes } = this.#pool
    const most = 3 * text.length
    const header = frameHeaderSize(most, masked)
    const isLong = text.length > chunkBytes && this.#pendingBytes() === 0
    return header + (header + most <= (isLong ? longestBytes : chunkBytes) ? most : this.#payload.byteLength(text))
  }

  /** Now, or else when the transport has read what was written: of several that wait, the latest. */
  #giveBack(chunk: Uint8Array): void {
    if (this.#pendingBytes() > 0) this.#lent = chunk
    else this.#pool.give(chunk)
  }

  /** Bytes with room for `length` more from `#used` on: the scratch, or, for what is longer, a chunk of its own. */
  #reserve(length: number): Uint8Array {
    if (this.#frame !== undefined) this.#joinFrame(this.#frame, length)
    if (this.#scratch !== undefined && this.#used + length > this.#scratch.length) this.flush()
    if (length > this.#pool.chunkBytes) return this.#pool.takeLong(length)
    this.#scratch ??= this.#pool.take()
    return this.#scratch
  }

  /** What waited alone has company: they go out together, unless that takes more than a scratch. */
  #joinFrame(frame: Uint8Array, more: number): void {
    if (frame.length + more > this.#pool.chunkBytes) {
      this.flush()
      return
    }
    this.#frame = undefined
    this.#scratch = this.#pool.take()
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

  /** On its own, as a function that makes a closure makes a context for it each time it is called. */
  #flushLater(): void {
    this.#clock.defer(() => this.flushDeferred())
  }
}

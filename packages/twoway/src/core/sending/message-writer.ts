import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import type { Extension } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import { copyBytes } from '../payload/copy-bytes.js'
import { textToBytes } from '../payload/text-to-bytes.js'
import { byReferenceBytes, type FrameWriter } from './frame-writer.js'
import type { ScratchPool } from './scratch-pool.js'
import { isHighSurrogate, TextPieces } from './text-pieces.js'
import { finBit } from './write-frame-header.js'

/** The send queue, as an entry sees it. */
export interface MessageWriterQueue {
  readonly frameWriter: FrameWriter
  readonly ports: { readonly payload: Payload; readonly clock: Clock; readonly scratchPool: ScratchPool }
  readonly limits: { readonly highWaterMarkBytes: number }
  readonly extension: Extension | undefined
  /** Changes the number of waiting bytes; negative for fewer. */
  count(bytes: number): void
  /** A message can't be completed. */
  fail(code: number, reason: string): void
  /** The message has ended, or was abandoned. */
  leave(message: MessageWriter): void
}

export interface MessageWriterOptions {
  /** By default the type of the first piece: text for a string. */
  readonly type?: 'text' | 'binary' | undefined
  /** Maximum bytes per fragment; by default, the size of a scratch buffer. */
  readonly fragmentBytes?: number | undefined
  /** Whether to compress the message; by default the extension decides. */
  readonly compress?: boolean | undefined
}

/** Pieces that are written in one turn: a source of tiny pieces must not starve other connections. */
const piecesPerTurn = 1024

/** A beginning of this length or more shows whether compression shrinks the message. */
const tellingBytes = 1024

/** A fragment with less free space is sent: filling it is not worth another round of encoding. */
const minFreeBytes = 1024

/** Upper bound for the buffer of one fragment. */
const maxFragmentBuffer = 64 << 10

/**
 * Sends a message in fragments as its pieces come, RFC 6455 §5.4, in the memory of one fragment.
 *
 * Copies the pieces, and gathers them until the turn ends or the fragment is full; cuts longer ones. Only Pings and
 * Pongs go between the fragments: other messages wait in the queue. An extension encodes all fragments or none.
 */
export class MessageWriter {
  readonly kind = 'streamed'
  /** Bytes that wait to be framed or encoded. */
  waitingBytes = 0
  readonly #queue: MessageWriterQueue
  readonly #onClosed: (error: Error) => void
  readonly #fragmentBytes: number
  readonly #text: TextPieces
  #opcode: number | undefined
  #isCurrent = false
  #isOver = false
  #hasBegun = false
  #onTurn: (() => void) | undefined
  /** The buffer of the current fragment. */
  #fragment: Uint8Array | undefined
  #used = 0
  /** The current piece, and the position in it. */
  #piece: string | Uint8Array = ''
  #at = 0
  #onTaken: (() => void) | undefined
  #bytesThisTurn = 0
  #piecesThisTurn = 0
  #isScheduled = false
  readonly #compress: boolean | undefined
  /** Whether the extension encodes the message. */
  #isChanged = false
  /** Whether a fragment is being encoded asynchronously. */
  #isEncoding = false
  #endsThen = false

  /**
   * @param onClosed called if the connection leaves the open state before the message ends; no pieces are written then
   */
  constructor(
    queue: MessageWriterQueue,
    { type, fragmentBytes = Number.POSITIVE_INFINITY, compress }: MessageWriterOptions,
    onClosed: (error: Error) => void,
  ) {
    this.#queue = queue
    this.#fragmentBytes = fragmentBytes
    this.#compress = compress
    this.#opcode = type === undefined ? undefined : Opcode[type]
    this.#onClosed = onClosed
    this.#text = new TextPieces(queue.ports.payload)
  }

  /** Whether a part of the message was sent, so it must be completed. */
  get hasBegun(): boolean {
    return this.#hasBegun || this.#isEncoding
  }

  /** Resolves once pieces may be written: all earlier messages are framed. */
  turn(): Promise<void> | undefined {
    if (this.#isCurrent) return undefined
    return new Promise((resolve) => {
      this.#onTurn = resolve
    })
  }

  /** Pieces may be written from now on. */
  begin(): void {
    this.#isCurrent = true
    this.#onTurn?.()
  }

  /**
   * Writes a piece, which is copied. Returns undefined if another piece may follow at once, else a promise for that.
   * Throws a UsageError if bytes of a text are not UTF-8.
   */
  write(piece: string | Uint8Array): Promise<void> | undefined {
    if (this.#isOver || piece.length === 0) return this.#countPiece()
    this.#opcode ??= typeof piece === 'string' ? Opcode.text : Opcode.binary
    if (this.#opcode === Opcode.text) this.#text.check(piece)
    this.#piece = this.#toCut(this.#text.join(piece))
    this.#at = 0
    this.#schedule()
    return this.#takePiece() ? this.#countPiece() : this.#wait()
  }

  /** Ends the message. Throws a UsageError if a text ends within a character. */
  end(): void {
    if (this.#isOver) return
    this.#text.checkEnd()
    this.#finish()
  }

  /** Gives the message up. If a part of it was sent, the connection must fail. */
  abandon(): void {
    if (!this.#isOver) this.#leave()
  }

  /** Continues if the network has room. */
  proceed(): void {
    if (!this.#isCurrent || this.#isOver) return
    const onTaken = this.#onTaken
    if (onTaken === undefined) {
      if (this.#used > 0 && this.#hasRoom()) this.#emit(0)
    } else if (this.#takePiece()) {
      this.#onTaken = undefined
      this.#schedule()
      onTaken()
    }
  }

  /** The connection takes no more messages. */
  close(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#dropFragment()
    this.#piece = ''
    this.#onClosed(error)
  }

  #hasRoom(): boolean {
    if (this.#isEncoding) return false
    const { frameWriter, limits } = this.#queue
    const { highWaterMarkBytes } = limits
    return this.#bytesThisTurn <= highWaterMarkBytes && frameWriter.waitingBytes <= highWaterMarkBytes
  }

  #countPiece(): Promise<void> | undefined {
    this.#piecesThisTurn += 1
    if (this.#piecesThisTurn < piecesPerTurn) return undefined
    this.#schedule()
    return this.#wait()
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve
    })
  }

  /** Bytes can be cut anywhere, characters can't: with a limit in bytes, a text is encoded first. */
  #toCut(piece: string | Uint8Array): string | Uint8Array {
    if (typeof piece !== 'string' || this.#fragmentBytes === Number.POSITIVE_INFINITY) return piece
    return textToBytes(this.#queue.ports.payload, piece)
  }

  /** Sends the last fragment, now or once the fragment before it is encoded. */
  #finish(): void {
    this.#endsThen = this.#isEncoding
    if (this.#endsThen) return
    const rest = this.#text.takeRest()
    if (rest === undefined) {
      this.#emit(finBit)
      return
    }
    for (let at = 0; at < rest.length; ) at = this.#gatherBytes(rest, at)
    this.#finish()
  }

  /** Gathers as much of the piece as fits. Returns whether that was all. */
  #takePiece(): boolean {
    while (this.#at < this.#piece.length) {
      if (!this.#hasRoom()) {
        // The next turn continues; if the network lags, its drain does.
        if (this.#bytesThisTurn > 0) this.#schedule()
        return false
      }
      const piece = this.#piece
      this.#at = typeof piece === 'string' ? this.#gatherText(piece, this.#at) : this.#gatherBytes(piece, this.#at)
    }
    this.#piece = ''
    return true
  }

  #gatherBytes(piece: Uint8Array, at: number): number {
    const room = this.#reserve(1)
    const end = Math.min(piece.length, at + Math.min(room.length, this.#fragmentBytes) - this.#used)
    room.set(piece.subarray(at, end), this.#used)
    this.#gathered(end - at)
    return end
  }

  #gatherText(piece: string, at: number): number {
    const room = this.#reserve(minFreeBytes)
    let end = Math.min(piece.length, at + Math.floor((room.length - this.#used) / 3))
    if (end < piece.length && end - at > 1 && isHighSurrogate(piece.charCodeAt(end - 1))) end -= 1
    const part = at === 0 && end === piece.length ? piece : piece.slice(at, end)
    this.#gathered(this.#queue.ports.payload.encodeInto(part, room, this.#used))
    return end
  }

  #gathered(bytes: number): void {
    this.#used += bytes
    this.#count(bytes)
  }

  #count(bytes: number): void {
    this.waitingBytes += bytes
    this.#queue.count(bytes)
  }

  /** Schedules sending the gathered bytes in a task, after which there may be room again. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#queue.ports.clock.task(this.#onTask)
  }

  readonly #onTask = (): void => {
    this.#isScheduled = false
    this.#bytesThisTurn = 0
    this.#piecesThisTurn = 0
    this.proceed()
  }

  /** Sends the gathered bytes, now or once they are encoded. */
  #emit(fin: number): void {
    const length = this.#used
    const room = this.#fragment ?? nothing
    this.#fragment = undefined
    this.#used = 0
    this.#bytesThisTurn += length
    const { extension } = this.#queue
    if (!this.#hasBegun) this.#isChanged = extension !== undefined && this.#wants(extension, fin, length)
    if (!this.#isChanged) {
      this.#frame(fin, room, length)
      return
    }
    const encoded = extension!.encode(room, 0, length, fin !== 0, this.#maxEncodedLength(fin, length), (later) => {
      this.#isEncoding = false
      if (this.#isOver) return
      this.#frameEncoded(fin, room, length, later)
      if (this.#endsThen) this.#finish()
      else this.proceed()
    })
    if (encoded === 'later') this.#isEncoding = true
    else this.#frameEncoded(fin, room, length, encoded)
  }

  /**
   * The message's length is only known at its end, so a first fragment that is not the last counts as the beginning of
   * a long message.
   */
  #wants(extension: Extension, fin: number, length: number): boolean {
    if (fin !== 0) return extension.wants(length, this.#compress)
    return extension.encodesPieces && extension.wants(Number.POSITIVE_INFINITY, this.#compress)
  }

  /** A first fragment that does not shrink stands for the rest, unless it is too short to tell. */
  #maxEncodedLength(fin: number, length: number): number {
    const isToShrink = !this.#hasBegun && (fin !== 0 || length >= tellingBytes)
    return isToShrink ? length - 1 : Number.POSITIVE_INFINITY
  }

  #frameEncoded(fin: number, room: Uint8Array, length: number, encoded: Uint8Array | undefined): void {
    if (encoded === undefined) {
      if (this.#hasBegun) {
        this.#queue.fail(1011, 'the compressor failed within this message')
        return
      }
      this.#isChanged = false
      this.#frame(fin, room, length)
    } else if (encoded.length > room.length) {
      const own = this.#queue.ports.payload.copy(encoded, 0, encoded.length)
      this.#frame(fin, own, own.length)
      this.#giveBack(room)
    } else {
      // The output is valid only until the next call of the extension. The input is no longer needed, so its buffer is
      // reused.
      copyBytes(encoded, 0, encoded.length, room, 0)
      this.#frame(fin, room, encoded.length)
    }
  }

  /** @param bytes a chunk of the pool, or a buffer that the pool ignores */
  #frame(fin: number, bytes: Uint8Array, length: number): void {
    const { frameWriter, extension } = this.#queue
    const most = this.#fragmentBytes
    // All bytes that waited for this fragment go out with it; the next fragment may have begun.
    this.#count(this.#used - this.waitingBytes)
    let at = 0
    do {
      const end = Math.min(length, at + most)
      const changed = this.#isChanged && !this.#hasBegun ? extension!.messageBits << 4 : 0
      const opcode = this.#hasBegun ? Opcode.continuation : (this.#opcode ?? Opcode.binary)
      this.#hasBegun = true
      frameWriter.addBytes((end === length ? fin : 0) | changed | opcode, bytes, at, end)
      at = end
    } while (at < length)
    // The transport reads from a long fragment until it is sent. A short one was copied.
    if (length < byReferenceBytes || frameWriter.waitingBytes === 0) this.#giveBack(bytes)
    if (fin !== 0) this.#leave()
  }

  /** Returns the current fragment with room for `length` bytes, after sending the one before if it was too full. */
  #reserve(bytes: number): Uint8Array {
    const most = Math.min(this.#fragment?.length ?? 0, this.#fragmentBytes)
    if (this.#used > 0 && most - this.#used < bytes) this.#emit(0)
    this.#fragment ??= this.#newFragment()
    return this.#fragment
  }

  #newFragment(): Uint8Array {
    const { scratchPool, payload } = this.#queue.ports
    const asked =
      this.#fragmentBytes === Number.POSITIVE_INFINITY ? 0 : Math.min(this.#fragmentBytes, maxFragmentBuffer)
    return asked > scratchPool.chunkBytes ? payload.allocate(asked) : scratchPool.take()
  }

  #dropFragment(): void {
    if (this.#fragment !== undefined) this.#giveBack(this.#fragment)
    this.#fragment = undefined
    this.#used = 0
  }

  #giveBack(room: Uint8Array): void {
    const { scratchPool } = this.#queue.ports
    if (room.length === scratchPool.chunkBytes) scratchPool.give(room)
  }

  #leave(): void {
    this.#isOver = true
    this.#dropFragment()
    this.#queue.leave(this)
  }
}

const nothing = new Uint8Array(0)

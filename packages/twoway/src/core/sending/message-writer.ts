import type { Clock } from '../../ports/clock.js'
import type { Payload } from '../../ports/payload.js'
import { UsageError } from '../errors.js'
import type { Extension } from '../extensions/extension.js'
import { Opcode } from '../opcode.js'
import { copyBytes } from '../payload/copy-bytes.js'
import { textToBytes } from '../payload/text-to-bytes.js'
import { finBit } from './frame-header.js'
import { byReferenceBytes, type FrameWriter } from './frame-writer.js'
import type { ScratchPool } from './scratch-pool.js'

/** The queue that a message in pieces is an entry of. */
export interface MessageWriterQueue {
  readonly frameWriter: FrameWriter
  readonly ports: { readonly payload: Payload; readonly clock: Clock; readonly scratchPool: ScratchPool }
  readonly limits: { readonly highWaterMarkBytes: number }
  readonly extension: Extension | undefined
  /** So many bytes more wait of the message at the head; fewer for a number below 0. */
  count(bytes: number): void
  /** A message can't be completed. */
  fail(code: number, reason: string): void
  /** The message is over, or given up. */
  leave(message: MessageWriter): void
}

export interface MessageWriterOptions {
  /** By default that of the first piece: text for a string. */
  readonly type?: 'text' | 'binary' | undefined
  /** Bytes of a fragment, at most; without it, what a scratch buffer takes. */
  readonly fragmentBytes?: number | undefined
  /** What an extension that compresses is to do with the message, where not as it sees fit. */
  readonly compress?: boolean | undefined
}

/** Pieces taken in one turn, so that a source of tiny ones leaves the others their turn. */
const piecesPerTurn = 1024

/** A beginning at least this long tells whether the message shrinks by an extension that compresses. */
const tellingBytes = 1024

/** Room of a fragment below which it goes out: less is not worth another round of encoding. */
const minFreeBytes = 1024

/** Bytes of the longest fragment, whatever is asked for: 64 KiB. */
const maxFragmentBuffer = 64 << 10

/**
 * A message that goes out in fragments as its pieces come, RFC 6455 §5.4, in the memory of one fragment.
 *
 * Pieces are copied, gathered to the end of the turn or to a full fragment, and cut where they are longer. It takes
 * turns with nothing but Pings and Pongs: other messages wait behind it in the queue. An extension changes it fragment by
 * fragment, from its beginning on or not at all.
 */
export class MessageWriter {
  readonly kind = 'streamed'
  /** Bytes that wait for their fragment, or for the extension. */
  waitingBytes = 0
  readonly #queue: MessageWriterQueue
  readonly #onClosed: (error: Error) => void
  readonly #fragmentBytes: number
  #opcode: number | undefined
  #isCurrent = false
  #isOver = false
  #hasBegun = false
  #onTurn: (() => void) | undefined
  /** The fragment that is gathered. */
  #fragment: Uint8Array | undefined
  #used = 0
  /** The piece that is being taken, and how far it is. */
  #piece: string | Uint8Array = ''
  #at = 0
  #onTaken: (() => void) | undefined
  /** The first half of a character whose second half is to come, or ''. */
  #highSurrogate = ''
  #utf8State = 0
  #bytesThisTurn = 0
  #piecesThisTurn = 0
  #isScheduled = false
  readonly #compress: boolean | undefined
  /** Whether the extension changes it. */
  #isChanged = false
  /** Whether the extension works on a fragment. */
  #isEncoding = false
  #endsThen = false

  /** @param onClosed the connection has left the open state before the message was over: nothing more is taken */
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
  }

  /** Whether a part of it has been sent, so that it must be completed. */
  get hasBegun(): boolean {
    return this.#hasBegun || this.#isEncoding
  }

  /** Resolves when pieces can be written: what was sent before has been framed. */
  turn(): Promise<void> | undefined {
    if (this.#isCurrent) return undefined
    return new Promise((resolve) => {
      this.#onTurn = resolve
    })
  }

  /** Its turn has come. */
  begin(): void {
    this.#isCurrent = true
    this.#onTurn?.()
  }

  /**
   * Takes a piece, a copy of which goes out. Undefined where there is room for another at once, else a promise for that.
   * Throws a UsageError for bytes that are not UTF-8 in a text.
   */
  write(piece: string | Uint8Array): Promise<void> | undefined {
    if (this.#isOver || piece.length === 0) return this.#countPiece()
    this.#opcode ??= typeof piece === 'string' ? Opcode.text : Opcode.binary
    if (this.#opcode === Opcode.text) this.#checkText(piece)
    this.#piece = this.#toCut(this.#joined(piece))
    this.#at = 0
    this.#schedule()
    return this.#takePiece() ? this.#countPiece() : this.#wait()
  }

  /** The message is complete. Throws a UsageError where a text ends within a character. */
  end(): void {
    if (this.#isOver) return
    if (this.#utf8State !== 0) throw notUtf8()
    this.#finish()
  }

  /** Takes no more of it. Where it has begun, the connection must fail: it can't be completed. */
  abandon(): void {
    if (!this.#isOver) this.#leave()
  }

  /** There may be room again. */
  proceed(): void {
    if (!this.#isCurrent || this.#isOver) return
    const onTaken = this.#onTaken
    if (onTaken === undefined) {
      if (this.#used > 0 && this.#hasRoom) this.#emit(0)
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

  get #hasRoom(): boolean {
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

  #checkText(piece: string | Uint8Array): void {
    if (typeof piece === 'string') {
      if (this.#utf8State !== 0) throw notUtf8()
      return
    }
    const state = this.#queue.ports.payload.validate(this.#utf8State, piece, 0, piece.length)
    if (state < 0) throw notUtf8()
    this.#utf8State = state
  }

  /** The piece with the half character before it and without the one at its end. */
  #joined(piece: string | Uint8Array): string | Uint8Array {
    if (typeof piece !== 'string') return this.#highSurrogate === '' ? piece : this.#behindReplacement(piece)
    const joined = this.#highSurrogate + piece
    const isCut = isHighSurrogate(joined.charCodeAt(joined.length - 1))
    this.#highSurrogate = isCut ? joined.at(-1)! : ''
    return isCut ? joined.slice(0, -1) : joined
  }

  /** Bytes can be cut anywhere, characters can not: a text that is cut by bytes is encoded first. */
  #toCut(piece: string | Uint8Array): string | Uint8Array {
    if (typeof piece !== 'string' || this.#fragmentBytes === Number.POSITIVE_INFINITY) return piece
    return textToBytes(this.#queue.ports.payload, piece)
  }

  /** What has no second half goes out as U+FFFD. */
  #behindReplacement(piece: Uint8Array): Uint8Array {
    this.#highSurrogate = ''
    const joined = this.#queue.ports.payload.allocate(replacement.length + piece.length)
    joined.set(replacement)
    joined.set(piece, replacement.length)
    return joined
  }

  /** Sends the last fragment, now or when the extension is done with what is before it. */
  #finish(): void {
    this.#endsThen = this.#isEncoding
    if (this.#endsThen) return
    if (this.#highSurrogate === '') {
      this.#emit(finBit)
      return
    }
    this.#highSurrogate = ''
    for (let at = 0; at < replacement.length; ) at = this.#gatherBytes(replacement, at)
    this.#finish()
  }

  /** Gathers as much of the piece as there is room for. Returns whether that was all. */
  #takePiece(): boolean {
    while (this.#at < this.#piece.length) {
      if (!this.#hasRoom) {
        // The next turn may go on; a network that lags tells when it has taken what waits.
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

  /** What is gathered goes out at the end of the turn at the latest; then there may be room again. */
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

  /** Sends what is gathered, now or when the extension is done with it. */
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

  /** How long it gets shows at its end only: where this is the beginning, it is taken for a long one. */
  #wants(extension: Extension, fin: number, length: number): boolean {
    if (fin !== 0) return extension.wants(length, this.#compress)
    return extension.encodesPieces && extension.wants(Number.POSITIVE_INFINITY, this.#compress)
  }

  /** A beginning that does not shrink speaks for what follows, unless it is too short to tell. */
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
      // What the extension returned is valid for now only, and what it was made of is not needed any more.
      copyBytes(encoded, 0, encoded.length, room, 0)
      this.#frame(fin, room, encoded.length)
    }
  }

  /** @param bytes a chunk of the pool's, or of no use to it */
  #frame(fin: number, bytes: Uint8Array, length: number): void {
    const { frameWriter, extension } = this.#queue
    const most = this.#fragmentBytes
    // All that waited for this fragment goes out with it; the next one may have begun.
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
    // A long fragment is read from until it has gone, a short one was copied.
    if (length < byReferenceBytes || frameWriter.waitingBytes === 0) this.#giveBack(bytes)
    if (fin !== 0) this.#leave()
  }

  /** A fragment that has no room for so many bytes goes out now and not when it was filled: it may be the last. */
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

/** U+FFFD in UTF-8. */
const replacement = Uint8Array.of(0xef, 0xbf, 0xbd)

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

function notUtf8(): UsageError {
  return new UsageError(
    'messageNotUtf8',
    "a text message must be UTF-8, and the bytes of this one are not: send them with { type: 'binary' }",
  )
}

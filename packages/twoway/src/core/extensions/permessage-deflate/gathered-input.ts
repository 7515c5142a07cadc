import type { ScratchPool } from '../../sending/scratch-pool.js'

/** The most that one read of the network brings. Pieces of one length leave no gaps in memory that the next can't fill. */
const pieceBytes = 64 << 10
const shortestPieceBytes = 1 << 10

/**
 * Compressed bytes of one message that are not inflated yet, in pieces that double up to 64 KiB. One buffer that grows would
 * leave the outgrown ones to the garbage collector: many peers that each send half a message are faster than that runs.
 */
export class GatheredInput {
  readonly #pool: ScratchPool
  readonly #pieces: Uint8Array[] = []
  /** The end of the last piece. */
  #end = 0
  #length = 0
  #capacity = 0

  constructor(pool: ScratchPool) {
    this.#pool = pool
  }

  get length(): number {
    return this.#length
  }

  /** Bytes of memory that are taken. */
  get capacity(): number {
    return this.#capacity
  }

  /** Adds a copy of `bytes[start, end)`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const piece = this.#lastPiece(end - at)
      const length = Math.min(end - at, piece.length - this.#end)
      piece.set(bytes.subarray(at, at + length), this.#end)
      this.#end += length
      at += length
    }
    this.#length += end - start
  }

  /** All that was gathered, from the start of these bytes on, which are valid until `release`. */
  join(): Uint8Array {
    const [first] = this.#pieces
    if (first !== undefined && this.#pieces.length === 1) return first
    const joined = this.#pool.takeBuffer(this.#length, 2 * this.#length)
    let at = 0
    this.#pieces.forEach((piece) => {
      const length = Math.min(piece.length, this.#length - at)
      joined.set(piece.subarray(0, length), at)
      at += length
    })
    this.release()
    this.#pieces.push(joined)
    return joined
  }

  release(): void {
    this.#pieces.forEach((piece) => {
      this.#pool.giveBuffer(piece)
    })
    this.#pieces.length = 0
    this.#end = 0
    this.#length = 0
    this.#capacity = 0
  }

  /** The piece to go on in. */
  #lastPiece(needed: number): Uint8Array {
    const last = this.#pieces.at(-1)
    if (last !== undefined && this.#end < last.length) return last
    const wanted = Math.min(pieceBytes, Math.max(shortestPieceBytes, needed, this.#capacity))
    const piece = this.#pool.takeBuffer(wanted, wanted)
    this.#pieces.push(piece)
    this.#end = 0
    this.#capacity += piece.length
    return piece
  }
}

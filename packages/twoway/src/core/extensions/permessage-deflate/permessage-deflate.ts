import type {
  Compressor,
  ContextSource,
  Decoded,
  DecodedSink,
  DecodeResult,
  Encoded,
  EncodeResult,
  Inflater,
} from '../../../ports/deflate-codec.js'
import type { ScratchPool } from '../../sending/scratch-pool.js'
import type { Extension, SharedEncoder } from '../extension.js'
import { deflateName } from './deflate-parameters.js'
import { GatheredInput } from './gathered-input.js'
import type { ContextHolder, IdleContexts } from './idle-contexts.js'

/** One direction of a connection: the source of its contexts, and whether one is kept between messages. */
export interface DeflateDirection<Context> {
  readonly source: ContextSource<Context>
  readonly takeover: boolean
}

/** State that connections with the same agreement share. */
export interface DeflateTerms {
  readonly scratchPool: ScratchPool
  readonly idle: IdleContexts
  readonly thresholdBytes: number
  /** Whether the compressor returns output for each piece. */
  readonly compressesPieces: boolean
  /** Compresses broadcasts, if this side has no context takeover. */
  readonly shared: SharedEncoder | undefined
  /** Undefined if messages are not compressed. */
  readonly own: DeflateDirection<Compressor> | undefined
  readonly peer: DeflateDirection<Inflater>
}

/**
 * Compressed bytes that are gathered before they are inflated. So an incomplete message takes the memory that its peer
 * has sent, not its inflated size, which may be a thousand times as much, and no context. It is the longest message that a
 * server takes by default: with less, peers that never end a message would have it inflated piece by piece.
 */
const gatherBytes = 1 << 20

/** The same for a streamed message. Still large enough that many tiny frames share one call. */
const gatherBytesForReader = 8 << 10

/**
 * permessage-deflate in the data phase, RFC 7692 §7.2: the state of one connection.
 *
 * Without context takeover, a connection holds a context only during a message. With takeover, an idle connection
 * releases its compressor, as a sender may start afresh with any message. It keeps the inflater, as its peer may refer
 * to earlier messages.
 */
export class PermessageDeflate implements Extension, ContextHolder {
  readonly #terms: DeflateTerms
  /** Compressed bytes of the current message that are gathered. */
  #gathered: GatheredInput | undefined
  #compressor: Compressor | undefined
  #inflater: Inflater | undefined
  #isEncoding = false
  #gatherBytes = gatherBytes

  constructor(terms: DeflateTerms) {
    this.#terms = terms
  }

  get name(): string {
    return deflateName
  }

  get messageBits(): number {
    return 4
  }

  get heldBytes(): number {
    return (this.#gathered?.capacity ?? 0) + (this.#inflater?.heldBytes ?? 0)
  }

  get encodesPieces(): boolean {
    return this.#terms.compressesPieces
  }

  get shared(): SharedEncoder | undefined {
    return this.#terms.shared
  }

  wants(length: number, compress: boolean | undefined): boolean {
    const { own, thresholdBytes } = this.#terms
    return own !== undefined && length > 0 && (compress ?? length >= thresholdBytes)
  }

  encode(bytes: Uint8Array, start: number, end: number, last: boolean, most: number, done: Encoded): EncodeResult {
    this.#compressor ??= this.#terms.own!.source.take()
    const output = this.#compressor.deflate(bytes, start, end, last, most, (later) => {
      this.#isEncoding = false
      this.#settleCompressor(later, last)
      done(later)
    })
    if (output === 'later') this.#isEncoding = true
    else this.#settleCompressor(output, last)
    return output
  }

  decode(bytes: Uint8Array, start: number, end: number, last: boolean, emit: DecodedSink, done: Decoded): DecodeResult {
    const held = this.#gathered?.length ?? 0
    if (!last && held + end - start < this.#gatherBytes) {
      this.#gathered ??= new GatheredInput(this.#terms.scratchPool)
      this.#gathered.append(bytes, start, end)
      return 'done'
    }
    if (held === 0) return this.#inflate(bytes, start, end, last, emit, done)
    const gathered = this.#gathered!
    this.#gathered = undefined
    gathered.append(bytes, start, end)
    try {
      const { length } = gathered
      return this.#inflate(gathered.join(), 0, length, last, emit, done)
    } finally {
      gathered.release()
    }
  }

  decodeForReader(): void {
    this.#gatherBytes = gatherBytesForReader
  }

  /**
   * RFC 7692 §7.1.1 allows a sender not to use its history. It may drop it at any time, also within a message, as each
   * piece ends with a block.
   */
  releaseIdle(): void {
    if (this.#isEncoding) this.#terms.idle.used(this)
    else this.#releaseCompressor()
  }

  stopDecoding(): void {
    this.#gathered?.release()
    this.#gathered = undefined
    this.#inflater?.release()
    this.#inflater = undefined
  }

  close(): void {
    this.stopDecoding()
    this.#releaseCompressor()
    this.#terms.idle.forget(this)
  }

  #settleCompressor(output: Uint8Array | undefined, last: boolean): void {
    // Later messages must not refer to output that the peer does not get.
    if (output === undefined || (last && !this.#terms.own!.takeover)) this.#releaseCompressor()
    else this.#terms.idle.used(this)
  }

  #releaseCompressor(): void {
    this.#compressor?.release()
    this.#compressor = undefined
  }

  #inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    emit: DecodedSink,
    done: Decoded,
  ): DecodeResult {
    const { source, takeover } = this.#terms.peer
    this.#inflater ??= source.take()
    const ends = last && !takeover
    const result = this.#inflater.inflate(bytes, start, end, last, emit, (error) => {
      if (ends) this.stopDecoding()
      done(error)
    })
    if (ends && result === 'done') this.stopDecoding()
    return result
  }
}

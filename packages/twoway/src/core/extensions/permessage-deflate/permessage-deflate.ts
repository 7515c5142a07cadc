import type { Compressor, ContextSource, Inflater } from '../../../ports/deflate-codec.js'
import type { ScratchPool } from '../../sending/scratch-pool.js'
import type { DecodedSink, Encoded, Extension, SharedEncoder } from '../extension.js'
import { deflateName } from './deflate-parameters.js'
import { GatheredInput } from './gathered-input.js'
import type { ContextHolder, IdleContexts } from './idle-contexts.js'

/** One direction of a connection: where its contexts come from, and whether one is kept over several messages. */
export interface DeflateDirection<Context> {
  readonly source: ContextSource<Context>
  readonly takeover: boolean
}

/** What the connections share that agreed alike. */
export interface DeflateTerms {
  readonly scratchPool: ScratchPool
  readonly idle: IdleContexts
  readonly thresholdBytes: number
  /** Whether the compressor gives of each piece what becomes of it. */
  readonly compressesPieces: boolean
  /** What broadcasts are compressed by, where this side takes no context over. */
  readonly shared: SharedEncoder | undefined
  /** Undefined where nothing is compressed. */
  readonly own: DeflateDirection<Compressor> | undefined
  readonly peer: DeflateDirection<Inflater>
}

/**
 * Compressed bytes that are gathered before they are inflated: half a message holds what its peer has sent, not what
 * that inflates to, which may be a thousand times as much, and no context. As much as a server takes of a message by default:
 * less of it would be inflated piece by piece, for peers that never end it.
 */
const gatherBytes = 1 << 20

/**
 * The same where a reader waits for what comes out. A call for each of many tiny frames would cost more than what it
 * inflates.
 */
const gatherBytesForReader = 8 << 10

/**
 * The data phase of permessage-deflate, RFC 7692 §7.2: what one connection holds of its own.
 *
 * Without context takeover a connection holds a context only while a message is under way. With it, the compressor's is
 * given back while the connection is idle: a sender may begin anew at any message. The inflater's is kept as long as
 * the connection, since its peer may refer to what it holds.
 */
export class PermessageDeflate implements Extension, ContextHolder {
  readonly #terms: DeflateTerms
  /** While less than is inflated at once has come of a message. */
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

  encode(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    most: number,
    done: Encoded,
  ): Uint8Array | undefined | 'later' {
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

  decode(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    emit: DecodedSink,
    done: (error?: unknown) => void,
  ): 'done' | 'later' {
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
   * RFC 7692 §7.1.1 binds a sender to what it announced, not to use it: its history may be dropped at any time, within
   * a message too, as each piece ends with a block.
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
    // What the peer does not get must not be referred to.
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
    done: (error?: unknown) => void,
  ): 'done' | 'later' {
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

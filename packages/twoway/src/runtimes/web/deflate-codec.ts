import { ProtocolError } from '../../core/errors.js'
import type { Compressor, DecodedSink, DeflateCodec, Inflater } from '../../ports/deflate-codec.js'

/**
 * A codec over CompressionStream, which limits it: no context takeover, one window size, one level, and whole messages only,
 * asynchronously. It reads a message up to a block with BFINAL, because some platforms do not give the bytes behind one.
 */
export const webDeflateCodec: DeflateCodec = {
  keepsHistory: false,
  compressesPieces: false,
  smallestWindowBits: 15,
  compressors: () => ({ take: () => new WebCompressor() }),
  inflaters: () => ({ take: () => new WebInflater() }),
}

/** Whether the platform has the classes that the codec needs. */
export function hasWebDeflate(): boolean {
  try {
    new DecompressionStream('deflate-raw').writable.abort().catch(() => {})
    return true
  } catch {
    return false
  }
}

/** The tail that the sender has removed, RFC 7692 §7.2.2, and a last block, which DecompressionStream requires. */
const tail = Uint8Array.of(0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff)
/** §7.2.3.4: follows a block with BFINAL. CompressionStream ends with such a block. */
const afterFinalBlock = Uint8Array.of(0)
const pieceBytes = 64 << 10
/** The most compressed bytes that are held of one message. */
const mostHeldBytes = 32 << 20

class WebCompressor implements Compressor {
  #pieces: Uint8Array[] = []
  #isReleased = false

  deflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    most: number,
    done: (output: Uint8Array | undefined) => void,
  ): Uint8Array | undefined | 'later' {
    this.#pieces.push(bytes.slice(start, end))
    if (!last) return new Uint8Array(0)
    const message = concat(this.#pieces)
    this.#pieces = []
    void this.#deflate(message, most).then((output) => {
      if (!this.#isReleased) done(output)
    })
    return 'later'
  }

  release(): void {
    this.#isReleased = true
  }

  async #deflate(message: Uint8Array, most: number): Promise<Uint8Array | undefined> {
    const output: Uint8Array[] = []
    let length = afterFinalBlock.length
    try {
      await transform(new CompressionStream('deflate-raw'), message, (piece) => {
        length += piece.length
        if (length > most || this.#isReleased) throw new Error('the output is of no use')
        output.push(piece)
      })
    } catch {
      return undefined
    }
    return concat([...output, afterFinalBlock])
  }
}

class WebInflater implements Inflater {
  #pieces: Uint8Array[] = []
  #heldBytes = 0
  #isReleased = false

  get heldBytes(): number {
    return this.#heldBytes
  }

  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    emit: DecodedSink,
    done: (error?: unknown) => void,
  ): 'done' | 'later' {
    this.#heldBytes += end - start
    if (this.#heldBytes > mostHeldBytes) throw new ProtocolError('messageTooBig')
    this.#pieces.push(bytes.slice(start, end))
    if (!last) return 'done'
    const message = concat(this.#pieces)
    this.#pieces = []
    const settle = (error?: unknown): void => {
      this.#heldBytes = 0
      if (!this.#isReleased) done(error)
    }
    this.#inflate(message, emit).then(() => settle(), settle)
    return 'later'
  }

  release(): void {
    this.#isReleased = true
    this.#pieces = []
    this.#heldBytes = 0
  }

  async #inflate(message: Uint8Array, emit: DecodedSink): Promise<void> {
    const sink = new Sink(emit, () => this.#isReleased)
    if (!(await sink.takes(concat([message, tail])))) {
      // No byte may follow a block with BFINAL at the end of a message: neither our tail nor the sender's byte.
      const ends = message.at(-1) === 0 ? message.length - 1 : message.length
      if (!(await sink.takes(message.subarray(0, ends))) && !(await sink.takes(message))) {
        throw new ProtocolError('compressionMalformed')
      }
    }
    emit(message, 0, 0, true)
  }
}

/** Takes the output of a message once, over several attempts: only the end of the message shows which end it needs. */
class Sink {
  readonly #emit: DecodedSink
  readonly #isReleased: () => boolean
  #emitted = 0

  constructor(emit: DecodedSink, isReleased: () => boolean) {
    this.#emit = emit
    this.#isReleased = isReleased
  }

  /** Returns false if the data is malformed. */
  async takes(data: Uint8Array): Promise<boolean> {
    let at = 0
    let failure: { readonly error: unknown } | undefined
    try {
      await transform(new DecompressionStream('deflate-raw'), data, (piece) => {
        try {
          if (this.#isReleased()) throw new Error('the context was released')
          this.#take(piece, at)
        } catch (error) {
          failure = { error }
          throw error
        }
        at += piece.length
      })
      return true
    } catch {
      if (failure !== undefined) throw failure.error
      return false
    }
  }

  /** A piece that starts at this offset of the output. */
  #take(piece: Uint8Array, at: number): void {
    for (let from = Math.max(0, this.#emitted - at); from < piece.length; from += pieceBytes) {
      const end = Math.min(piece.length, from + pieceBytes)
      this.#emit(piece, from, end, false)
      this.#emitted = at + end
    }
  }
}

/** Puts data through a stream, and passes each piece of output to `take`. Rejects with an error that `take` throws. */
async function transform(
  stream: CompressionStream | DecompressionStream,
  data: Uint8Array,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  // Reading the output reports the failure.
  writer.write(data as Uint8Array<ArrayBuffer>).catch(() => {})
  writer.close().catch(() => {})
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value)
  } catch (error) {
    reader.cancel(error).catch(() => {})
    throw error
  }
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

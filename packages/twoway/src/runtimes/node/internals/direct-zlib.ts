import { Buffer } from 'node:buffer'
import zlib, { type DeflateRaw, type InflateRaw } from 'node:zlib'
import { isUint32Array } from '../../../core/value-kinds.js'
import { noteFallback } from './fallbacks.js'

/** The handle under a stream of node:zlib. It is not documented: `canDriveDirectly` tries it before it is used. */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void
}

interface Internals {
  readonly _handle?: Handle | null
  /** After a write: the bytes of output that are free, and those of input that are left. */
  readonly _writeState?: Uint32Array
}

/**
 * Two empty blocks. Between blocks they produce no output. Within a block they are read as its data, of which two produce
 * at least one byte, unless they fall into the description of its codes.
 */
const emptyBlocks = Buffer.from('000000ffff000000ffff', 'hex')
const hardlyAny = Buffer.alloc(1)

/**
 * Drives a stream of node:zlib by its handle, within the call. The public calls make a new context for each message, or use
 * the thread pool; both take longer for a small message. The stream's public calls still work in between.
 */
export class DirectZlib {
  readonly #stream: DeflateRaw | InflateRaw
  readonly #handle: Handle
  readonly #state: Uint32Array

  private constructor(stream: DeflateRaw | InflateRaw, handle: Handle, state: Uint32Array) {
    this.#stream = stream
    this.#handle = handle
    this.#state = state
  }

  /** Returns undefined if the stream has no such handle. */
  static over(stream: DeflateRaw | InflateRaw): DirectZlib | undefined {
    const { _handle: handle, _writeState: state } = stream as unknown as Internals
    if (typeof handle?.writeSync !== 'function') return undefined
    return isUint32Array(state) && state.length === 2 ? new DirectZlib(stream, handle, state) : undefined
  }

  /** Bytes of the last step's output that were not needed. */
  get outputLeft(): number {
    return this.#state[0]!
  }

  /** Bytes of the last step's input that were not taken. */
  get inputLeft(): number {
    return this.#state[1]!
  }

  /** Works once on `input[start, end)`, into the first `room` bytes of `output`. Returns false if the data is malformed. */
  step(flush: number, input: Uint8Array, start: number, end: number, output: Uint8Array, room: number): boolean {
    this.#handle.writeSync(flush, input, start, end - start, output, 0, room)
    return !this.#stream.destroyed
  }

  /** Whether the data so far ends between two blocks. If not, the stream is of no further use. */
  endsWithBlock(): boolean {
    const isWell = this.step(zlib.constants.Z_SYNC_FLUSH, emptyBlocks, 0, emptyBlocks.length, hardlyAny, 1)
    return isWell && this.outputLeft === 1 && this.inputLeft === 0
  }

  /** Forgets the history. */
  reset(): void {
    this.#stream.reset()
  }
}

let isProven: boolean | undefined

/** Whether this runtime's streams can be driven directly. Tried once, in both directions and with malformed data. */
export function canDriveDirectly(): boolean {
  if (isProven === undefined) {
    isProven = tryAll()
    noteFallback('zlib', isProven ? undefined : 'the handles of node:zlib have an unknown shape or behaviour')
  }
  return isProven
}

function tryAll(): boolean {
  const streams = [zlib.createDeflateRaw(), zlib.createInflateRaw(), zlib.createInflateRaw()] as const
  try {
    streams.forEach((stream) => {
      stream.on('error', () => {})
    })
    const { 0: deflate, 1: inflate, 2: malformed } = streams.map(DirectZlib.over)
    return (
      deflate !== undefined &&
      inflate !== undefined &&
      malformed !== undefined &&
      roundTrips(deflate, inflate) &&
      !malformed.step(zlib.constants.Z_SYNC_FLUSH, Buffer.from('ffff', 'hex'), 0, 2, Buffer.alloc(8), 8)
    )
  } catch {
    return false
  } finally {
    streams.forEach((stream) => {
      stream.destroy()
    })
  }
}

/** Twice, with a reset between, and with an output that is too short at first. */
function roundTrips(deflate: DirectZlib, inflate: DirectZlib): boolean {
  const { Z_SYNC_FLUSH } = zlib.constants
  const message = Buffer.from('Hello, hello, hello')
  const packed = Buffer.alloc(64)
  const unpacked = Buffer.alloc(64)
  for (let round = 0; round < 2; round++) {
    deflate.step(Z_SYNC_FLUSH, message, 0, message.length, packed, packed.length)
    const packedLength = packed.length - deflate.outputLeft
    if (deflate.inputLeft !== 0 || packed.toString('hex', packedLength - 4, packedLength) !== '0000ffff') return false
    inflate.step(Z_SYNC_FLUSH, packed, 0, packedLength, unpacked, 10)
    if (inflate.outputLeft !== 0) return false
    const taken = packedLength - inflate.inputLeft
    const first = unpacked.toString('latin1', 0, 10)
    inflate.step(Z_SYNC_FLUSH, packed, taken, packedLength, unpacked, unpacked.length)
    if (inflate.inputLeft !== 0) return false
    const rest = unpacked.toString('latin1', 0, unpacked.length - inflate.outputLeft)
    if (first + rest !== message.toString('latin1')) return false
    deflate.reset()
    inflate.reset()
  }
  return true
}

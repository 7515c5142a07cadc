import { Buffer } from 'node:buffer'
import zlib, { type DeflateRaw } from 'node:zlib'
import type { Compressor, CompressorParameters } from '../../../ports/deflate-codec.js'
import { DirectZlib } from '../internals/direct-zlib.js'
import { DeflateJob } from './deflate-job.js'
import type { JobQueue } from './job-queue.js'
import { type ShortDeflate, shortBytes } from './short-deflate.js'
import type { StreamPool } from './stream-pool.js'

const { Z_SYNC_FLUSH } = zlib.constants

/** The bytes that are removed from the end of a message, RFC 7692 §7.2.1. */
const tailLength = 4
/** An empty block without its tail: the end of a message that was flushed before, §7.2.3.6. */
const emptyBlock = Buffer.from('00', 'hex')

/** Input of this length or more is compressed in the thread pool, so that it does not block the thread. */
const backgroundBytes = 64 << 10
/** Room for the output of shorter input, which grows by at most a seventh at any level and memory. */
const target = Buffer.allocUnsafeSlow(80 << 10)

function nothing(): void {}

/** The state that all compressors of a source share. */
export interface CompressorParts {
  readonly parameters: CompressorParameters
  /** Whether streams are driven by their handles. */
  readonly isDirect: boolean
  readonly pool: StreamPool<DeflateRaw>
  readonly jobs: JobQueue
  /** For short messages without context takeover, if it serves the level. */
  readonly short: ShortDeflate | undefined
}

/** Compresses by node:zlib: short messages at once, long ones in the thread pool. */
export class NodeCompressor implements Compressor {
  readonly #parts: CompressorParts
  #stream: DeflateRaw | undefined
  #direct: DirectZlib | undefined
  #isFresh = true
  #job: DeflateJob | undefined
  #leaveQueue = nothing

  constructor(parts: CompressorParts) {
    this.#parts = parts
  }

  deflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    most: number,
    done: (output: Uint8Array | undefined) => void,
  ): Uint8Array | undefined | 'later' {
    if (start === end) return last ? emptyBlock : Buffer.alloc(0)
    const { isDirect, parameters, short } = this.#parts
    const isWhole = this.#isFresh && last && !parameters.takeover
    this.#isFresh = false
    // No distance within a message is longer than the message, so the message fits the window.
    if (isWhole && short !== undefined && end - start <= Math.min(shortBytes, 1 << parameters.windowBits)) {
      const output = short(bytes, start, end)
      return output.length <= most ? output : undefined
    }
    const mostWithTail = last ? most + tailLength : most
    if (end - start <= backgroundBytes) {
      if (isDirect) return withoutTail(this.#deflateDirectly(bytes, start, end, mostWithTail), last)
      if (isWhole) return withoutTail(deflateOnce(bytes.subarray(start, end), parameters, mostWithTail), last)
    }
    this.#deflateInBackground(bytes.subarray(start, end), mostWithTail, (output) => done(withoutTail(output, last)))
    return 'later'
  }

  release(): void {
    const isBusy = this.#job !== undefined
    this.#job?.cancel()
    this.#endJob()
    const stream = this.#stream
    this.#stream = undefined
    this.#direct = undefined
    if (stream !== undefined) this.#parts.pool.give(stream, isBusy)
  }

  #deflateDirectly(bytes: Uint8Array, start: number, end: number, most: number): Uint8Array | undefined {
    this.#open()
    const room = Math.min(target.length, most + 1)
    if (!this.#direct!.step(Z_SYNC_FLUSH, bytes, start, end, target, room)) return undefined
    // The output is full, so there may be more.
    const { outputLeft } = this.#direct!
    if (outputLeft > 0) return target.subarray(0, room - outputLeft)
    this.#direct!.reset()
    return undefined
  }

  #deflateInBackground(bytes: Uint8Array, most: number, done: (output: Uint8Array | undefined) => void): void {
    this.#open()
    this.#job = new DeflateJob(this.#stream!, bytes, most, (output) => {
      this.#endJob()
      // The job has closed its stream.
      if (output === undefined) this.#stream = undefined
      done(output)
    })
    this.#leaveQueue = this.#parts.jobs.enter(this.#job.start)
  }

  #endJob(): void {
    if (this.#job === undefined) return
    this.#job = undefined
    this.#leaveQueue()
  }

  #open(): void {
    if (this.#stream !== undefined) return
    this.#stream = this.#parts.pool.take()
    this.#direct = DirectZlib.over(this.#stream)
  }
}

function deflateOnce(bytes: Uint8Array, parameters: CompressorParameters, most: number): Uint8Array | undefined {
  const { windowBits, level, memLevel } = parameters
  const output = zlib.deflateRawSync(bytes, { windowBits, level, memLevel, finishFlush: Z_SYNC_FLUSH })
  return output.length <= most ? output : undefined
}

function withoutTail(output: Uint8Array | undefined, last: boolean): Uint8Array | undefined {
  return last ? output?.subarray(0, output.length - tailLength) : output
}

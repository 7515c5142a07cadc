import { Buffer } from 'node:buffer'
import zlib, { type InflateRaw } from 'node:zlib'
import { ProtocolError } from '../../../core/errors.js'
import type { ScratchPool } from '../../../core/sending/scratch-pool.js'
import type { ContextParameters, DecodedSink, Inflater } from '../../../ports/deflate-codec.js'
import { DirectZlib } from '../internals/direct-zlib.js'
import { findBlockEnd } from './block-end.js'
import { InflateJob } from './inflate-job.js'
import { inflateOnce } from './inflate-once.js'
import type { JobQueue } from './job-queue.js'
import type { StreamPool } from './stream-pool.js'

const { Z_SYNC_FLUSH, Z_FINISH } = zlib.constants

/** The bytes that the sender has removed, RFC 7692 §7.2.2. */
const syncTail = Buffer.from('0000ffff', 'hex')
/** The same with an empty last block, which must end the data. So a truncated message is detected. */
const finalTail = Buffer.from('0000ffff010000ffff', 'hex')

/** Input of this length or more goes to the thread pool. */
const backgroundBytes = 32 << 10
/** Output that one piece of input produces within the call, about a millisecond's work; the thread pool makes the rest. */
const outputAtOnce = 256 << 10
/** Length of one output chunk. */
const outputBytes = 64 << 10

/** Memory of a context besides its window: zlib's state, the stream, and the stream's output chunk. */
const streamBytes = 24 << 10

function nothing(): void {}

/** The state that all inflaters of a source share. */
export interface InflaterParts {
  readonly parameters: ContextParameters
  /** Whether streams are driven by their handles. */
  readonly isDirect: boolean
  readonly pool: StreamPool<InflateRaw>
  readonly jobs: JobQueue
  /** Buffers for the input of jobs. */
  readonly buffers: ScratchPool
}

/** Shorter input is copied together with its tail, so that one call takes both. */
const scratch = Buffer.allocUnsafeSlow(8 << 10)
/** The output buffer while no inflater uses it. If a sink starts another inflater, that one allocates its own. */
let spare: Buffer | undefined

/** Inflates by node:zlib: small pieces at once, long ones in the thread pool. */
export class NodeInflater implements Inflater {
  readonly #parts: InflaterParts
  readonly #tail: Buffer
  #stream: InflateRaw | undefined
  #direct: DirectZlib | undefined
  #isFresh = true
  #job: InflateJob | undefined
  /** The buffer with the job's input. */
  #jobBuffer: Uint8Array | undefined
  #leaveQueue = nothing

  constructor(parts: InflaterParts) {
    this.#parts = parts
    this.#tail = parts.parameters.takeover ? syncTail : finalTail
  }

  get heldBytes(): number {
    const { takeover, windowBits } = this.#parts.parameters
    const contextBytes = takeover || this.#stream === undefined ? 0 : (1 << windowBits) + streamBytes
    return contextBytes + (this.#jobBuffer?.length ?? 0)
  }

  inflate(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    emit: DecodedSink,
    done: (error?: unknown) => void,
  ): 'done' | 'later' {
    const { isDirect, parameters } = this.#parts
    const isWhole = this.#isFresh && last && !parameters.takeover
    this.#isFresh = false
    const isShort = end - start < backgroundBytes
    if (isShort && isDirect) {
      const rest = this.#inflateDirectly(bytes, start, end, last, emit)
      if (rest === undefined) return 'done'
      this.#inflateInBackground(this.#jobInput(rest, 0, rest.length, false), last, emit, done)
      return 'later'
    }
    const input = this.#jobInput(bytes, start, end, last)
    if (isShort && isWhole && inflateOnce(input, this.#tail.length, outputAtOnce, emit)) {
      this.#giveJobBuffer()
      return 'done'
    }
    this.#inflateInBackground(input, last, emit, done)
    return 'later'
  }

  release(): void {
    const isBusy = this.#job !== undefined
    this.#job?.cancel()
    // The thread pool may still read from the input of a job that has started.
    if (this.#job?.stream !== undefined) this.#jobBuffer = undefined
    this.#endJob()
    const stream = this.#stream
    this.#stream = undefined
    this.#direct = undefined
    if (stream !== undefined) this.#parts.pool.give(stream, isBusy)
  }

  /** Returns the rest of the input, valid until the next call, if it has more output than one call produces. */
  #inflateDirectly(
    bytes: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    emit: DecodedSink,
  ): Uint8Array | undefined {
    const tailLength = last ? this.#tail.length : 0
    const input = last ? this.#withTail(bytes, start, end, true, scratch) : bytes
    const until = last ? end - start + tailLength : end
    const target = spare ?? Buffer.allocUnsafeSlow(outputBytes)
    spare = undefined
    try {
      return this.#steps(input, last ? 0 : start, until, tailLength, target, emit)
    } finally {
      spare = target
    }
  }

  #steps(
    input: Uint8Array,
    start: number,
    end: number,
    tailLength: number,
    target: Uint8Array,
    emit: DecodedSink,
  ): Uint8Array | undefined {
    const flush = tailLength > 0 && !this.#parts.parameters.takeover ? Z_FINISH : Z_SYNC_FLUSH
    const direct = this.#open()
    let at = start
    let made = 0
    do {
      const isWell = direct.step(flush, input, at, end, target, outputBytes)
      const { inputLeft, outputLeft } = direct
      const length = outputBytes - outputLeft
      // With Z_FINISH, data that has not ended at the end of the input is malformed too.
      if (!isWell) throw new ProtocolError('compressionMalformed')
      at = end - inputLeft
      made += length
      // A block with BFINAL has ended the data, and the bytes after it begin a new stream, §7.2.3.4.
      const hasEnded = outputLeft > 0 && inputLeft > 0
      const isEnd = outputLeft > 0 && inputLeft <= tailLength
      const mustEndBlock = isEnd && !hasEnded && tailLength > 0 && this.#parts.parameters.takeover
      if (mustEndBlock && !direct.endsWithBlock()) throw new ProtocolError('compressionMalformed')
      emit(target, 0, length, isEnd && tailLength > 0)
      if (hasEnded) direct.reset()
      if (isEnd) return undefined
    } while (made < outputAtOnce)
    return input.subarray(at, end)
  }

  /** @param input belongs to the inflater and includes the tail */
  #inflateInBackground(input: Uint8Array, last: boolean, emit: DecodedSink, done: (error?: unknown) => void): void {
    const { pool, parameters, jobs, isDirect } = this.#parts
    const open = (): InflateRaw => {
      this.#open()
      return this.#stream!
    }
    const job = new InflateJob(open, {
      input,
      tailLength: last ? this.#tail.length : 0,
      mustEnd: last && !parameters.takeover,
      findBlockEnd: isDirect ? (stream, answer) => answer(DirectZlib.over(stream)!.endsWithBlock()) : findBlockEnd,
      create: () => pool.take(),
      emit,
      done: (error) => {
        this.#endJob()
        done(error)
      },
    })
    this.#job = job
    this.#leaveQueue = jobs.enter(job.start)
  }

  #endJob(): void {
    const job = this.#job
    if (job === undefined) return
    this.#job = undefined
    this.#giveJobBuffer()
    this.#leaveQueue()
    if (job.stream !== undefined) this.#use(job.stream)
  }

  #giveJobBuffer(): void {
    if (this.#jobBuffer !== undefined) this.#parts.buffers.giveBuffer(this.#jobBuffer)
    this.#jobBuffer = undefined
  }

  /** A copy of a job's input, with the tail unless it already has it. */
  #jobInput(bytes: Uint8Array, start: number, end: number, withTail: boolean): Uint8Array {
    const needed = end - start + (withTail ? this.#tail.length : 0)
    this.#jobBuffer = this.#parts.buffers.takeBuffer(needed, 2 * needed)
    return this.#withTail(bytes, start, end, withTail, this.#jobBuffer.subarray(0, needed))
  }

  #open(): DirectZlib {
    if (this.#stream === undefined) this.#use(this.#parts.pool.take())
    return this.#direct!
  }

  #use(stream: InflateRaw): void {
    this.#stream = stream
    this.#direct = DirectZlib.over(stream)
  }

  /** A copy of a piece of input, with the tail if it is the last; in `room` if it fits. */
  #withTail(bytes: Uint8Array, start: number, end: number, last: boolean, room?: Uint8Array): Uint8Array {
    const length = end - start
    const needed = length + (last ? this.#tail.length : 0)
    const input = room !== undefined && needed <= room.length ? room : Buffer.allocUnsafeSlow(needed)
    input.set(bytes.subarray(start, end))
    if (last) input.set(this.#tail, length)
    return input
  }
}

import zlib, { type InflateRaw } from 'node:zlib'
import { ProtocolError } from '../../../core/errors.js'
import type { DecodedSink } from '../../../ports/deflate-codec.js'

const { Z_SYNC_FLUSH } = zlib.constants
const nothing = new Uint8Array(0)

export interface InflateTask {
  /** Bytes that only the job uses, with the tail if they end a message. */
  readonly input: Uint8Array
  /** Bytes of the tail in the input; 0 if the message continues. */
  readonly tailLength: number
  /** Whether the compressed data must end with this input; a stream that does not is malformed. */
  readonly mustEnd: boolean
  /**
   * Answers whether the data was cut between two blocks rather than within one. Called if the message is over and the
   * next one continues the data.
   */
  readonly findBlockEnd: (stream: InflateRaw, answer: (isBetweenBlocks: boolean) => void) => void
  /** A stream without history. */
  readonly create: () => InflateRaw
  readonly emit: DecodedSink
  readonly done: (error?: unknown) => void
}

/** Inflates one piece of input in the thread pool by a stream of node:zlib, one output chunk at a time. */
export class InflateJob {
  readonly #open: () => InflateRaw
  #stream: InflateRaw | undefined
  readonly #task: InflateTask
  #input: Uint8Array
  #takenBefore = 0
  #isOver = false

  /** @param open returns the stream when the job starts; a waiting job needs none */
  constructor(open: () => InflateRaw, task: InflateTask) {
    this.#open = open
    this.#task = task
    this.#input = task.input
  }

  /** The current stream: a new one after a block with BFINAL. Undefined before the start. */
  get stream(): InflateRaw | undefined {
    return this.#stream
  }

  readonly start = (): void => {
    const stream = this.#stream ?? this.#open()
    this.#stream = stream
    this.#takenBefore = stream.bytesWritten
    stream.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError)
    if (this.#task.mustEnd) {
      stream.end(this.#input)
    } else {
      stream.write(this.#input)
      stream.flush(Z_SYNC_FLUSH, () => {
        if (stream === this.#stream && !stream.destroyed) this.#conclude()
      })
    }
  }

  cancel(): void {
    this.#isOver = true
    this.#detach()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#emit(chunk, false)
  }

  /** The data has ended, as expected or by a block with BFINAL. After such a block a new stream begins, §7.2.3.4. */
  readonly #onEnd = (): void => {
    const taken = this.#stream!.bytesWritten - this.#takenBefore
    const { tailLength, create } = this.#task
    this.#detach()
    this.#stream!.destroy()
    this.#stream = create()
    const rest = this.#input.subarray(taken)
    if (rest.length <= tailLength) {
      this.#conclude()
    } else {
      this.#input = rest
      this.start()
    }
  }

  readonly #onError = (): void => {
    this.#finish(new ProtocolError('compressionMalformed'))
  }

  #conclude(): void {
    const { tailLength, mustEnd, findBlockEnd } = this.#task
    if (this.#isOver || tailLength === 0 || mustEnd) {
      this.#succeed()
      return
    }
    const stream = this.#stream!
    // Its output is not the message's from here on.
    stream.off('data', this.#onData).off('end', this.#onEnd)
    findBlockEnd(stream, (isBetweenBlocks) => {
      if (isBetweenBlocks) this.#succeed()
      else this.#onError()
    })
  }

  #succeed(): void {
    if (this.#task.tailLength > 0) this.#emit(nothing, true)
    this.#finish()
  }

  #emit(bytes: Uint8Array, last: boolean): void {
    if (this.#isOver) return
    try {
      this.#task.emit(bytes, 0, bytes.length, last)
    } catch (error) {
      this.#stream!.destroy()
      this.#finish(error)
    }
  }

  #finish(error?: unknown): void {
    if (this.#isOver) return
    this.cancel()
    this.#task.done(error)
  }

  #detach(): void {
    this.#stream?.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError)
  }
}

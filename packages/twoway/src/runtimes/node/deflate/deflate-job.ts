import { Buffer } from 'node:buffer'
import zlib, { type DeflateRaw } from 'node:zlib'

const { Z_SYNC_FLUSH } = zlib.constants

/** Compresses one piece of a message in the thread pool, by a stream of node:zlib. */
export class DeflateJob {
  readonly #stream: DeflateRaw
  readonly #input: Uint8Array
  readonly #most: number
  readonly #done: (output: Buffer | undefined) => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #isOver = false

  /**
   * @param most upper bound of the output in bytes
   * @param done called once with the output, or with undefined if the output is longer or the stream fails
   */
  constructor(stream: DeflateRaw, input: Uint8Array, most: number, done: (output: Buffer | undefined) => void) {
    this.#stream = stream
    this.#input = input
    this.#most = most
    this.#done = done
  }

  readonly start = (): void => {
    const stream = this.#stream
    stream.on('data', this.#onData).on('error', this.#onFailure)
    stream.write(this.#input)
    stream.flush(Z_SYNC_FLUSH, () => {
      if (!stream.destroyed) this.#finish(Buffer.concat(this.#chunks, this.#length))
    })
  }

  cancel(): void {
    this.#isOver = true
    this.#stream.off('data', this.#onData).off('error', this.#onFailure)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    if (this.#length > this.#most) this.#onFailure()
  }

  readonly #onFailure = (): void => {
    this.#stream.destroy()
    this.#finish(undefined)
  }

  #finish(output: Buffer | undefined): void {
    if (this.#isOver) return
    this.cancel()
    this.#done(output)
  }
}

import type { DeflateRaw, InflateRaw } from 'node:zlib'

/** Streams that are kept for later use, so that users that take turns share one. */
const mostFree = 4

/** Streams of node:zlib of one kind and one set of parameters. */
export class StreamPool<Stream extends DeflateRaw | InflateRaw> {
  readonly #create: () => Stream
  readonly #free: Stream[] = []

  constructor(create: () => Stream) {
    this.#create = create
  }

  /** A stream without history. Its user must check whether it has failed, because no one else reports its errors. */
  take(): Stream {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const stream = this.#create()
    stream.on('error', () => {})
    return stream
  }

  /** Gives a stream back. A stream that still works, or has ended, is not kept. */
  give(stream: Stream, isBusy: boolean): void {
    if (isBusy || stream.destroyed || stream.writableEnded || this.#free.length >= mostFree) {
      stream.destroy()
    } else {
      stream.reset()
      this.#free.push(stream)
    }
  }
}

import type { DeflateRaw, InflateRaw } from 'node:zlib'

/** Streams kept for the next taker, so that those who take turns share one. */
const mostFree = 4

/** Streams of node:zlib of one kind and one set of parameters. */
export class StreamPool<Stream extends DeflateRaw | InflateRaw> {
  readonly #create: () => Stream
  readonly #free: Stream[] = []

  constructor(create: () => Stream) {
    this.#create = create
  }

  /** A stream without history. Its user checks whether it has failed; its errors are reported nowhere else. */
  take(): Stream {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const stream = this.#create()
    stream.on('error', () => {})
    return stream
  }

  /** Gives a stream back. One that is still at work, or has ended, is of no use to others. */
  give(stream: Stream, isBusy: boolean): void {
    if (isBusy || stream.destroyed || stream.writableEnded || this.#free.length >= mostFree) {
      stream.destroy()
    } else {
      stream.reset()
      this.#free.push(stream)
    }
  }
}

import type { Payload } from '../ports/payload.js'

/** What one turn of one connection usually sends; a longer frame goes out on its own. */
const defaultChunkBytes = 16 << 10

/** Chunks kept for reuse: as many connections seldom send within one turn. */
const mostKept = 64

/** Output buffers shared by the connections of a server or client, so that an idle connection holds none. */
export class ScratchPool {
  readonly chunkBytes: number
  readonly #payload: Payload
  readonly #free: Uint8Array[] = []

  constructor(payload: Payload, chunkBytes = defaultChunkBytes) {
    this.#payload = payload
    this.chunkBytes = chunkBytes
  }

  take(): Uint8Array {
    return this.#free.pop() ?? this.#payload.allocate(this.chunkBytes)
  }

  /** Gives a chunk back that nothing reads from any more. */
  give(chunk: Uint8Array): void {
    if (this.#free.length < mostKept) this.#free.push(chunk)
  }
}

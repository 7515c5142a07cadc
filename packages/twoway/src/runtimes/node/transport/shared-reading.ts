import type { OnReadOpts } from 'node:net'
import { sharedMemory } from '../payload/shared-memory.js'

/**
 * Whether sockets may read into the shared memory. For tests and in an emergency the environment can say no, with
 * `stream`; with `socket` there are sockets at least, see `streamWrap`.
 */
export const sharesReads =
  process.env.TWOWAY_TRANSPORT !== 'stream' && !('bun' in process.versions) && !('deno' in process.versions)

type Receive = (bytes: Uint8Array, start: number, end: number) => boolean

/** How a stream reads, where it is not by 'data' events. */
export interface StreamReading {
  /**
   * Takes the bytes that were read, which are valid during the call only. Returns whether to read on; after false,
   * `start` does.
   */
  receive: Receive
  /** What has to be done to read on, and to stop, beside the stream's own `resume` and `pause`. */
  start(): void
  stop(): void
}

/**
 * How a socket reads into the memory that all share: `onread` is an option of the socket's constructor. Against a
 * stream's 'data' events this takes no allocation, no event and no Readable.
 */
export class SharedReading implements StreamReading {
  readonly onread: OnReadOpts
  receive: Receive = () => false

  constructor() {
    this.onread = { buffer: sharedMemory.bytes, callback: (length) => this.receive(sharedMemory.bytes, 0, length) }
  }
  /** The socket's `resume` and `pause` do it all. */
  start(): void {}

  stop(): void {}
}

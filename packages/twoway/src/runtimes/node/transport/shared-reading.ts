import type { OnReadOpts } from 'node:net'
import { sharedMemory } from '../payload/shared-memory.js'

/**
 * Whether sockets may read into the shared memory. For tests and in an emergency the environment can say no, with
 * `stream`; with `socket` there are sockets at least, see `streamWrap`.
 */
export const sharesReads =
  process.env.TWOWAY_TRANSPORT !== 'stream' && !('bun' in process.versions) && !('deno' in process.versions)

type Receive = (bytes: Uint8Array, start: number, end: number) => boolean

/**
 * How a socket reads into the memory that all share: `onread` is an option of the socket's constructor. The octets are
 * valid during the call of `receive` only. Against a stream's 'data' events this takes no allocation, no event
 * and no Readable.
 */
export class SharedReading {
  readonly onread: OnReadOpts
  /** Takes what was read. Returns whether to read on; the socket's `resume` starts it again. */
  receive: Receive = () => false

  constructor() {
    this.onread = { buffer: sharedMemory.bytes, callback: (length) => this.receive(sharedMemory.bytes, 0, length) }
  }
}

import type { OnReadOpts } from 'node:net'
import process from 'node:process'
import { sharedMemory } from '../payload/shared-memory.js'

/**
 * Why streams alone are used, where they are: in other runtimes, and where the environment says so, for tests and in an
 * emergency.
 */
export const whyOnlyStreams: string | undefined = reasonOf(process.env.TWOWAY_TRANSPORT, process.versions)

function reasonOf(setting: string | undefined, versions: NodeJS.ProcessVersions): string | undefined {
  if (setting === 'stream') return 'TWOWAY_TRANSPORT is "stream"'
  if ('bun' in versions) return 'Bun has no handles like those of Node'
  return 'deno' in versions ? 'Deno has no handles like those of Node' : undefined
}

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
 * How a TLSSocket that connects reads into the memory that all share: `onread` is an option of the socket's constructor.
 * A stream's 'data' events take an allocation, an event and a Readable's turn for each read.
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

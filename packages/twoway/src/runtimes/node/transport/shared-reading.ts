import type { OnReadOpts } from 'node:net'
import process from 'node:process'
import { sharedMemory } from '../payload/shared-memory.js'

/**
 * The reason why this process uses streams only; undefined if it may use handles. Other runtimes use streams, and so does
 * Node if the environment says so, for tests and in an emergency.
 */
export const whyOnlyStreams: string | undefined = reasonOf(process.env.TWOWAY_TRANSPORT, process.versions)

function reasonOf(setting: string | undefined, versions: NodeJS.ProcessVersions): string | undefined {
  if (setting === 'stream') return 'TWOWAY_TRANSPORT is "stream"'
  if ('bun' in versions) return 'Bun has no handles like those of Node'
  return 'deno' in versions ? 'Deno has no handles like those of Node' : undefined
}

type Receive = (bytes: Uint8Array, start: number, end: number) => boolean

/** A way to read from a stream in place of 'data' events. */
export interface StreamReading {
  /**
   * Takes the bytes that were read, which are valid during the call only. Returns whether to read on; after false,
   * `start` does.
   */
  receive: Receive
  /** Continues and stops reading, in addition to the stream's own `resume` and `pause`. */
  start(): void
  stop(): void
}

/**
 * Lets a TLSSocket that connects read into the shared memory: `onread` is an option of the socket's constructor. A 'data'
 * event takes an allocation, an event and the work of a Readable for each read.
 */
export class SharedReading implements StreamReading {
  readonly onread: OnReadOpts
  receive: Receive = () => false

  constructor() {
    this.onread = { buffer: sharedMemory.bytes, callback: (length) => this.receive(sharedMemory.bytes, 0, length) }
  }

  /** Does nothing: the socket's `resume` and `pause` are enough. */
  start(): void {}

  stop(): void {}
}

/**
 * How the bytes of connections travel.
 * @remarks
 * - `handle`: over the handles below the runtime's sockets; the fast way of TCP and pipes on Node
 * - `sharedRead`: over TLS sockets that read into the memory that all connections of a thread share; the fast way of TLS
 * - `bun`: over the sockets of Bun's own API; the fast way on Bun
 * - `deno`: over the TLS connections of Deno's own API, which stop reading while they are paused
 * - `stream`: over the streams that every runtime has
 * - `memory`: within the process
 * - `mixed`: of several servers or workers, not all of them the same way
 * - `none`: of no server
 */
export type TransportPath = 'handle' | 'sharedRead' | 'bun' | 'deno' | 'stream' | 'memory' | 'mixed' | 'none'

/** Which way bytes travel, and why it is not a faster one. */
export interface TransportReport {
  readonly path: TransportPath
  /**
   * A sentence for each part of the runtime that is not used because it is missing, looks different, has failed when it
   * was tried, or was switched off. Empty where all are used.
   */
  readonly reasons: readonly string[]
}

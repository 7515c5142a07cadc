/** How a server fares, after a collection. */
export interface ServerState {
  readonly connections: number
  /** Descriptors that are open, or `moreThanAny` where none is left to count them by. */
  readonly descriptors: number
  /** Bytes of its objects and buffers. */
  readonly heldBytes: number
  readonly residentBytes: number
  readonly opened: number
  readonly closed: number
}

/** More descriptors than a process can have. */
export const moreThanAny = Number.MAX_SAFE_INTEGER

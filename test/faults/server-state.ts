/** The state of a server after a collection. */
export interface ServerState {
  readonly connections: number
  /** The number of open descriptors, or `moreThanAny` if none is left to count them. */
  readonly descriptors: number
  /** The memory of its objects and buffers in bytes. */
  readonly heldBytes: number
  readonly residentBytes: number
  readonly opened: number
  readonly closed: number
}

/** More descriptors than a process can have. */
export const moreThanAny = Number.MAX_SAFE_INTEGER

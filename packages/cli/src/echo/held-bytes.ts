/** 256 MiB: as much as a server lets wait for all its peers by default. */
const mostOfAll = 256 << 20

/** Counts what all connections of a service hold back together, so that many within their own bounds stay within one. */
export class HeldBytes {
  #total = 0

  /** Whether there is so much already that a connection that holds some is not read. */
  get isExceeded(): boolean {
    return this.#total > mostOfAll / 2
  }

  /** Adds so many bytes. Returns false, and adds none, where all would be more than the limit. */
  add(bytes: number): boolean {
    if (this.#total + bytes > mostOfAll) return false
    this.#total += bytes
    return true
  }

  release(bytes: number): void {
    this.#total -= bytes
  }
}

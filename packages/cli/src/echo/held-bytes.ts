/** 256 MiB, a server's default for `maxTotalBufferedBytes`. */
const mostOfAll = 256 << 20

/** Counts the bytes that all connections of a service hold, so that their sum has a limit too. */
export class HeldBytes {
  #total = 0

  /** Whether so much is held that connections that hold bytes are not read. */
  get isExceeded(): boolean {
    return this.#total > mostOfAll / 2
  }

  /** Adds bytes. Returns false, and adds none, if the sum would exceed the limit. */
  add(bytes: number): boolean {
    if (this.#total + bytes > mostOfAll) return false
    this.#total += bytes
    return true
  }

  release(bytes: number): void {
    this.#total -= bytes
  }
}

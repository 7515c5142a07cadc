/** 256 MiB: as much as a server lets wait for all its peers by default. */
const mostOfAll = 256 << 20

/** Counts what all connections of a service hold back together, so that many within their own bounds stay within one. */
export class HeldBytes {
  #total = 0

  get isExceeded(): boolean {
    return this.#total > mostOfAll
  }

  add(octets: number): void {
    this.#total += octets
  }
}

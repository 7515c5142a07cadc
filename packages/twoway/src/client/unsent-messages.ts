/** The frames that carry messages and have not gone, to tell how many of the messages' own octets have not. */
export class UnsentMessages {
  readonly #frames: { readonly end: number; readonly payloadLength: number }[] = []
  #first = 0

  /** Adds a frame that ends at `end` octets since the start of the connection, its payload last. */
  add(end: number, payloadLength: number): void {
    this.#frames.push({ end, payloadLength })
  }

  /** Octets of payload behind the first `handedOver` octets of the connection. Forgets the frames before. */
  payloadBeyond(handedOver: number): number {
    while (this.#first < this.#frames.length && this.#frames[this.#first]!.end <= handedOver) this.#first++
    if (2 * this.#first >= this.#frames.length) {
      this.#frames.splice(0, this.#first)
      this.#first = 0
    }
    let sum = 0
    for (let index = this.#first; index < this.#frames.length; index++) {
      const { end, payloadLength } = this.#frames[index]!
      sum += Math.min(payloadLength, end - handedOver)
    }
    return sum
  }
}

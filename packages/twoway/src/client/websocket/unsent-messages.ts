/** The frames that carry messages and have not gone, to tell how many of the messages' own octets have not. */
export class UnsentMessages {
  readonly #frames: { readonly end: number; readonly payloadLength: number }[] = []
  #first = 0
  /** Payload of the frames from `#first` on. */
  #payloadLength = 0

  /** Adds a frame that ends at `end` octets since the start of the connection, its payload last. */
  add(end: number, payloadLength: number): void {
    this.#frames.push({ end, payloadLength })
    this.#payloadLength += payloadLength
  }

  /** Octets of payload behind the first `handedOver` octets of the connection. Forgets the frames before. */
  payloadBeyond(handedOver: number): number {
    const frames = this.#frames
    while (this.#first < frames.length && frames[this.#first]!.end <= handedOver) {
      this.#payloadLength -= frames[this.#first++]!.payloadLength
    }
    if (2 * this.#first >= frames.length) {
      frames.splice(0, this.#first)
      this.#first = 0
    }
    const next = frames[this.#first]
    if (next === undefined) return 0
    // Only the next frame can have gone in part.
    return this.#payloadLength - next.payloadLength + Math.min(next.payloadLength, next.end - handedOver)
  }
}

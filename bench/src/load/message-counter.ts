/** Counts the messages that end within the bytes that arrive. */
export interface MessageCounter {
  count(bytes: Buffer, length: number): number
}

/** A counter for messages of a known length with headers: it inspects no byte. */
export class LengthCounter implements MessageCounter {
  readonly #messageBytes: number
  #partial = 0

  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes
  }

  count(_: Buffer, length: number): number {
    const arrived = this.#partial + length
    const done = Math.floor(arrived / this.#messageBytes)
    this.#partial = arrived - done * this.#messageBytes
    return done
  }
}

/** A counter for messages whose length the peer chooses, such as compressed ones: it reads the headers of frames. */
export class HeaderCounter implements MessageCounter {
  readonly #header = Buffer.alloc(10)
  readonly #maskBytes: number
  #headerBytes = 0
  #remaining = 0

  /** @param masked whether the frames are a client's, with a masking key behind the header */
  constructor(masked = false) {
    this.#maskBytes = masked ? 4 : 0
  }

  count(bytes: Buffer, length: number): number {
    let done = 0
    for (let at = 0; at < length; ) {
      if (this.#remaining === 0) {
        this.#header[this.#headerBytes++] = bytes[at++]!
        if (!this.#takeHeader()) continue
      }
      const taken = Math.min(this.#remaining, length - at)
      at += taken
      this.#remaining -= taken
      if (this.#remaining === 0 && this.#header[0]! >= 0x80) done++
    }
    return done
  }

  /** Whether the header is complete, RFC 6455 §5.2. */
  #takeHeader(): boolean {
    const short = this.#header[1]! & 0x7f
    const size = this.#headerBytes < 2 || short < 126 ? 2 : short === 126 ? 4 : 10
    if (this.#headerBytes < size) return false
    if (size === 2) this.#remaining = short
    else this.#remaining = size === 4 ? this.#header.readUInt16BE(2) : Number(this.#header.readBigUInt64BE(2))
    this.#remaining += this.#maskBytes
    this.#headerBytes = 0
    return true
  }
}

/** The destination of data frames' payload: assembles messages, or streams them. */
export interface MessageSink {
  /** Bytes of memory that messages take until they are delivered. */
  readonly heldBytes: number
  /** Whether a message is incomplete. */
  readonly isUnderWay: boolean
  /** Bytes of the last message that was returned whole. */
  readonly messageBytes: number
  /** Whether the last message that was returned whole is a text. */
  readonly isText?: boolean
  /** Whether a part of an incomplete message was delivered. */
  readonly isStreaming?: boolean
  /**
   * Begins a data frame after its header.
   * @param arrivesAs number of bytes that `add` will get for this frame: its length, or undefined if an extension
   * changes it
   */
  beginFrame(opcode: number, fin: boolean, arrivesAs: number | undefined): void
  /**
   * Adds a piece of the current frame's payload; `remaining` bytes of the frame follow. Returns the message if this
   * completes it, unless messages are streamed.
   * @param isAscii whether the piece is known to be ASCII
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    remaining: number,
    isAscii?: boolean,
  ): string | Uint8Array | undefined
  /** Adds a piece of a message that an extension decoded; `last` at the end of the message. */
  addDecoded(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined
  /** A read or an asynchronous decoding has ended. A sink that keeps bytes must own their memory from here on. */
  readEnds?(): void
  /** Drops all held bytes for this reason, also those of a whole message that was not read yet. */
  evict?(reason: Error): void
  /** Drops the incomplete message: the rest of it will not arrive, for this reason. */
  release(reason?: Error): void
}

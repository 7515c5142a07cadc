/** Where the payload of data frames goes: it is put together to messages, or handed on as it comes. */
export interface MessageSink {
  /** Bytes of memory taken for messages that have not been handed over in full. */
  readonly heldBytes: number
  /** Whether a message has begun of which the rest has not come. */
  readonly isUnderWay: boolean
  /** Whether a part of a message has been handed over, and the rest is on its way. */
  readonly isStreaming?: boolean
  /**
   * A data frame's header came.
   * @param arrivesAs the bytes that `add` will be given for this frame: its length, or undefined where an extension
   * changes them
   */
  beginFrame(opcode: number, fin: boolean, arrivesAs: number | undefined): void
  /**
   * Takes a piece of the payload of the frame begun last; `remaining` bytes of that frame are still to come.
   * Returns the message where the piece completes one that is handed over whole.
   * @param isAscii whether the piece is known to be ASCII
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    remaining: number,
    isAscii?: boolean,
  ): string | Uint8Array | undefined
  /** Takes a piece of payload that is no frame's own: what came out of an extension; `last` with the message's end. */
  addDecoded(bytes: Uint8Array, start: number, end: number, last: boolean): string | Uint8Array | undefined
  /** The read is over, or the piece that took longer: what is held until the next has to be in memory of its own. */
  readEnds?(): void
  /** Forgets all that is held, of a message too that has come whole and was not taken, for this reason. */
  evict?(reason: Error): void
  /** Forgets the message under way: the rest of it will not come, for this reason. */
  release(reason?: Error): void
}

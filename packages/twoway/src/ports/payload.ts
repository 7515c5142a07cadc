/**
 * What is done to payload bytes. Every range is half-open, `[start, end)`.
 *
 * A masking key is a 32-bit integer whose lowest eight bits are the key's first byte (RFC 6455 §5.3).
 */
export interface Payload {
  /** New bytes with a buffer of their own; their contents are unspecified. */
  allocate(length: number): Uint8Array
  /** A copy with a buffer of its own, shared with nothing. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array
  /**
   * Unmasks in place. `offset` is the place of `start` within the frame's payload.
   * Returns whether all bytes are ASCII then, which is known for nothing; false says that one is not, or may not be.
   */
  unmask(bytes: Uint8Array, start: number, end: number, maskingKey: number, offset: number): boolean
  /** Copies `source[start, end)` to `target` from `at` on, masking on the way. The two do not overlap. */
  maskInto(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, maskingKey: number): void
  /**
   * Checks UTF-8 as it arrives, RFC 3629. `state` is 0 at the start of a text and else what the last call returned.
   * Returns the next state (0 where a character is complete) or -1 at the first byte that can't follow.
   */
  validate(state: number, bytes: Uint8Array, start: number, end: number): number
  /**
   * The text of a whole UTF-8 range (a byte order mark is kept), or undefined where it is not UTF-8.
   * @param isAscii whether the range is known to be ASCII
   */
  decode(bytes: Uint8Array, start: number, end: number, isAscii?: boolean): string | undefined
  /**
   * Writes a text as UTF-8, lone surrogates as U+FFFD, and returns the bytes written.
   * `target` has room for three bytes a UTF-16 code unit, or for `byteLength(text)`.
   */
  encodeInto(text: string, target: Uint8Array, at: number): number
  /** The length of a text in UTF-8, in bytes. */
  byteLength(text: string): number
}

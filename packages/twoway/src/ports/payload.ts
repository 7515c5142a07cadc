/**
 * Operations on payload bytes. Ranges are half-open, `[start, end)`.
 *
 * A masking key is a 32-bit integer whose lowest eight bits are the key's first byte (RFC 6455 §5.3).
 */
export interface Payload {
  /** New bytes with their own buffer and unspecified contents. */
  allocate(length: number): Uint8Array
  /** A copy with its own buffer. */
  copy(bytes: Uint8Array, start: number, end: number): Uint8Array
  /**
   * Unmasks in place. `offset` is the position of `start` in the frame's payload. Returns whether all resulting bytes
   * are ASCII; an implementation that doesn't know returns false.
   */
  unmask(bytes: Uint8Array, start: number, end: number, maskingKey: number, offset: number): boolean
  /** Copies `source[start, end)` to `target` from `at` on and masks the copy. The ranges do not overlap. */
  maskInto(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number, maskingKey: number): void
  /**
   * Checks UTF-8 incrementally, RFC 3629. `state` is 0 at the start of a text, then the result of the previous call.
   * Returns the next state, 0 after a complete character, or -1 at the first invalid byte.
   */
  validate(state: number, bytes: Uint8Array, start: number, end: number): number
  /**
   * Decodes a whole UTF-8 range and keeps a byte order mark; undefined if it is not UTF-8.
   * @param isAscii whether the range is known to be ASCII
   */
  decode(bytes: Uint8Array, start: number, end: number, isAscii?: boolean): string | undefined
  /**
   * Encodes a text as UTF-8, with U+FFFD for lone surrogates, and returns the number of bytes. `target` must have room
   * for three bytes per UTF-16 code unit, or for `byteLength(text)`.
   */
  encodeInto(text: string, target: Uint8Array, at: number): number
  /** Length of a text in UTF-8, in bytes. */
  byteLength(text: string): number
  /**
   * Whether a long binary message in several pieces is gathered in memory that is used again. The receiver gets a copy of the
   * complete message then. By default, it gets the memory itself.
   */
  readonly copiesMessages?: boolean
}

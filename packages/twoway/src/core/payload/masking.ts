/** Whether the machine is little-endian, as the words of a masking key assume. */
const littleEndian = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/** Shorter payloads are masked byte by byte: creating a view of words costs more than it saves. */
const wordsFrom = littleEndian ? 192 : Number.POSITIVE_INFINITY

/**
 * Applies a masking key to `bytes[start, end)` in place, RFC 6455 §5.3. Masking and unmasking are the same operation.
 * `offset` is the position of `start` in the frame's payload. Returns whether all resulting bytes are ASCII.
 */
export function unmaskInPlace(
  bytes: Uint8Array,
  start: number,
  end: number,
  maskingKey: number,
  offset: number,
): boolean {
  const key = rotateKey(maskingKey, offset)
  if (end - start < wordsFrom) return unmaskBytes(bytes, start, end, key) < 0x80
  // A view of words must start at a multiple of four in its buffer.
  const wordsStart = start + (-(bytes.byteOffset + start) & 3)
  const wordCount = (end - wordsStart) >>> 2
  let seen = unmaskBytes(bytes, start, wordsStart, key)
  const wordKey = rotateKey(key, wordsStart - start)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordsStart, wordCount)
  let seenWords = 0
  for (let at = 0; at < wordCount; at += 1) {
    const word = words[at]! ^ wordKey
    words[at] = word
    seenWords |= word
  }
  seen |= unmaskBytes(bytes, wordsStart + wordCount * 4, end, wordKey)
  return seen < 0x80 && (seenWords & 0x80808080) === 0
}

/** Copies `source[start, end)` to `target` from `at` on and masks it there. The two do not overlap. */
export function maskInto(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  maskingKey: number,
): void {
  const length = end - start
  if (length >= wordsFrom) {
    target.set(source.subarray(start, end), at)
    unmaskInPlace(target, at, at + length, maskingKey, 0)
    return
  }
  const key1 = maskingKey >>> 8
  const key2 = maskingKey >>> 16
  const key3 = maskingKey >>> 24
  const fours = end - 3
  let from = start
  let to = at
  for (; from < fours; from += 4, to += 4) {
    target[to] = source[from]! ^ maskingKey
    target[to + 1] = source[from + 1]! ^ key1
    target[to + 2] = source[from + 2]! ^ key2
    target[to + 3] = source[from + 3]! ^ key3
  }
  if (from < end) target[to] = source[from]! ^ maskingKey
  if (from + 1 < end) target[to + 1] = source[from + 1]! ^ key1
  if (from + 2 < end) target[to + 2] = source[from + 2]! ^ key2
}

/** The key for a payload that starts `offset` bytes further on. */
export function rotateKey(maskingKey: number, offset: number): number {
  const bits = (offset & 3) << 3
  return (maskingKey >>> bits) | (maskingKey << (32 - bits))
}

/** Returns the bitwise OR of all resulting bytes. */
function unmaskBytes(bytes: Uint8Array, start: number, end: number, key: number): number {
  const key1 = key >>> 8
  const key2 = key >>> 16
  const key3 = key >>> 24
  const fours = end - 3
  let seen = 0
  let at = start
  for (; at < fours; at += 4) {
    const first = bytes[at]! ^ (key & 0xff)
    const second = bytes[at + 1]! ^ (key1 & 0xff)
    const third = bytes[at + 2]! ^ (key2 & 0xff)
    const fourth = bytes[at + 3]! ^ key3
    bytes[at] = first
    bytes[at + 1] = second
    bytes[at + 2] = third
    bytes[at + 3] = fourth
    seen |= first | second | third | fourth
  }
  if (at < end) seen |= bytes[at]! ^= key & 0xff
  if (at + 1 < end) seen |= bytes[at + 1]! ^= key1 & 0xff
  if (at + 2 < end) seen |= bytes[at + 2]! ^= key2 & 0xff
  return seen
}

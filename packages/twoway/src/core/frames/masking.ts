/** Whether the first octet in memory is the lowest of a word, as the words of a masking key assume. */
const littleEndian = new Uint8Array(Int32Array.of(1).buffer)[0] === 1

/** Below this many octets a view of words costs more than it saves. */
const wordsFrom = littleEndian ? 192 : Number.POSITIVE_INFINITY

/**
 * Applies a masking key to `bytes[start, end)` in place, RFC 6455 §5.3; masking and unmasking are the same.
 * `offset` is the place of `start` within the frame's payload.
 */
export function unmaskInPlace(bytes: Uint8Array, start: number, end: number, maskingKey: number, offset: number): void {
  const key = rotate(maskingKey, offset)
  if (end - start < wordsFrom) {
    unmaskOctets(bytes, start, end, key)
    return
  }
  // A view of words must start at a multiple of four in its buffer, wherever the payload stands.
  const wordsStart = start + (-(bytes.byteOffset + start) & 3)
  const wordCount = (end - wordsStart) >>> 2
  unmaskOctets(bytes, start, wordsStart, key)
  const wordKey = rotate(key, wordsStart - start)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordsStart, wordCount)
  for (let at = 0; at < wordCount; at += 1) words[at]! ^= wordKey
  unmaskOctets(bytes, wordsStart + wordCount * 4, end, wordKey)
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

/** The key as it applies `offset` octets further on. */
function rotate(maskingKey: number, offset: number): number {
  const bits = (offset & 3) << 3
  return (maskingKey >>> bits) | (maskingKey << (32 - bits))
}

function unmaskOctets(bytes: Uint8Array, start: number, end: number, key: number): void {
  const key1 = key >>> 8
  const key2 = key >>> 16
  const key3 = key >>> 24
  const fours = end - 3
  let at = start
  for (; at < fours; at += 4) {
    bytes[at]! ^= key
    bytes[at + 1]! ^= key1
    bytes[at + 2]! ^= key2
    bytes[at + 3]! ^= key3
  }
  if (at < end) bytes[at]! ^= key
  if (at + 1 < end) bytes[at + 1]! ^= key1
  if (at + 2 < end) bytes[at + 2]! ^= key2
}

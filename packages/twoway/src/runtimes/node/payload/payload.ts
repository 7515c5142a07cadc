import { Buffer, isAscii, isUtf8, transcode } from 'node:buffer'
import { copyBytes } from '../../../core/payload/copy-bytes.js'
import { maskInto, rotateKey, unmaskInPlace } from '../../../core/payload/masking.js'
import { skipAscii, validateUtf8 } from '../../../core/payload/utf8.js'
import type { Payload } from '../../../ports/payload.js'
import { bufferConverters, decodesUtf16 } from '../internals/buffer-converters.js'
import { externalTextBytes } from '../tuning/heap-text.js'
import { memoryTuning } from '../tuning/memory-tuning.js'
import { sharedMemory } from './shared-memory.js'

const nodeVersion = Number.parseInt(process.versions.node, 10)
const isOtherRuntime = 'bun' in process.versions || 'deno' in process.versions

const { copy } = Buffer.prototype
// Variables of the module, because they are called for each message.
const { decodeAscii: decodeAsciiRange, decodeUtf8, decodeUtf16, encodeUtf8 } = bufferConverters

const { unmask: unmaskShared, scratch, scratchAt } = sharedMemory
const sharedBytes = unmaskShared === undefined ? undefined : sharedMemory.bytes

/** From this length on, masking in the shared memory is faster, although the bytes must be copied there and back. */
const scratchFrom = unmaskShared === undefined ? Number.POSITIVE_INFINITY : 192

/** Bytes below which plain JavaScript is faster than a view and a native call (bench:micro, "validate UTF-8"). */
const nativeFrom = 64
const nativeAsciiFrom = 160

/** Bytes from which messages fill memory faster than their objects fill the heap; `memoryTuning` counts those. */
const countedFrom = isOtherRuntime ? Number.POSITIVE_INFINITY : 16 << 10
/** The same for ASCII text, which is on the heap below. */
const textCountedFrom = Math.max(countedFrom, externalTextBytes)

/**
 * Bytes from which text beyond ASCII is decoded by way of UTF-16. On Node 20 and 22 that is several times as fast; from
 * Node 24 on, the decoder of UTF-8 is faster.
 */
const utf16From = nodeVersion < 24 && decodesUtf16 ? 1024 : Number.POSITIVE_INFINITY

/** The payload port on Node, with Node's own decoders, which use SIMD. It allocates Buffers, and none from Node's pool. */
export const nodePayload: Payload = {
  allocate,
  // Bun's collector keeps for long what is live during a collection, as half messages are. Their memory was fresh each time,
  // which the kernel must clear (`npm run bench`, row `binary-1m`).
  copiesMessages: 'bun' in process.versions,

  copy(bytes, start, end) {
    const copy = allocate(end - start)
    copyBytes(bytes, start, end, copy, 0)
    return copy
  },

  unmask(bytes, start, end, maskingKey, offset) {
    const length = end - start
    // SIMD is faster however short the range is (bench:micro, "unmask").
    if (bytes === sharedBytes) return unmaskShared!(start, end, rotateKey(maskingKey, offset)) !== 0
    if (length < scratchFrom) return unmaskInPlace(bytes, start, end, maskingKey, offset)
    return maskInScratch(bytes, start, end, bytes, start, rotateKey(maskingKey, offset))
  },

  maskInto(source, start, end, target, at, maskingKey) {
    if (end - start < scratchFrom) maskInto(source, start, end, target, at, maskingKey)
    else maskInScratch(source, start, end, target, at, maskingKey)
  },

  validate(state, bytes, start, end) {
    if (end - start < nativeFrom) return validateUtf8(state, bytes, start, end)
    let middle = start
    let before = state
    while (before !== 0) {
      before = validateUtf8(before, bytes, middle, middle + 1)
      if (before < 0) return -1
      middle += 1
    }
    const tail = lastCharacterStart(bytes, end)
    return isUtf8(bytes.subarray(middle, tail)) ? validateUtf8(0, bytes, tail, end) : -1
  },

  decode(bytes, start, end, isAscii) {
    if (isAscii || isAsciiRange(bytes, start, end)) {
      return decodeAscii(bytes, start, end)
    }
    const view = bytes.subarray(start, end)
    if (!isUtf8(view)) return undefined
    if (end - start >= countedFrom) memoryTuning.countText(end - start)
    if (end - start < utf16From) return decodeUtf8.call(bytes, start, end)
    const utf16 = transcode(view, 'utf8', 'utf16le')
    return decodeUtf16.call(utf16, 0, utf16.length)
  },

  encodeInto: (text, target, at) => encodeUtf8.call(target, text, at),
  byteLength: (text) => Buffer.byteLength(text),
}

/** Shorter copies come from Node's pool. On Node 24 and later, it would also have longer ones, where it gains little. */
const pooledBelow = Math.min(4096, Buffer.poolSize >>> 1)

/** The same port, except that short copies are views of memory that they share, as Node's own sockets deliver. */
export const pooledNodePayload: Payload = {
  ...nodePayload,

  copy(bytes, start, end) {
    const length = end - start
    // A buffer of its own costs several times as much (`npm run bench`, row `ws-text-1k`).
    const copy = length < pooledBelow ? Buffer.allocUnsafe(length) : allocate(length)
    copyBytes(bytes, start, end, copy, 0)
    return copy
  },
}

function allocate(length: number): Uint8Array {
  if (length >= countedFrom) memoryTuning.countBuffer(length)
  return Buffer.allocUnsafeSlow(length)
}

function decodeAscii(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (length >= textCountedFrom) {
    const text = memoryTuning.decodeToHeap(bytes, start, end)
    if (text !== undefined) return text
    memoryTuning.countText(length)
  }
  return decodeAsciiRange.call(bytes, start, end)
}

/** Copies `source[start, end)` to `target` through the scratch space, where SIMD masks it. Returns whether the result is ASCII. */
function maskInScratch(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  key: number,
): boolean {
  let isAscii = true
  for (let from = start, to = at; from < end; ) {
    const length = Math.min(scratch.length, end - from)
    copy.call(source, scratch, 0, from, from + length)
    // The scratch space's length is a multiple of the key's, so that each piece begins with the key's first byte.
    if (unmaskShared!(scratchAt, scratchAt + length, key) === 0) isAscii = false
    scratch.copy(target, to, 0, length)
    from += length
    to += length
  }
  return isAscii
}

function isAsciiRange(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start < nativeAsciiFrom ? skipAscii(bytes, start, end) === end : isAscii(bytes.subarray(start, end))
}

/**
 * The offset of the last character of a range if the range may cut it; otherwise `end`. Everything before the offset is whole
 * characters. Three last bytes that begin no character end a whole one, or are not UTF-8.
 */
function lastCharacterStart(bytes: Uint8Array, end: number): number {
  for (let at = end - 1; at >= end - 3; at -= 1) {
    if ((bytes[at]! & 0xc0) !== 0x80) return at
  }
  return end
}

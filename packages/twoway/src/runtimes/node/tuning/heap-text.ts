import { Buffer } from 'node:buffer'
import process from 'node:process'
import { Deserializer } from 'node:v8'

/** The bytes before a text: a header, the tag of a string with one byte per character, and the text's length. */
const version = [0xff, 0x0d]
const oneByteString = 0x22
const lengthAt = 3
const headBytes = 8

/** Node decodes longer texts. This bounds the buffer that is kept. */
const longestBytes = 4 << 20

/** Reused for all texts; grows to the longest one. */
let wire = Buffer.alloc(0)

/** Bytes from which Node puts a text outside of V8's heap. */
export const externalTextBytes = 0xfbee9

const isOtherRuntime = 'bun' in process.versions || 'deno' in process.versions
const isFaster = !isOtherRuntime && Number.parseInt(process.versions.node, 10) >= 26 && isUnderstood()

/**
 * Whether `heapText` is faster than Node for an ASCII text of this length. Node copies a text of 1 MiB or more to memory
 * outside of V8's heap, which V8 frees only when it marks the whole heap. V8's deserializer copies the text to the heap,
 * where a collection of the young generation frees it. On Node 26 this saves a quarter of the time of the row text-1m.
 * On earlier versions V8 marks its heap just as often either way, and the copy makes that row slower by half.
 */
export function prefersHeap(length: number): boolean {
  return length >= externalTextBytes && length <= longestBytes && isFaster
}

/** The text of an ASCII range, on V8's heap. The range is no longer than `prefersHeap` allows. */
export function heapText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (wire.length < headBytes + length) {
    wire = Buffer.allocUnsafeSlow(headBytes + length)
    wire.set([...version, oneByteString])
  }
  // V8 writes the length with seven bits per byte, so any length fits into five bytes.
  for (let at = lengthAt, rest = length; at < headBytes; at += 1, rest >>>= 7) {
    wire[at] = (rest & 0x7f) | (at < headBytes - 1 ? 0x80 : 0)
  }
  wire.set(bytes.subarray(start, end), headBytes)
  const deserializer = new Deserializer(wire)
  deserializer.readHeader()
  return deserializer.readValue() as string
}

/** V8 reads the formats of its older versions. If a later version refuses this one, Node decodes. */
function isUnderstood(): boolean {
  try {
    return heapText(Buffer.from('understood'), 0, 5) === 'under'
  } catch {
    return false
  }
}

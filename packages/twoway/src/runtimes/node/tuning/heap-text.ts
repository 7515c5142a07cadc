import { Buffer } from 'node:buffer'
import { Deserializer } from 'node:v8'

/** What is put before the octets: a header, the tag of a string of one octet a character, and its length. */
const version = [0xff, 0x0d]
const oneByteString = 0x22
const lengthAt = 3
const head = 8

/** Longer texts are left to Node, so that no more than this is kept. */
const longestBytes = 4 << 20

/** Reused: it grows to the longest text that came. */
let wire = Buffer.alloc(0)

/** Octets from which Node puts a text outside of V8's heap. */
export const outsideFrom = 0xfbee9

const isOtherRuntime = 'bun' in process.versions || 'deno' in process.versions
const isQuick = !isOtherRuntime && Number.parseInt(process.versions.node, 10) >= 26 && isUnderstood()

/**
 * Whether `heapText` is to be preferred for an ASCII text of this length. Node copies a text of 1 MiB or more to memory
 * outside of V8's heap, which V8 frees only by marking its whole heap. V8's own deserializer copies it to the heap,
 * where from Node 26 on (before, V8 marks just as often then) a collection of the young generation frees it: an echo of
 * 1 MiB of text takes 0.82 ms so, and 1.06 by `latin1Slice`.
 */
export function prefersHeap(length: number): boolean {
  return length >= outsideFrom && length <= longestBytes && isQuick
}

/** The text of an ASCII range, on V8's heap. The range is no longer than `prefersHeap` allows. */
export function heapText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start
  if (wire.length < head + length) {
    wire = Buffer.allocUnsafeSlow(head + length)
    wire.set([...version, oneByteString])
  }
  // The length as V8 writes it, seven bits an octet; in five octets any has room.
  for (let at = lengthAt, rest = length; at < head; at += 1, rest >>>= 7) {
    wire[at] = (rest & 0x7f) | (at < head - 1 ? 0x80 : 0)
  }
  wire.set(bytes.subarray(start, end), head)
  const deserializer = new Deserializer(wire)
  deserializer.readHeader()
  return deserializer.readValue() as string
}

/** V8 reads what older versions of it wrote; should that end some day, Node decodes. */
function isUnderstood(): boolean {
  try {
    return heapText(Buffer.from('understood'), 0, 5) === 'under'
  } catch {
    return false
  }
}

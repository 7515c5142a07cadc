import zlib from 'node:zlib'
import { ProtocolError } from '../../../core/errors.js'
import type { DecodedSink } from '../../../ports/deflate-codec.js'

/** Upper bound of the bytes in one call of the sink. */
const pieceBytes = 64 << 10

interface Inflated {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/**
 * Inflates a whole message within this call, by the public function of node:zlib. Returns false and emits nothing if the
 * output is longer than `most` bytes.
 * @param tailLength bytes of the tail at the end of the input
 */
export function inflateOnce(input: Uint8Array, tailLength: number, most: number, emit: DecodedSink): boolean {
  const parts: Uint8Array[] = []
  let length = 0
  let at = 0
  // A block with BFINAL ends the data, and the bytes after it begin a new stream, RFC 7692 §7.2.3.4.
  do {
    const inflated = inflate(input.subarray(at), most - length)
    if (inflated === undefined) return false
    parts.push(inflated.buffer)
    length += inflated.buffer.length
    at += inflated.engine.bytesWritten
  } while (input.length - at > tailLength)
  for (const part of parts) {
    for (let from = 0; from < part.length; from += pieceBytes) {
      emit(part, from, Math.min(part.length, from + pieceBytes), false)
    }
  }
  emit(input, 0, 0, true)
  return true
}

function inflate(input: Uint8Array, most: number): Inflated | undefined {
  try {
    return zlib.inflateRawSync(input, { info: true, maxOutputLength: Math.max(1, most) }) as unknown as Inflated
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw new ProtocolError('compressionMalformed')
  }
}

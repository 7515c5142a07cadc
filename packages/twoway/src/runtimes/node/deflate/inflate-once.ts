import zlib from 'node:zlib'
import { ProtocolError } from '../../../core/errors.js'
import type { DecodedSink } from '../../../ports/deflate-codec.js'

/** Bytes of output that a sink is given at a time. */
const pieceBytes = 64 << 10

interface Inflated {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/**
 * Inflates a whole message by node:zlib's public call, within this one. Returns false, with nothing emitted, where more
 * than `most` bytes come out.
 * @param tailLength how much of the input is the tail
 */
export function inflateOnce(input: Uint8Array, tailLength: number, most: number, emit: DecodedSink): boolean {
  const parts: Uint8Array[] = []
  let length = 0
  let at = 0
  // A block with BFINAL ends the data; what is behind it begins anew, RFC 7692 §7.2.3.4.
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

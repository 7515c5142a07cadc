import { Buffer } from 'node:buffer'
import { instantiate } from '../payload/instantiate.js'
import { deflateModule, deflatePages } from './deflate-module.js'

/** The layout of memory in `assembly/deflate.ts`. */
const outputAt = 4160

/** Length of the longest message that it compresses. */
export const shortBytes = 4096

/**
 * Compresses `bytes[start, end)`, a whole message of 1 to `shortBytes` bytes, to one block and an empty block without its
 * tail, RFC 7692 §7.2.1. Returns bytes that are valid until the next call.
 */
export type ShortDeflate = (bytes: Uint8Array, start: number, end: number) => Uint8Array

/** Undefined if the runtime has no WebAssembly with SIMD. */
export function createShortDeflate(): ShortDeflate | undefined {
  const instance = instantiate(deflateModule, deflatePages)
  if (instance === undefined) return undefined
  const memory = Buffer.from(instance.memory)
  const deflate = instance.exports.deflate as (length: number) => number
  return (bytes, start, end) => {
    memory.set(bytes.subarray(start, end))
    return memory.subarray(outputAt, outputAt + deflate(end - start))
  }
}

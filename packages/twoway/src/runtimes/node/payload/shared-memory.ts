import { Buffer } from 'node:buffer'
import { instantiate } from './instantiate.js'
import { simdModule, simdPages } from './simd-module.js'

const pageBytes = 64 << 10

/** Sockets read into the bytes before it. */
const scratchAt = (simdPages - 1) * pageBytes

/** Small enough that the masked bytes are still in the processor's cache when they are copied out. */
const scratchBytes = 16 << 10

interface SharedMemory {
  /** All sockets of this thread read into these bytes, one after the other. */
  readonly bytes: Buffer
  /**
   * Applies a masking key to `bytes[start, end)` in place, its lowest eight bits to the first byte, and returns
   * whether all are ASCII then. Undefined if the runtime has no WebAssembly with SIMD.
   */
  readonly unmask: ((start: number, end: number, key: number) => number) | undefined
  /** Scratch space for bytes from elsewhere that are to be masked; valid during one call. It starts at `scratchAt`. */
  readonly scratch: Buffer
  readonly scratchAt: number
}

/**
 * The memory that sockets read into. It belongs to WebAssembly, so that SIMD can unmask the bytes where the kernel has
 * written them.
 */
export const sharedMemory: SharedMemory = inWebAssembly() ?? {
  bytes: Buffer.alloc(scratchAt),
  unmask: undefined,
  scratch: Buffer.alloc(0),
  scratchAt,
}

function inWebAssembly(): SharedMemory | undefined {
  const instance = instantiate(simdModule, simdPages)
  if (instance === undefined) return undefined
  return {
    bytes: Buffer.from(instance.memory, 0, scratchAt),
    unmask: instance.exports.unmask as NonNullable<SharedMemory['unmask']>,
    scratch: Buffer.from(instance.memory, scratchAt, scratchBytes),
    scratchAt,
  }
}

import { Buffer } from 'node:buffer'
import { simdModule, simdPages } from './simd-module.js'

const pageBytes = 64 << 10

/** Sockets read into what stands before it. */
const deskAt = (simdPages - 1) * pageBytes

/** What is masked here is still in the processor's cache when it is copied out: 1 MiB takes 66 us, 85 by 64 KiB each. */
const deskBytes = 16 << 10

/** What is used of WebAssembly, whose types come with the DOM's only. */
interface WebAssemblyNamespace {
  validate(bytes: Uint8Array): boolean
  readonly Memory: new (pages: {
    readonly initial: number
    readonly maximum: number
  }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

interface SharedMemory {
  /** What all sockets of this thread read into, one after the other. */
  readonly bytes: Buffer
  /**
   * Applies a masking key to `bytes[start, end)` in place, its lowest eight bits to the first octet, and returns
   * whether all are ASCII then. Undefined where there is no WebAssembly with SIMD.
   */
  readonly unmask: ((start: number, end: number, key: number) => number) | undefined
  /** Where octets from elsewhere can be put for that, which nobody relies on after the call. It starts at `deskAt`. */
  readonly desk: Buffer
  readonly deskAt: number
}

/**
 * The memory that sockets read into: WebAssembly's, so that SIMD reaches what the kernel has just written.
 * 1 MiB is unmasked in 44 us there, in 240 us by a loop over words.
 */
export const sharedMemory: SharedMemory = inWebAssembly() ?? {
  bytes: Buffer.alloc(deskAt),
  unmask: undefined,
  desk: Buffer.alloc(0),
  deskAt,
}

function inWebAssembly(): SharedMemory | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyNamespace }
  const octets = Buffer.from(simdModule, 'base64')
  try {
    if (WebAssembly?.validate(octets) !== true) return undefined
    const memory = new WebAssembly.Memory({ initial: simdPages, maximum: simdPages })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(octets), { env: { memory } })
    return {
      bytes: Buffer.from(memory.buffer, 0, deskAt),
      unmask: exports.unmask as NonNullable<SharedMemory['unmask']>,
      desk: Buffer.from(memory.buffer, deskAt, deskBytes),
      deskAt,
    }
  } catch {
    // A process may be forbidden to compile (--disallow-code-generation-from-strings), or have no room for the memory.
    return undefined
  }
}

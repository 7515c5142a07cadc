import { Buffer } from 'node:buffer'

/** The members of WebAssembly that are used here. Its types are part of the DOM's. */
interface WebAssemblyNamespace {
  validate(bytes: Uint8Array): boolean
  readonly Memory: new (pages: {
    readonly initial: number
    readonly maximum: number
  }) => { readonly buffer: ArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

interface AssemblyInstance {
  readonly memory: ArrayBuffer
  readonly exports: Readonly<Record<string, unknown>>
}

/**
 * Runs a module that the build has compiled from `assembly/`, in a memory of its own. Returns undefined if the runtime has no
 * WebAssembly with SIMD.
 * @param module in hexadecimal
 * @param pages of 64 KiB
 */
export function instantiate(module: string, pages: number): AssemblyInstance | undefined {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyNamespace }
  const bytes = Buffer.from(module, 'hex')
  try {
    if (WebAssembly?.validate(bytes) !== true) return undefined
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
    return { memory: memory.buffer, exports }
  } catch {
    // A process may be forbidden to compile (--disallow-code-generation-from-strings), or have no room for the memory.
    return undefined
  }
}

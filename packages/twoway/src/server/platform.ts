/*
 * The one place where this room takes classes of the platform that the program under test may replace. They are kept from
 * when this module is loaded, and come from Node's built-in modules where the runtime has these.
 */

interface BuiltinModules {
  readonly 'node:stream/web': Pick<typeof globalThis, 'ReadableStream'>
  readonly 'node:url': Pick<typeof globalThis, 'URL'>
}

interface BuiltinLoader {
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined
}

const { process } = globalThis as { readonly process?: BuiltinLoader }

export const { AbortController } = globalThis
export const { ReadableStream } = process?.getBuiltinModule?.('node:stream/web') ?? globalThis
export const { URL } = process?.getBuiltinModule?.('node:url') ?? globalThis

/*
 * The one place where this room takes classes of the platform that the program under test may replace, and that a test's
 * environment, such as jsdom, may lack. They are kept from when this module is loaded.
 */

interface BuiltinModules {
  readonly 'node:util': Pick<typeof globalThis, 'TextDecoder'>
}

interface BuiltinLoader {
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined
}

const { process } = globalThis as { readonly process?: BuiltinLoader }

export const { TextDecoder } = process?.getBuiltinModule?.('node:util') ?? globalThis

/*
 * The one place where this room takes functions and classes of the platform that the program under test may replace. They
 * are kept from when this module is loaded. Where the runtime has Node's built-in modules, classes come from these if a
 * test's environment, such as jsdom, may lack them. Classes of events and of Blob are the environment's own, so that its
 * other parts accept them.
 */

interface BuiltinModules {
  readonly 'node:stream/web': Pick<typeof globalThis, 'ReadableStream' | 'WritableStream'>
  readonly 'node:url': Pick<typeof globalThis, 'URL'>
  readonly 'node:util': Pick<typeof globalThis, 'TextDecoder' | 'TextEncoder'>
  readonly 'node:worker_threads': { readonly markAsUncloneable?: MarkAsUncloneable }
}

/** Makes `structuredClone` refuse an object. */
type MarkAsUncloneable = (value: object) => void

interface BuiltinLoader {
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined
}

const { process } = globalThis as { readonly process?: BuiltinLoader }

export const { Blob, DOMException, Event, EventTarget, FileReader, MessageEvent, WebSocket } = globalThis
export const { CloseEvent, ErrorEvent } = globalThis as Partial<Pick<typeof globalThis, 'CloseEvent' | 'ErrorEvent'>>
export const { ReadableStream, WritableStream } = process?.getBuiltinModule?.('node:stream/web') ?? globalThis
export const { URL } = process?.getBuiltinModule?.('node:url') ?? globalThis
export const { TextDecoder, TextEncoder } = process?.getBuiltinModule?.('node:util') ?? globalThis

/** Found when it is needed, as the module is large. Node has the function since 22.10. */
export function findMarkAsUncloneable(): MarkAsUncloneable | undefined {
  return process?.getBuiltinModule?.('node:worker_threads')?.markAsUncloneable
}

const { setTimeout: startTimer } = globalThis

/** Called with the global object as `this`: browsers want no other. */
export function setTimeout(callback: () => void, delayMs: number): void {
  startTimer(callback, delayMs)
}

/*
 * The functions and classes of the platform that a program under test may replace. All of this room takes them from here, as
 * they were when this module was loaded.
 */

interface BuiltinModules {
  readonly 'node:crypto': { readonly webcrypto: Crypto }
  readonly 'node:perf_hooks': Pick<typeof globalThis, 'performance'>
  readonly 'node:timers': Timers
  readonly 'node:util': Pick<typeof globalThis, 'TextDecoder' | 'TextEncoder'>
}

interface BuiltinLoader {
  getBuiltinModule?<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined
}

type Timers = Pick<typeof globalThis, 'clearTimeout' | 'setTimeout'> & {
  readonly setImmediate?: (callback: () => void) => unknown
}

// From modules of Node if there are any: a test's environment may lack the globals, or replace them before it loads this
// module.
const { process } = globalThis as { process?: BuiltinLoader }
export const { TextDecoder, TextEncoder } = process?.getBuiltinModule?.('node:util') ?? globalThis
const crypto = process?.getBuiltinModule?.('node:crypto')?.webcrypto ?? globalThis.crypto
const { performance } = process?.getBuiltinModule?.('node:perf_hooks') ?? globalThis
const timers: Timers = process?.getBuiltinModule?.('node:timers') ?? globalThis
const { clearTimeout: stop, setImmediate: immediate, setTimeout: start } = timers
const queue = genuineQueue()
const getNow = performance.now
const fill = crypto.getRandomValues

/** The fakes of sinon and Jest have a member `clock`. A promise calls back in their place. */
function genuineQueue(): (callback: () => void) => void {
  const { queueMicrotask: found } = globalThis
  if (typeof found === 'function' && !('clock' in found)) return found
  return (callback) => void Promise.resolve().then(callback)
}

// Each is called with the `this` that browsers require: the global object, or the object that has the method.

export function now(): number {
  return getNow.call(performance)
}

export function getRandomValues(values: Uint8Array<ArrayBuffer> | Int32Array<ArrayBuffer>): void {
  fill.call(crypto, values)
}

export function startTimer(callback: () => void, delayMs: number): ReturnType<typeof setTimeout> {
  return start(callback, delayMs)
}

export function stopTimer(timer: ReturnType<typeof setTimeout>): void {
  stop(timer)
}

export function queueMicrotask(callback: () => void): void {
  queue(callback)
}

/** Node, Bun and Deno have setImmediate, which takes no millisecond as a timer does. */
export function startTask(callback: () => void): void {
  if (immediate === undefined) start(callback, 0)
  else immediate(callback)
}

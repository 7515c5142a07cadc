/*
 * The one place where this room takes functions and classes of the platform that the program under test may replace. They
 * are kept from when this module is loaded.
 */

export const { TextDecoder, TextEncoder } = globalThis
const { clearTimeout: stop, crypto, performance, queueMicrotask: queue, setTimeout: start } = globalThis
const immediate = (globalThis as { readonly setImmediate?: (callback: () => void) => unknown }).setImmediate
const getNow = performance.now
const fill = crypto.getRandomValues

// Each is called with the `this` that browsers want: the global object, as by a bare name, or the object that it is of.

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

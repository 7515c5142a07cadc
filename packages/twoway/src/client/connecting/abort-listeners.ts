import type { PlatformAbortSignal } from '../../ports/platform-types.js'

interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const waitingFor = new WeakMap<PlatformAbortSignal, Waiting>()

/**
 * Calls back when a signal is aborted, and returns a function that cancels this. All callbacks of a signal share one
 * listener, because Node warns of a leak if a signal has many. The listener is removed with the last callback.
 */
export function onAbort(signal: PlatformAbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = waitingFor.get(signal) ?? listenTo(signal)
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    if (callbacks.size === 0 && waitingFor.get(signal)?.callbacks === callbacks) forget(signal, listener)
  }
}

function listenTo(signal: PlatformAbortSignal): Waiting {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    forget(signal, listener)
    callbacks.forEach((callback) => {
      callback()
    })
  }
  waitingFor.set(signal, { callbacks, listener })
  signal.addEventListener('abort', listener)
  return { callbacks, listener }
}

function forget(signal: PlatformAbortSignal, listener: () => void): void {
  waitingFor.delete(signal)
  signal.removeEventListener('abort', listener)
}

import type { PlatformAbortSignal } from '../../ports/platform-types.js'

interface Waiting {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const waitingFor = new WeakMap<PlatformAbortSignal, Waiting>()

/**
 * Calls back once a signal is aborted, and returns how to give that up. Many may wait for one signal: they share one
 * listener, as Node warns of a leak where a signal has more than a few. It is taken away with the last of them.
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

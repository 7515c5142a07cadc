import { constants } from 'node:os'
import process from 'node:process'
import type { ProcessSignals } from '../../../ports/process-signals.js'

/** The system lets no process handle these. */
const unhandled = new Set(['SIGKILL', 'SIGSTOP'])

/**
 * Signals by node:process, which Bun and Deno have too. The handlers stay while the process ends: for process 1, as in a
 * container, the system ignores a signal that has no handler.
 */
export const processSignals: ProcessSignals = {
  numberOf(signal) {
    const numbers: { readonly [name: string]: number } = constants.signals
    return unhandled.has(signal) || !Object.hasOwn(numbers, signal) ? undefined : numbers[signal]
  },

  listen(signals, callback) {
    const handlers = signals.map((signal) => [signal, () => callback(signal)] as const)
    for (const [signal, handler] of handlers) process.on(signal, handler)
    return () => {
      for (const [signal, handler] of handlers) process.off(signal, handler)
    }
  },

  exit(code) {
    if (code === 0) process.exit()
    else process.exit(code)
  },
}

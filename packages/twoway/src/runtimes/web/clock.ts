import type { Clock } from '../../ports/clock.js'

/** A longer delay makes setTimeout call at once. */
const longestDelayMs = 2 ** 31 - 1

/** Not the web's, but of Node, Bun and Deno, and without a timer's millisecond. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown }

/** The clock of every runtime of the web. `defer` is the microtask queue. */
export const webClock: Clock = {
  now: () => performance.now(),

  after(delayMs, callback, keepsAlive = true) {
    let timer: ReturnType<typeof setTimeout>
    function arm(restMs: number): void {
      if (restMs <= longestDelayMs) timer = setTimeout(callback, restMs)
      else timer = setTimeout(arm, longestDelayMs, restMs - longestDelayMs)
      // A browser's is a number, and no page goes on for it.
      if (!keepsAlive) (timer as { unref?: () => void }).unref?.()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },

  defer: (callback) => queueMicrotask(callback),

  task: setImmediate ?? ((callback) => setTimeout(callback, 0)),
}

import { performance } from 'node:perf_hooks'
import type { Clock } from '../../ports/clock.js'

/** A longer delay makes setTimeout call after 1 ms. */
const longestDelayMs = 2 ** 31 - 1

/**
 * Node's clock.
 * `defer` is process.nextTick: unlike queueMicrotask it makes no AsyncResource a call, and what is deferred in a
 * chain of promises runs at the chain's end, so that everything sent on the way goes out in one write. Each call is a
 * tick of its own: one tick for all would show one caller's AsyncLocalStorage to the handlers of another.
 */
export const nodeClock: Clock = {
  now: () => performance.now(),

  after(delayMs, callback, keepsAlive = true) {
    let timer: NodeJS.Timeout
    function arm(restMs: number): void {
      if (restMs <= longestDelayMs) timer = setTimeout(callback, restMs)
      else timer = setTimeout(arm, longestDelayMs, restMs - longestDelayMs)
      if (!keepsAlive) timer.unref()
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },

  defer: (callback) => process.nextTick(callback),

  task: (callback) => setImmediate(callback),
}

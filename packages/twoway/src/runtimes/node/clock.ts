import type { Clock } from '../../ports/clock.js'
import { nextTick, now, startTask, startTimer, type Timer } from './internals/genuine-timers.js'
import { microtaskCheckpoint } from './internals/microtask-checkpoint.js'

/** A longer delay makes setTimeout call after 1 ms. */
const longestDelayMs = 2 ** 31 - 1

/**
 * Node's clock.
 * `defer` is process.nextTick: unlike queueMicrotask it creates no AsyncResource for each call. A callback that is deferred in
 * a chain of promises runs after the chain, so that all messages sent in the chain go out in one write. Each call is a
 * tick of its own: one tick for all would show one caller's AsyncLocalStorage to the handlers of another.
 */
export const nodeClock: Clock = {
  now,

  after(delayMs, callback, keepsAlive = true) {
    let timer: Timer
    function arm(restMs: number): void {
      if (restMs <= longestDelayMs) timer = startTimer(callback, restMs)
      else timer = startTimer(() => arm(restMs - longestDelayMs), longestDelayMs)
      if (!keepsAlive) timer.unref()
    }
    arm(delayMs)
    return { cancel: () => void timer.close() }
  },

  defer: (callback) => nextTick(callback),

  task: (callback) => startTask(callback),

  microtaskCheckpoint,
}

import type { Clock } from '../../ports/clock.js'
import { now, queueMicrotask, startTask, startTimer, stopTimer } from './platform.js'

/** A longer delay makes setTimeout call at once. */
const longestDelayMs = 2 ** 31 - 1

/** The clock of every runtime of the web. `defer` is the microtask queue. */
export const webClock: Clock = {
  now,

  after(delayMs, callback, keepsAlive = true) {
    let timer: ReturnType<typeof startTimer>
    function arm(restMs: number): void {
      if (restMs <= longestDelayMs) timer = startTimer(callback, restMs)
      else timer = startTimer(() => arm(restMs - longestDelayMs), longestDelayMs)
      // A browser's is a number, and no page goes on for it.
      if (!keepsAlive) (timer as { unref?: () => void }).unref?.()
    }
    arm(delayMs)
    return { cancel: () => stopTimer(timer) }
  },

  defer: queueMicrotask,

  task: startTask,
}

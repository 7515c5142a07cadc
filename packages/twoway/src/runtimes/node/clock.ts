import { performance } from 'node:perf_hooks'
import type { Clock } from '../../ports/clock.js'

/** A longer delay makes setTimeout call after 1 ms. */
const longestDelayMs = 2 ** 31 - 1

/** What is deferred, in its order: one tick runs all, as a broadcast defers the write of each connection. */
let deferred: (() => void)[] = []

function runDeferred(): void {
  const batch = deferred
  deferred = []
  let next = 0
  try {
    while (next < batch.length) batch[next++]!()
  } finally {
    // One that throws does not take the others with it.
    if (next < batch.length) for (const callback of batch.slice(next)) nodeClock.defer(callback)
  }
}

/**
 * Node's clock. A timer keeps the process alive until it has called or was cancelled.
 * `defer` is process.nextTick: unlike queueMicrotask it makes no AsyncResource a call, and what is deferred in a
 * chain of promises runs at the chain's end, so that everything sent on the way goes out in one write.
 */
export const nodeClock: Clock = {
  now: () => performance.now(),

  after(delayMs, callback) {
    let timer: NodeJS.Timeout
    function arm(restMs: number): void {
      if (restMs <= longestDelayMs) timer = setTimeout(callback, restMs)
      else timer = setTimeout(arm, longestDelayMs, restMs - longestDelayMs)
    }
    arm(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },

  defer(callback) {
    if (deferred.push(callback) === 1) process.nextTick(runDeferred)
  },

  task: (callback) => setImmediate(callback),
}

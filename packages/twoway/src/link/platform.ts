import { type LinkPlatform, longestTimerMs } from './link-platform.js'

/*
 * The one place where this room takes functions of the platform that the program under test may replace. They are kept from
 * when this module is loaded.
 */
const { setTimeout, clearTimeout, performance, document, AbortController } = globalThis
const { random } = Math

/** The timers and events of a page, or of a program without one. */
export const platform: LinkPlatform = {
  now: () => performance.now(),
  random,
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, longestTimerMs))
    return () => clearTimeout(timer)
  },
  onPage(woke, leaves) {
    // Programs without a page have no such events.
    if (!document) return () => undefined
    const changed = (): void => {
      if (document.hidden) leaves()
      else woke()
    }
    const ended = new AbortController()
    document.addEventListener('visibilitychange', changed, ended)
    addEventListener('online', woke, ended)
    addEventListener('pageshow', woke, ended)
    addEventListener('pagehide', leaves, ended)
    return () => ended.abort()
  },
}

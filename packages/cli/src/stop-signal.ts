import { constants } from 'node:os'

/** npm passes Ctrl+C on to a child that the terminal has told already: what comes this soon is no second wish. */
const sameWishMs = 300

/** Resolves at the first SIGINT or SIGTERM. Another one that comes later ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stoppedAt: number | undefined
    const stop = (signal: 'SIGINT' | 'SIGTERM'): void => {
      if (stoppedAt === undefined) {
        stoppedAt = performance.now()
        resolve()
      } else if (performance.now() - stoppedAt > sameWishMs) {
        process.exit(128 + constants.signals[signal])
      }
    }
    process.on('SIGINT', stop).on('SIGTERM', stop)
  })
}

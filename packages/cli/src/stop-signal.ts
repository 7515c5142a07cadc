import { constants } from 'node:os'

/** npm forwards Ctrl+C to a child that the terminal has signalled already, so a second signal this soon is ignored. */
const sameWishMs = 300

/** Resolves at the first SIGINT or SIGTERM. A later second one ends the process at once. */
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

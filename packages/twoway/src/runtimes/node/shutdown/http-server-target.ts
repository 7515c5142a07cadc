import { type ClosableServer, closeHttpServer } from '../http/close-http-server.js'
import { startTimer, type Timer } from '../internals/genuine-timers.js'

/** An HTTP server as a target of `gracefulShutdown`. The app itself reports its readiness. */
export function httpServerTarget(server: ClosableServer) {
  return {
    get isReady(): boolean {
      return server.listening
    },
    notReady(): void {},
    drain: (): Promise<void> => closeHttpServer(server),
    /** WebSockets of attachments are dropped within the same time, so they are given it twice. */
    async drop(withinMs: number): Promise<boolean> {
      let late: Timer | undefined
      const isLate = new Promise<boolean>((resolve) => {
        late = startTimer(() => resolve(true), 2 * withinMs)
      })
      const wasClosed = !(await Promise.race([closeHttpServer(server), isLate]))
      late?.close()
      if (!wasClosed) server.closeAllConnections?.()
      return wasClosed
    },
  }
}

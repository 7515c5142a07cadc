import type { ProcessSignals } from '../../../ports/process-signals.js'
import { nodeClock } from '../clock.js'
import type { ClosableServer } from '../http/close-http-server.js'
import { type AttachableServer, httpServerOf } from '../http/http-attachment.js'
import { isWorker } from '../worker-marker.js'
import { httpServerTarget } from './http-server-target.js'
import { leaveCluster } from './leave-cluster.js'
import { processSignals } from './process-signals.js'

const signals: ProcessSignals = {
  ...processSignals,
  // Ctrl+C reaches the workers of `serveWorkers` too, which their parent stops.
  listen: (names, callback) =>
    processSignals.listen(isWorker() ? names.filter((name) => name !== 'SIGINT') : names, callback),
}

/** The ports of `gracefulShutdown` on Node, Bun and Deno. */
export const nodeShutdown = {
  clock: nodeClock,
  signals,
  httpServerOf,
  leave: leaveCluster,
  httpServerTarget: (server: AttachableServer) => (isClosable(server) ? httpServerTarget(server) : undefined),
  report: (error: unknown) => console.error('twoway:', error),
}

function isClosable(server: object | undefined | null): server is ClosableServer {
  const { close, listening } = (server ?? {}) as Partial<ClosableServer>
  return typeof close === 'function' && typeof listening === 'boolean'
}

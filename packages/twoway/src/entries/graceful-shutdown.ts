import { UsageError } from '../core/errors.js'
import { nodeClock } from '../runtimes/node/clock.js'
import type { ClosableServer } from '../runtimes/node/http/close-http-server.js'
import { type AttachableServer, httpServerOf } from '../runtimes/node/http/http-attachment.js'
import { httpServerTarget } from '../runtimes/node/http/http-server-target.js'
import { processSignals } from '../runtimes/node/process-signals.js'
import { isWorker } from '../runtimes/node/workers/cluster-parent.js'
import { drainableTarget, type ShutdownPorts, startShutdown } from '../server/shutdown/graceful-shutdown.js'
import type { Drainable, Shutdown, ShutdownOptions } from '../server/shutdown/shutdown-types.js'

const ports: ShutdownPorts = {
  clock: nodeClock,
  signals: {
    ...processSignals,
    // Ctrl+C reaches the workers of `serveWorkers` too, which their parent stops.
    listen: (signals, callback) =>
      processSignals.listen(isWorker() ? signals.filter((signal) => signal !== 'SIGINT') : signals, callback),
  },
  report: (error) => console.error('twoway:', error),
}

/**
 * Stops servers and ends the process at SIGTERM or SIGINT, also as process 1 of a container:
 *
 * 1. `isReady` becomes false, and the servers go on for `readinessDelayMs`.
 * 2. The servers stop listening, connections close with 1012, spread over time, and requests are answered.
 * 3. The function `then` is called, and the process ends: with 0, or `process.exitCode`; with 1 if `then` failed or something
 *    was not done within `withinMs`.
 *
 * Takes servers of `serve` and `attach`, the workers of `serveWorkers`, and HTTP servers; one or a list. The HTTP server of
 * an attachment is closed too. Throws a UsageError for wrong options.
 */
export function gracefulShutdown(
  servers: Drainable | AttachableServer | readonly (Drainable | AttachableServer)[],
  options: ShutdownOptions = {},
): Shutdown {
  const all = (Array.isArray(servers) ? [...servers] : [servers]) as (Drainable | AttachableServer)[]
  const drainables = all.filter(isDrainable)
  const httpServers = new Set<ClosableServer>()
  for (const server of all) {
    const httpServer = isDrainable(server) ? httpServerOf(server) : server
    if (httpServer !== undefined || !isDrainable(server)) httpServers.add(closable(httpServer))
  }
  const targets = [
    ...drainables.map((each) => drainableTarget(each, 'urls' in each)),
    ...[...httpServers].map(httpServerTarget),
  ]
  return startShutdown(targets, options, ports)
}

function isDrainable(server: Drainable | AttachableServer): server is Drainable {
  return typeof (server as Partial<Drainable> | undefined)?.drain === 'function'
}

function closable(server: AttachableServer | undefined): ClosableServer {
  const { close, listening } = (server ?? {}) as Partial<ClosableServer>
  if (typeof close === 'function' && typeof listening === 'boolean') return server as unknown as ClosableServer
  throw new UsageError(
    'optionInvalid',
    'gracefulShutdown() takes what serve(), attach() or serveWorkers() returns, an HTTP server, or a list of these',
  )
}

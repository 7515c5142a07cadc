import { startWorkers } from './worker-pool.js'
import type { WorkersPorts } from './workers-settings.js'
import type { Workers, WorkersOptions } from './workers-types.js'

/**
 * Runs a module that calls `serve` in several processes on one port, and resolves when all of them listen. The module
 * chooses the port; with port 0 all processes share the port that the first one gets. A module may start several servers.
 *
 * A worker that dies is started again, after 0.1 s at first and after up to 30 s if it keeps dying. Ctrl+C ends the workers
 * with their parent; a parent that handles the signal itself ends them by `close`. Workers end when their parent dies.
 *
 * Rejects with a UsageError for wrong options, a module that does not exist, a call in a worker, and on Bun and Deno.
 * Rejects with an Error if a worker fails to listen; the other workers are stopped. Its `cause` is the error that the module
 * threw, and its `code` is the system's, such as EADDRINUSE or EACCES.
 * @param module the `file:` URL of the module, or its path
 * @remarks The system distributes connections if Node can listen with SO_REUSEPORT (Node 22.12, 23.1 and later, on Linux and
 * the BSDs). Otherwise the parent distributes them, by node:cluster. `attach` in the module works too: the parent then
 * distributes the connections of its HTTP server, on every system.
 */
export type ServeWorkers = (module: string | { readonly href: string }, options?: WorkersOptions) => Promise<Workers>

/** Makes `serveWorkers` for a platform. `portsFor` throws a UsageError for a module that can't be run. */
export function defineServeWorkers(
  portsFor: (moduleUrl: string, options: WorkersOptions) => WorkersPorts,
): ServeWorkers {
  return async (module, options = {}) =>
    startWorkers(options, portsFor(typeof module === 'string' ? module : module.href, options))
}

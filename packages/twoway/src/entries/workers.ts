import type { AttachableServer } from '../runtimes/node/http/http-attachment.js'
import { nodeShutdown } from '../runtimes/node/shutdown/node-shutdown.js'
import { nodeWorkers } from '../runtimes/node/workers/node-workers.js'
import { defineGracefulShutdown, type GracefulShutdown } from '../server/shutdown/graceful-shutdown.js'
import { defineServeWorkers, type ServeWorkers } from '../workers/serve-workers.js'

export { UsageError } from '../core/errors.js'
export type { MemoryTuningCounts } from '../ports/memory-tuning.js'
export type { TransportPath, TransportReport } from '../ports/transport-report.js'
export type { AttachableServer } from '../runtimes/node/http/http-attachment.js'
export type { CountsByName, ServerHistograms, ServerMetrics } from '../server/server-metrics.js'
export type { CloseOptions, OutgoingPiece, SendOptions } from '../server/server-types.js'
export type { GracefulShutdown } from '../server/shutdown/graceful-shutdown.js'
export type { Drainable, Shutdown, ShutdownOptions, ShutdownResult } from '../server/shutdown/shutdown-types.js'
export type { AdminOptions } from '../workers/admin-options.js'
export type { ServeWorkers } from '../workers/serve-workers.js'
export type {
  WorkerExit,
  WorkerMetrics,
  WorkerState,
  Workers,
  WorkersMetrics,
  WorkersOptions,
  WorkersPublishOptions,
} from '../workers/workers-types.js'

/** Stops servers and ends the process at a signal; `GracefulShutdown` says how. */
export const gracefulShutdown: GracefulShutdown<AttachableServer> = /* @__PURE__ */ defineGracefulShutdown(nodeShutdown)

/** Runs a module that calls `serve` in several processes on one port; `ServeWorkers` says how. */
export const serveWorkers: ServeWorkers = /* @__PURE__ */ defineServeWorkers(nodeWorkers)

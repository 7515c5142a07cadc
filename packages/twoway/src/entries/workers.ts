import { nodeWorkers } from '../runtimes/node/workers/node-workers.js'
import { defineServeWorkers, type ServeWorkers } from '../workers/serve-workers.js'

export { gracefulShutdown } from './graceful-shutdown.js'
export { UsageError } from '../core/errors.js'
export type { MemoryTuningCounts } from '../ports/memory-tuning.js'
export type { TransportPath, TransportReport } from '../ports/transport-report.js'
export type { CountsByName, ServerMetrics } from '../server/server-metrics.js'
export type { CloseOptions, OutgoingPiece, SendOptions } from '../server/server-types.js'
export type { Drainable, Shutdown, ShutdownOptions, ShutdownResult } from '../server/shutdown/shutdown-types.js'
export type { ServeWorkers } from '../workers/serve-workers.js'
export type {
  WorkerExit,
  WorkerMetrics,
  WorkerState,
  Workers,
  WorkersMetrics,
  WorkersOptions,
} from '../workers/workers-types.js'

/** Runs a module that calls `serve` in several processes on one port; `ServeWorkers` says how. */
export const serveWorkers: ServeWorkers = /* @__PURE__ */ defineServeWorkers(nodeWorkers)

import { historyOptions } from '../core/limits.js'
import { callable } from '../core/options/check.js'
import { option } from '../core/options/option.js'
import { type OptionsOwner, settleOptions } from '../core/options/settle-options.js'
import type { Clock } from '../ports/clock.js'
import type { Random } from '../ports/random.js'
import type { WorkerHost } from '../ports/worker-host.js'
import type { ServerPorts } from '../server/server-settings.js'
import { defaultDedupe, type MemoryBrokerSettings } from '../topics/memory-broker.js'
import { type AdminSettings, adminOptions } from './admin-options.js'
import { workersOptions } from './workers-options.js'
import type { WorkersOptions } from './workers-types.js'

/** The ports that workers need. */
export interface WorkersPorts {
  readonly clock: Clock
  readonly random: Random
  readonly host: WorkerHost
  /** The ports of the server for probes and metrics. */
  readonly admin: ServerPorts
  /** The number of processes that the machine runs in parallel. */
  readonly parallelism: number
  /** Prints an error that no handler took. */
  report(error: unknown): void
}

/** The options of `serveWorkers`, checked and complete. */
export interface WorkersSettings {
  readonly ports: WorkersPorts
  readonly workers: number
  readonly startTimeoutMs: number
  readonly killAfterMs: number
  readonly maxBufferedBytes: number
  /** The limits of the messages that the parent stores for the hubs of its workers. */
  readonly topics: Pick<MemoryBrokerSettings, 'history' | 'totalBytes' | 'dedupe' | 'maxTopics'>
  /** The address of the server for probes and metrics; undefined for none. */
  readonly admin: AdminSettings | undefined
  readonly handlers: Pick<WorkersOptions, 'workerExit' | 'error'>
}

/** All options of `serveWorkers`. */
export const workersTable = {
  ...workersOptions,
  ...historyOptions,
  workerExit: option(callable()),
  error: option(callable()),
} satisfies { readonly [name in keyof Required<WorkersOptions>]: unknown }

const owner: OptionsOwner = {
  name: 'serveWorkers()',
  hint: 'Options of a server are given to serve() in the module',
}

/** Checks the options and adds the defaults. A UsageError names the first that is wrong. */
export function settleWorkers(options: WorkersOptions, ports: WorkersPorts): WorkersSettings {
  const settled = settleOptions(options, workersTable, owner)
  const { workers = ports.parallelism, startTimeoutMs, killAfterMs, maxBufferedBytes } = settled
  const admin =
    settled.admin === undefined
      ? undefined
      : settleOptions(settled.admin, adminOptions, { name: 'admin of serveWorkers()', prefix: 'admin.' })
  const {
    historyCount: count,
    historyBytes: bytes,
    historyAgeMs: ageMs,
    historyTotalBytes: totalBytes,
    maxTopics,
  } = settled
  const topics = { history: { count, bytes, ageMs }, totalBytes, dedupe: defaultDedupe, maxTopics }
  return { ports, workers, startTimeoutMs, killAfterMs, maxBufferedBytes, topics, admin, handlers: options }
}

import { availableParallelism } from 'node:os'
import { isError } from '../../../core/value-kinds.js'
import type { Clock } from '../../../ports/clock.js'
import type { Random } from '../../../ports/random.js'
import type { WorkerHost } from '../../../ports/worker-host.js'
import { nodeClock } from '../clock.js'
import { nodeRandom } from '../random.js'
import { type ClusterOptions, clusterHost } from './cluster-host.js'

/** What `serveWorkers` needs of Node to run a module. */
export function nodeWorkers(moduleUrl: string, options: ClusterOptions): NodeWorkersPorts {
  return {
    clock: nodeClock,
    random: nodeRandom,
    parallelism: availableParallelism(),
    host: clusterHost(moduleUrl, options),
    report: (error) => console.error('twoway:', isError(error) ? error.message : error),
  }
}

interface NodeWorkersPorts {
  readonly clock: Clock
  readonly random: Random
  readonly parallelism: number
  readonly host: WorkerHost
  report(error: unknown): void
}

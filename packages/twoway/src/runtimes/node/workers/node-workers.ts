import { availableParallelism } from 'node:os'
import { ScratchPool } from '../../../core/sending/scratch-pool.js'
import { isError } from '../../../core/value-kinds.js'
import type { Clock } from '../../../ports/clock.js'
import type { Random } from '../../../ports/random.js'
import type { WorkerHost } from '../../../ports/worker-host.js'
import { nodeClock } from '../clock.js'
import { nodeDiagnostics } from '../diagnostics.js'
import { nodeHttpHost } from '../http/http-host.js'
import { nodePayload } from '../payload/payload.js'
import { nodeRandom } from '../random.js'
import { processMemory } from '../tuning/process-memory.js'
import { type ClusterOptions, clusterHost } from './cluster-host.js'

/** The ports of Node with which `serveWorkers` runs a module. */
export function nodeWorkers(moduleUrl: string, options: ClusterOptions): NodeWorkersPorts {
  const parallelism = availableParallelism()
  return {
    clock: nodeClock,
    random: nodeRandom,
    parallelism,
    host: clusterHost(moduleUrl, { ...options, workers: options.workers ?? parallelism }),
    admin: adminPorts(),
    report: (error) => console.error('twoway:', isError(error) ? error.message : error),
  }
}

/** The ports of the parent's server for probes and metrics. It compresses nothing and tunes no memory. */
function adminPorts() {
  return {
    payload: nodePayload,
    random: nodeRandom,
    clock: nodeClock,
    httpHost: nodeHttpHost,
    diagnostics: nodeDiagnostics,
    deflateCodec: () => undefined,
    memoryBytes: processMemory,
    scratchPool: new ScratchPool(nodePayload),
    report: (error: unknown) => console.error('twoway:', error),
  }
}

interface NodeWorkersPorts {
  readonly clock: Clock
  readonly random: Random
  readonly parallelism: number
  readonly host: WorkerHost
  readonly admin: ReturnType<typeof adminPorts>
  report(error: unknown): void
}

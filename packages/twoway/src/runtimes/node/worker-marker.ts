import cluster from 'node:cluster'
import process from 'node:process'

/**
 * The environment variable that marks a worker. It has the id of the worker's parent. The children of a worker inherit the
 * variable, but have another parent, so they are not workers.
 */
export const workerMarker = 'TWOWAY_WORKER_OF'

/** The form of our messages, which tells them from the module's own on the same channel. */
export interface Envelope {
  readonly twoway: object
}

export function isEnvelope(value: unknown): value is Envelope {
  return typeof value === 'object' && value !== null && 'twoway' in value && typeof value.twoway === 'object'
}

/** Whether this process is a worker of `serveWorkers`. */
export function isWorker(): boolean {
  return process.env[workerMarker] === String(process.ppid) && cluster.isWorker && process.connected === true
}

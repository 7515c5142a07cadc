import cluster from 'node:cluster'
import process from 'node:process'

/**
 * The environment variable by which a process knows that it is a worker: the id of the process that started it. What a
 * worker starts itself inherits the variable, and is no worker.
 */
export const workerMarker = 'TWOWAY_WORKER_OF'

/** How our messages are told from the module's own on the same channel. */
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

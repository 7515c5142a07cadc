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

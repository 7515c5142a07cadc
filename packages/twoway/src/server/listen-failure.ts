import { isError } from '../core/value-kinds.js'
import type { ListenOptions } from '../ports/http-host.js'

/** The error of the system that a server could not listen, with its fields. The text for a port in use says what to do. */
export function listenFailure(error: unknown, { socketPath, handle }: ListenOptions): unknown {
  const isTaken = isError(error) && (error as { readonly code?: unknown }).code === 'EADDRINUSE'
  if (!isTaken || socketPath !== undefined || handle !== undefined) return error
  const advised = new Error(`${error.message}: choose another port, or 0 for a free one`, { cause: error })
  return Object.assign(advised, { ...error })
}

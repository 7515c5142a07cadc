import type { ServerMetrics } from '../server/server-metrics.js'

/** Where a server of a worker's is to listen. */
export interface WorkerPlace {
  readonly port: number
  readonly host: string
  /** Which one of those that ask for any port, in their order within the worker. */
  readonly nth: number
  /** Whether others may listen there too, as the module says itself. */
  readonly isShared: boolean
  /** The port that was found before and could not be had. */
  readonly taken?: number | undefined
}

export interface WorkerAddress {
  readonly url: string
  readonly port: number
}

/** An error as it goes from a process to another. */
export interface SentError {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly stack?: string | undefined
}

/** What a worker tells its parent. */
export type WorkerMessage =
  /** Asks where to listen; answered by 'place'. */
  | { readonly type: 'place'; readonly ask: number; readonly place: WorkerPlace }
  /** All of its servers listen. */
  | { readonly type: 'listening'; readonly addresses: readonly WorkerAddress[] }
  /** A server could not be started, or the process dies of an error. */
  | { readonly type: 'failed'; readonly error: SentError }
  | { readonly type: 'answer'; readonly ask: number; readonly metrics: ServerMetrics }

/** What a parent tells its worker. */
export type ParentMessage =
  | { readonly type: 'place'; readonly ask: number; readonly port: number; readonly error?: SentError | undefined }
  | {
      readonly type: 'broadcast'
      readonly message: string | Uint8Array
      readonly compress: boolean | undefined
    }
  /** Each is answered, when it is done, by what the worker has counted. */
  | { readonly type: 'metrics' | 'close'; readonly ask: number }
  | { readonly type: 'drain'; readonly ask: number; readonly withinMs: number }
  /** Nothing is asked any more. */
  | { readonly type: 'end' }

export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack, code } = error as Error & { readonly code?: unknown }
  return { name, message, stack, ...(typeof code === 'string' ? { code } : {}) }
}

/** The error that was sent, as one of this process. */
export function receivedError({ message, ...rest }: SentError): Error {
  return Object.assign(new Error(message), rest)
}

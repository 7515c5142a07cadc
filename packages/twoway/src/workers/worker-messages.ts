import type { ServerMetrics } from '../server/server-metrics.js'
import type { SentError } from './sent-error.js'
import type { ParentTopicMessage, WorkerTopicMessage } from './topics/topic-messages.js'

/** A worker's request for the port that a server listens on. The port 0 stands for any port. */
export interface PortRequest {
  readonly port: number
  readonly host: string
  /** The number of this server among those of the worker that ask for any port. */
  readonly nth: number
  /** Whether the module itself allows other programs to listen on the port. */
  readonly isShared: boolean
  /** The port of the previous answer, if the worker could not listen on it. */
  readonly taken?: number | undefined
}

export interface WorkerAddress {
  readonly url: string
  readonly port: number
}

/** The messages of a worker to its parent. */
export type WorkerMessage =
  /** Asks for a port to listen on; answered by 'port'. */
  | { readonly type: 'port'; readonly ask: number; readonly request: PortRequest }
  /** All of its servers listen. */
  | { readonly type: 'listening'; readonly addresses: readonly WorkerAddress[] }
  /** A server could not be started, or an error ends the process. */
  | { readonly type: 'failed'; readonly error: SentError }
  | {
      readonly type: 'answer'
      readonly ask: number
      readonly metrics: ServerMetrics
      /** Messages of topics that the worker has not sent, because too much waited for its parent. */
      readonly missed: number
    }
  | WorkerTopicMessage

/** The messages of a parent to its worker. */
export type ParentMessage =
  | { readonly type: 'port'; readonly ask: number; readonly port: number; readonly error?: SentError | undefined }
  | {
      readonly type: 'broadcast'
      readonly message: string | Uint8Array
      readonly compress: boolean | undefined
    }
  /** Each is answered with the counts of the worker when it is done. */
  | { readonly type: 'metrics'; readonly ask: number }
  | { readonly type: 'close'; readonly ask: number; readonly withinMs?: number | undefined }
  | { readonly type: 'drain'; readonly ask: number; readonly withinMs: number }
  /** Its servers are no longer ready. */
  | { readonly type: 'notReady' }
  /** No further message follows. */
  | { readonly type: 'end' }
  | ParentTopicMessage

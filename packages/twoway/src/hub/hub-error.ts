import type { ErrorCode } from '../subprotocol/messages.js'

/** An error that a client is sent with its text. Throw it in `authenticate`, rules and handlers of requests. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: ErrorCode
  /** The place in the data that is wrong. */
  readonly path: readonly (string | number)[] | undefined
  /** Milliseconds after which another try makes sense. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    {
      path,
      retryAfterMs,
      cause,
    }: {
      readonly path?: readonly (string | number)[] | undefined
      readonly retryAfterMs?: number | undefined
      readonly cause?: unknown
    } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.path = path
    this.retryAfterMs = retryAfterMs
  }
}

/** The error for an operation that the broker has not confirmed. A HubError stays. */
export function unavailable(error: unknown): HubError {
  if (error instanceof HubError) return error
  return new HubError('unavailable', 'the broker does not answer: the message may have been stored', {
    cause: error,
    retryAfterMs: 1000,
  })
}

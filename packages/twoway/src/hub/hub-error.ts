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

/**
 * The end of a publish, a request or a subscription without an answer:
 *
 * - a code of the server, such as 'forbidden', 'invalid', 'limit' or 'failed';
 * - 'lost': the connection was lost before the answer;
 * - 'timeout': no answer in time;
 * - 'full': too much waits already;
 * - 'closed': the link is closed.
 */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  declare readonly code: string
  /** Whether it may have taken effect on the server. */
  declare readonly mayHaveHappened: boolean
  /** The place in the data that broke the schema. */
  declare readonly path: readonly (string | number)[] | undefined
  /** Milliseconds after which another try makes sense. */
  declare readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    message: string,
    mayHaveHappened = false,
    path?: readonly (string | number)[],
    retryAfterMs?: number,
  ) {
    super(message)
    this.code = code
    this.mayHaveHappened = mayHaveHappened
    this.path = path
    this.retryAfterMs = retryAfterMs
  }
}

/** How a command ends, for scripts. */
export const ExitCode = {
  /** A clean close. */
  clean: 0,
  /** What was typed can't be done. */
  usage: 1,
  /** No connection came about. */
  notConnected: 2,
  /** A connection ended otherwise than by a clean close, or what was expected did not come. */
  abnormal: 3,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** What stops a command: one sentence for whoever typed it, that says what is wrong and what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: ExitCode
  /** What the server says of it, to be shown below the sentence. */
  readonly details: string

  constructor(sentence: string, exitCode: ExitCode = ExitCode.usage, details = '') {
    super(sentence)
    this.exitCode = exitCode
    this.details = details
  }
}

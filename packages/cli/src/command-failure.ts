/** The exit codes of a command, for scripts. */
export const ExitCode = {
  /** A clean close. */
  clean: 0,
  /** An invalid option or argument. */
  usage: 1,
  /** No connection could be opened. */
  notConnected: 2,
  /** A connection did not close cleanly, or fewer messages arrived than were expected. */
  abnormal: 3,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** Ends a command. The message is one sentence for the user: what is wrong and what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: ExitCode
  /** The server's own explanation, shown below the sentence; '' if there is none. */
  readonly details: string

  constructor(sentence: string, exitCode: ExitCode = ExitCode.usage, details = '') {
    super(sentence)
    this.exitCode = exitCode
    this.details = details
  }
}

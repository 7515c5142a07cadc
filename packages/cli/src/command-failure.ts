/** What stops a command: one sentence for whoever typed it, that says what is wrong and what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
}

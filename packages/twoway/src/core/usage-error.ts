import { inSentence } from './printable.js'

/** Mistakes of the caller. */
export type UsageErrorCode =
  | 'closeCodeInvalid'
  | 'closeReasonTooLong'
  | 'controlPayloadTooLong'
  | 'messageTypeInvalid'
  | 'messageNotUtf8'
  | 'messageTaken'
  | 'messageSourceInvalid'
  | 'middlewareTooLate'
  | 'optionInvalid'
  | 'nodeRequestMissing'
  | 'pathTaken'
  | 'protocolNotOffered'
  | 'tooManyTopics'
  | 'topicInvalid'
  | 'upgradeAnswerInvalid'
  | 'requestAnswerInvalid'
  | 'upgradeTaken'
  | 'upgradeTooLate'
  | 'headerInvalid'
  | 'pingImpossible'
  | 'streamImpossible'

/** The caller asked for something impossible. Thrown at once; no state has changed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code: UsageErrorCode

  constructor(code: UsageErrorCode, message: string) {
    super(inSentence(message))
    this.code = code
  }

  /** For `JSON.stringify`, which would leave out an error's message. */
  toJSON(): object {
    const { name, code, message } = this
    return { name, code, message }
  }
}

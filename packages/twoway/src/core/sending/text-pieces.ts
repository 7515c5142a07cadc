import type { Payload } from '../../ports/payload.js'
import { UsageError } from '../errors.js'

/**
 * The text in the pieces of one message: checks that bytes are UTF-8 across pieces, and holds back the half of a
 * character that a piece cuts until the next piece shows the other half.
 */
export class TextPieces {
  readonly #payload: Payload
  #utf8State = 0
  /** A high surrogate at the end of the last piece, whose second half may follow, or ''. */
  #highSurrogate = ''

  constructor(payload: Payload) {
    this.#payload = payload
  }

  /** Checks the next piece of a text. Throws a UsageError if its bytes are not UTF-8. */
  check(piece: string | Uint8Array): void {
    if (typeof piece === 'string') {
      this.checkEnd()
      return
    }
    const state = this.#payload.validate(this.#utf8State, piece, 0, piece.length)
    if (state < 0) throw notUtf8()
    this.#utf8State = state
  }

  /** Throws a UsageError if the bytes so far end within a character. */
  checkEnd(): void {
    if (this.#utf8State !== 0) throw notUtf8()
  }

  /** The piece, with the high surrogate before it and without the one at its end. */
  join(piece: string | Uint8Array): string | Uint8Array {
    if (typeof piece !== 'string') return this.#highSurrogate === '' ? piece : this.#behindReplacement(piece)
    const joined = this.#highSurrogate + piece
    const isCut = isHighSurrogate(joined.charCodeAt(joined.length - 1))
    this.#highSurrogate = isCut ? joined.at(-1)! : ''
    return isCut ? joined.slice(0, -1) : joined
  }

  /** The bytes to send for a character that no piece completes: U+FFFD. Undefined if there is none. */
  takeRest(): Uint8Array | undefined {
    if (this.#highSurrogate === '') return undefined
    this.#highSurrogate = ''
    return replacement
  }

  /** A high surrogate before bytes is a lone one and becomes U+FFFD. */
  #behindReplacement(piece: Uint8Array): Uint8Array {
    this.#highSurrogate = ''
    const joined = this.#payload.allocate(replacement.length + piece.length)
    joined.set(replacement)
    joined.set(piece, replacement.length)
    return joined
  }
}

/** Whether this UTF-16 unit is the first half of a character. */
export function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

/** U+FFFD in UTF-8. */
const replacement = Uint8Array.of(0xef, 0xbf, 0xbd)

function notUtf8(): UsageError {
  return new UsageError(
    'messageNotUtf8',
    "a text message must be UTF-8, and the bytes of this one are not: send them with { type: 'binary' }",
  )
}

import { printable } from 'twoway'

/**
 * Prints one line for the user on stderr. It is made printable even if stderr is a file, because a terminal may show that
 * file later. Values of peers in it must be printable already.
 */
export function tell(sentence: string): void {
  process.stderr.write(`${printable(sentence, { as: 'sentence' })}\n`)
}

/** Prints several lines in the same way. */
export function tellLines(text: string): void {
  process.stderr.write(`${printable(text, { as: 'sentence', lines: true })}\n`)
}

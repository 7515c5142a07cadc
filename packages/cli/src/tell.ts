import { printable } from 'twoway'

/**
 * Tells a person something in one line on stderr. It is printable even where stderr is a file: a log that is shown later
 * is obeyed by a terminal just as well. Values of peers in it are to be printable already.
 */
export function tell(sentence: string): void {
  process.stderr.write(`${printable(sentence, { as: 'sentence' })}\n`)
}

/** The same in several lines. */
export function tellLines(text: string): void {
  process.stderr.write(`${printable(text, { as: 'sentence', lines: true })}\n`)
}

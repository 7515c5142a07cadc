import { inPieces } from '../cuts.js'
import type { Draws } from './draws.js'

/** Something that reads what a peer sends, to be given mutated bytes. */
export interface Subject {
  readonly name: string
  /** Bytes that keep the rules for the most part, by chance. */
  make(draws: Draws): Uint8Array
  /**
   * Has a new reader read the pieces and returns what came of it, one line each thing; 'error' and a code for what the
   * peer broke. Throws only where a promise of the library's is broken.
   */
  read(pieces: readonly Uint8Array[]): readonly string[]
}

/** What became of one input. */
export interface Trial {
  readonly subject: Subject
  readonly bytes: Uint8Array
  /** Where the bytes are cut for the second reader. */
  readonly cuts: readonly number[]
}

/** The codes of errors that were met; throws where the input, whole or cut, broke a promise, or made a difference by its cuts. */
export function run({ subject, bytes, cuts }: Trial): readonly string[] {
  const whole = subject.read(bytes.length === 0 ? [] : [bytes])
  const pieces: Uint8Array[] = []
  inPieces(bytes, cuts, (piece) => pieces.push(piece))
  const cut = subject.read(pieces)
  if (whole.join('\n') !== cut.join('\n')) {
    throw new Error(`read whole it gives\n  ${whole.join('\n  ')}\nand cut it gives\n  ${cut.join('\n  ')}`)
  }
  return whole.flatMap((line) => (line.startsWith('error ') ? [line.slice('error '.length)] : []))
}

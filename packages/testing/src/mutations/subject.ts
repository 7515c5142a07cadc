import { inPieces } from '../cuts.js'
import type { Draws } from './draws.js'

/** A reader of a peer's bytes, to be fed with mutated ones. */
export interface Subject {
  readonly name: string
  /** Makes random bytes that are mostly valid. */
  make(draws: Draws): Uint8Array
  /**
   * Has a new reader read the pieces and returns its results, one line each, with 'error' and a code for a rule that the
   * peer broke. Throws only if the library breaks one of its own promises.
   */
  read(pieces: readonly Uint8Array[]): readonly string[]
}

/** One input. */
export interface Trial {
  readonly subject: Subject
  readonly bytes: Uint8Array
  /** The positions at which the bytes are cut for the second reader. */
  readonly cuts: readonly number[]
}

/** Returns the codes of the errors. Throws if the input broke a promise, whole or cut, or if its cuts changed the results. */
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

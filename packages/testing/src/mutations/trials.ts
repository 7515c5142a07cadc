import { toHex } from '../bytes.js'
import { compressedSubjects } from './compressed-subjects.js'
import { Draws } from './draws.js'
import { frameSubjects } from './frame-subjects.js'
import { handshakeSubjects } from './handshake-subjects.js'
import { run, type Subject, type Trial } from './subject.js'

/** All readers of a peer's bytes. */
const subjects: readonly Subject[] = [...frameSubjects, ...handshakeSubjects]
/** The share of compressed inputs, which take longer than the others. */
const oneCompressedIn = 6

export interface TrialsOptions {
  readonly seed: number
  /** The numbers of the inputs: `count` of them, from `first` in steps of `step`. */
  readonly first: number
  readonly count: number
  readonly step: number
  /** Called before each input is read, so that an input that hangs is known by its number. */
  readonly onTrial?: (index: number) => void
}

/** A broken promise, described so that the input can be repeated. */
export class TrialFailure extends Error {
  override readonly name = 'TrialFailure'
}

/** Tries mutated inputs, and returns the count of each error. Throws a TrialFailure for the first broken promise. */
export function runTrials({ seed, first, count, step, onTrial }: TrialsOptions): Map<string, number> {
  const met = new Map<string, number>()
  for (let number = 0; number < count; number++) {
    const index = first + number * step
    onTrial?.(index)
    for (const code of tryOne(seed, index)) met.set(code, (met.get(code) ?? 0) + 1)
  }
  return met
}

function tryOne(seed: number, index: number): readonly string[] {
  const trial = trialOf(seed, index)
  try {
    return run(trial)
  } catch (error) {
    const reason = error instanceof Error ? error.stack : String(error)
    throw new TrialFailure(`${describeTrial(seed, index)}\n${reason}`)
  }
}

/** Describes an input and the command that repeats it. */
export function describeTrial(seed: number, index: number): string {
  const { subject, bytes, cuts } = trialOf(seed, index)
  return [
    `again: npm run test:mutations -- --seed ${seed} --at ${index}`,
    `${subject.name}, ${bytes.length} bytes, cut at ${cuts.join(', ') || 'no place'}:`,
    toHex(bytes),
  ].join('\n')
}

function trialOf(seed: number, index: number): Trial {
  const draws = new Draws(seed, index)
  const subject = draws.of(draws.once(oneCompressedIn) ? compressedSubjects : subjects)
  const bytes = subject.make(draws)
  const cuts = bytes.length < 2 ? [] : Array.from({ length: draws.below(5) }, () => 1 + draws.below(bytes.length - 1))
  return { subject, bytes, cuts }
}

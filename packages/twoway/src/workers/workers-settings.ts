import { UsageError } from '../core/errors.js'
import type { Clock } from '../ports/clock.js'
import type { Random } from '../ports/random.js'
import type { WorkerHost } from '../ports/worker-host.js'
import type { WorkersOptions } from './workers-types.js'

/** What workers need of their runtime. */
export interface WorkersPorts {
  readonly clock: Clock
  readonly random: Random
  readonly host: WorkerHost
  /** How many processes the machine runs at once. */
  readonly parallelism: number
  /** Tells whoever runs the program of what no handler took. */
  report(error: unknown): void
}

/** The options of `serveWorkers`, checked and complete. */
export interface WorkersSettings {
  readonly ports: WorkersPorts
  readonly workers: number
  readonly startTimeoutMs: number
  readonly killAfterMs: number
  readonly maxBufferedBytes: number
  readonly handlers: Pick<WorkersOptions, 'workerExit' | 'error'>
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'string')
const aCount = ['an integer above 0', isCount] as const
const texts = ['a list of strings', isTexts] as const
const aFunction = ['a function', (value: unknown): boolean => typeof value === 'function'] as const

const rules: {
  readonly [name in keyof Required<WorkersOptions>]: readonly [wanted: string, isRight: (value: unknown) => boolean]
} = {
  workers: aCount,
  args: texts,
  execArgv: texts,
  env: ['an object', (value) => value instanceof Object],
  startTimeoutMs: aCount,
  killAfterMs: aCount,
  maxBufferedBytes: aCount,
  workerExit: aFunction,
  error: aFunction,
}

/** Checks the options and adds the defaults. A UsageError names the first that is wrong. */
export function settleWorkers(options: WorkersOptions, ports: WorkersPorts): WorkersSettings {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) {
      throw new UsageError(
        'optionInvalid',
        `there is no option "${name}" of serveWorkers; there are: ${Object.keys(rules).join(', ')}. Those of a server are given to serve() in the module`,
      )
    }
    const [wanted, isRight] = rules[name as keyof WorkersOptions]
    if (value !== undefined && !isRight(value)) {
      throw new UsageError('optionInvalid', `the option ${name} must be ${wanted}, not ${String(value)}`)
    }
  }
  return {
    ports,
    workers: options.workers ?? ports.parallelism,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    killAfterMs: options.killAfterMs ?? 15_000,
    maxBufferedBytes: options.maxBufferedBytes ?? 16 << 20,
    handlers: options,
  }
}

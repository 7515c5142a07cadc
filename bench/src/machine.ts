import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { cores } from './pinned-process.js'

/** A description of the machine of a run. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memory: string
  readonly system: string
  /** Whether each process had a core of its own. */
  readonly isPinned: boolean
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    system: `${type()} ${release()}`,
    isPinned: cores !== undefined,
  }
}

import { parentPort, workerData } from 'node:worker_threads'
import { runTrials, TrialFailure } from './trials.js'

/** The work of a worker, and the memory in which it stores the number of the current input. */
export interface WorkerOrder {
  readonly seed: number
  readonly first: number
  readonly count: number
  readonly step: number
  readonly at: Int32Array
  readonly slot: number
}

/** The findings: the count of each error, or the description of a failure. */
export type WorkerReport = { readonly met: ReadonlyMap<string, number> } | { readonly failure: string }

const order = workerData as WorkerOrder
// Stack traces of expected errors cost time; repeating one input has them.
Error.stackTraceLimit = 0

function report(): WorkerReport {
  try {
    const onTrial = (index: number): void => {
      order.at[order.slot] = index
    }
    return { met: runTrials({ ...order, onTrial }) }
  } catch (error) {
    if (!(error instanceof TrialFailure)) throw error
    return { failure: error.message }
  }
}

parentPort!.postMessage(report())

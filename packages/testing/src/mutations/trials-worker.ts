import { parentPort, workerData } from 'node:worker_threads'
import { runTrials, TrialFailure } from './trials.js'

/** What a worker is to do, and where it notes the number of the input that it is at. */
export interface WorkerOrder {
  readonly seed: number
  readonly first: number
  readonly count: number
  readonly step: number
  readonly at: Int32Array
  readonly slot: number
}

/** What it found: how often each error was met, or the failure in words. */
export type WorkerReport = { readonly met: ReadonlyMap<string, number> } | { readonly failure: string }

const order = workerData as WorkerOrder
// Traces of errors that are to be expected take a fifth of the time; one input tried again has them.
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
